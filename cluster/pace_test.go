// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	at := func(ms float64) time.Time {
		return time.Unix(1000, 0).Add(time.Duration(ms * float64(time.Millisecond)))
	}
	var p pace
	for i := range 40 { // 50 a second
		if d := p.wait(at(float64(20 * i))); d != 0 {
			t.Fatalf("on a calm desk a command waits %s", d)
		}
	}
	beats := map[time.Duration]int{}
	for i := range 1000 { // 1,000 a second
		now := at(1000 + float64(i))
		d := p.wait(now)
		if d < 0 || d > beat {
			t.Fatalf("a command waits %s", d)
		}
		if i > 300 {
			beats[now.Add(d).Sub(at(1000))]++
		}
	}
	if n := len(beats); n < 700/13 || n > 700/7 { // a window isn't a whole number of beats
		t.Errorf("%d moments for 700 commands in 700 ms", n)
	}
	if d := p.wait(at(5000)); d != 0 {
		t.Errorf("after the load a command waits %s", d)
	}
}
