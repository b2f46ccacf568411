// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"math/rand/v2"
	"time"
)

// giveUp is how long a mail is tried.
const giveUp = 72 * time.Hour

// backoff is how long to wait after a mail's n-th failure: a temporary refusal is often greylisting, which is over in a
// minute; what lasts longer lasts for hours.
func backoff(n uint64) time.Duration {
	steps := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
	return jitter(steps[min(n, uint64(len(steps)-1))])
}

// pause is how long the account rests after its n-th failure in a row. A server that is down is back any moment; a wrong
// password is not, and servers lock out those who keep trying.
func pause(n int, lasting bool) time.Duration {
	if lasting {
		return jitter(5 * time.Minute)
	}
	return jitter(min(time.Second<<min(n, 10), time.Minute))
}

// jitter keeps many desks from coming back at the same moment.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
