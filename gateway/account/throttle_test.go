// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// try makes one attempt and returns how long it was kept waiting.
func try(t *testing.T, th *throttle, account string, from netip.Addr, right bool) (waited time.Duration, refused bool) {
	t.Helper()
	begin := time.Now()
	a, err := th.begin(t.Context(), account, Network(from))
	if err != nil {
		return 0, true
	}
	waited = time.Since(begin)
	if right {
		a.succeeded()
	} else if a.failed(slog.New(slog.DiscardHandler), fail(NotAuthorized)) == nil {
		t.Error("a failure without error")
	}
	return waited, false
}

func TestDelaysGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		var got []time.Duration
		for range 9 {
			w, _ := try(t, th, "ana", office, false)
			got = append(got, w)
		}
		want := []time.Duration{0, 0, 0, 500, 1000, 2000, 4000, 8000, 8000}
		for i := range want {
			if got[i] != want[i]*time.Millisecond {
				t.Fatalf("waited %v", got)
			}
		}
		if w, _ := try(t, th, "ben", office, false); w != 0 {
			t.Errorf("another account waited %v", w)
		}
		if w, _ := try(t, th, "ana", netip.MustParseAddr("198.51.100.1"), false); w != 0 {
			t.Errorf("another network waited %v", w)
		}
		if w, _ := try(t, th, "ana", netip.MustParseAddr("192.0.2.200"), false); w != 8*time.Second {
			t.Errorf("the same network waited %v", w)
		}
		time.Sleep(failureMemory + time.Second)
		if w, _ := try(t, th, "ana", office, false); w != 0 {
			t.Errorf("after a while still %v", w)
		}
	})
}

func TestTooManyAtATimeAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range 8 {
			try(t, th, "ana", office, false)
		}
		results := make(chan bool, 20)
		for range cap(results) {
			go func() {
				_, refused := try(t, th, "ana", office, false)
				results <- refused
			}()
		}
		refused := 0
		for range cap(results) {
			if <-results {
				refused++
			}
		}
		if refused < 17 || refused == 20 {
			t.Errorf("%d of 20 refused", refused)
		}
	})
}

func TestNetworkThatSucceededIsNeverLockedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		try(t, th, "ana", office, true)
		for i := range 50 {
			if w, refused := try(t, th, "ana", office, false); refused || w > trustedDelay {
				t.Fatalf("attempt %d waited %v, refused %v", i, w, refused)
			}
		}
		if w, refused := try(t, th, "ana", office, true); refused || w > trustedDelay {
			t.Errorf("waited %v, refused %v", w, refused)
		}
		if w, _ := try(t, th, "ana", office, false); w != 0 {
			t.Errorf("a login does not forgive: %v", w)
		}
	})
}

func TestWaitingEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle()
		for range 6 {
			try(t, th, "ana", office, false)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := th.begin(ctx, "ana", Network(office)); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
	})
}

func TestThrottleMemoryIsBounded(t *testing.T) {
	th := newThrottle()
	try(t, th, "ana", office, true)
	for i := range throttleMemory + 100 {
		try(t, th, fmt.Sprintf("guess%d", i), office, false)
	}
	if n := th.failures.order.Len(); n != throttleMemory || len(th.failures.items) != n {
		t.Errorf("%d failures are kept", n)
	}
	if _, ok := th.trusted.get(source{"ana", Network(office)}); !ok {
		t.Error("failures of others push out trust")
	}
}

func TestNetworks(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.0/24", "::ffff:192.0.2.7": "192.0.2.0/24",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := Network(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if Network(netip.Addr{}).IsValid() {
		t.Error("no address has a network")
	}
}

func TestPlainCacheIsBounded(t *testing.T) {
	c := newPlainCache()
	for i := range cacheSize + 10 {
		c.keep("ana", fmt.Sprint(i), nil, 1, nil)
	}
	if len(c.entries) != cacheSize {
		t.Errorf("%d entries", len(c.entries))
	}
}
