// SPDX-License-Identifier: Apache-2.0

package console

import (
	"testing"
	"time"
)

func TestTimeSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"2h": 2 * time.Hour, "90m": 90 * time.Minute, "90 min": 90 * time.Minute, "1h30": 90 * time.Minute, "1 h 30 min": 90 * time.Minute,
		"for 2 hours": 2 * time.Hour, "1.5h": 90 * time.Minute, "": 0, "2": 0, "time": 0, "-2h": 0, "10s": 0, "2 floors": 0, "for": 0, "h": 0,
		"99999999999h": 0, "2h tomorrow": 0,
	} {
		if got, ok := timeSpan(text); got != want || ok != (want != 0) {
			t.Errorf("%q: %s, %t", text, got, ok)
		}
	}
	for text, want := range map[string]uint64{"3": 3, "3m": 3, "3 min": 3, "3min": 3, "3 minutes": 3, "3 minutes, please": 0, "a minute": 0, "3 h": 0, "": 0} {
		if got, ok := minutes(text); ok != (want != 0) || ok && got != want {
			t.Errorf("%q: %d, %t", text, got, ok)
		}
	}
}
