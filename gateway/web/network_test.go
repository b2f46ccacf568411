// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestNetworks(t *testing.T) {
	f := newFrame(t, func(c *Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
		c.CampusNetworks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	})
	for _, c := range []struct {
		name, peer, forwarded, key string
		exempt                     bool
	}{
		{"IPv4 by /24", "203.0.113.7:1000", "", "203.0.113.0/24", false},
		{"IPv6 by /64", "[2001:db8:1:2:3:4:5:6]:1000", "", "2001:db8:1:2::/64", false},
		{"IPv4 in IPv6", "[::ffff:203.0.113.7]:1000", "", "203.0.113.0/24", false},
		{"with a zone", "[fe80::1%eth0]:1000", "", "fe80::/64", false},
		{"campus", "198.51.100.9:1000", "", "198.51.100.0/24", true},
		{"a stranger's header is not believed", "203.0.113.7:1000", "198.51.100.9", "203.0.113.0/24", false},
		{"a trusted proxy's is", "10.1.1.1:1000", "192.0.2.55", "192.0.2.0/24", false},
		{"campus behind a proxy", "10.1.1.1:1000", "198.51.100.9", "198.51.100.0/24", true},
		{"what the patron put before counts not", "10.1.1.1:1000", "198.51.100.9, 192.0.2.55", "192.0.2.0/24", false},
		{"two proxies", "10.1.1.1:1000", "192.0.2.55, 10.2.2.2", "192.0.2.0/24", false},
		{"proxies of both families", "[fd00::1]:1000", "2001:db8:9::1, 10.2.2.2", "2001:db8:9::/64", false},
		{"garbage ends the search", "10.1.1.1:1000", "192.0.2.55, unknown, 10.2.2.2", "10.2.2.0/24", false},
		{"a proxy that says nothing", "10.1.1.1:1000", "", "10.1.1.0/24", false},
		{"no address at all", "@", "", "unknown", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "http://desk.example/", nil)
			r.RemoteAddr = c.peer
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
			}
			if got := f.NetworkOf(r); got != (Network{c.key, c.exempt}) {
				t.Errorf("%+v, want %s %v", got, c.key, c.exempt)
			}
		})
	}
}

func TestForwardedInSeveralHeaders(t *testing.T) {
	f := newFrame(t, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	r := httptest.NewRequestWithContext(t.Context(), "GET", "http://desk.example/", nil)
	r.RemoteAddr = "10.1.1.1:1000"
	r.Header.Add("X-Forwarded-For", "198.51.100.9")
	r.Header.Add("X-Forwarded-For", "192.0.2.55")
	if got := f.NetworkOf(r).Key; got != "192.0.2.0/24" {
		t.Errorf("%s: the last header was added by the proxy", got)
	}
}

func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBuckets(500*time.Millisecond, 20)
		for i := range 20 {
			if ok, _ := b.Take("a"); !ok {
				t.Fatalf("token %d is refused", i)
			}
		}
		ok, wait := b.Take("a")
		if ok || wait != 500*time.Millisecond {
			t.Errorf("without a token: %v %v", ok, wait)
		}
		if ok, _ := b.Take("b"); !ok {
			t.Error("another key has its own bucket")
		}
		time.Sleep(wait)
		if ok, _ := b.Take("a"); !ok {
			t.Error("the token did not come back when it was said to")
		}
		if ok, _ := b.Take("a"); ok {
			t.Error("more than one came back")
		}
		for i := range 1000 {
			b.Take(strconv.Itoa(i))
		}
		time.Sleep(time.Minute)
		b.Take("c")
		if len(b.m) != 1 {
			t.Errorf("%d buckets are kept when only one is not full", len(b.m))
		}
	})
}

func TestSlots(t *testing.T) {
	s := NewSlots(2)
	first, ok1 := s.Take("a")
	_, ok2 := s.Take("a")
	if _, ok := s.Take("a"); !ok1 || !ok2 || ok {
		t.Errorf("two slots: %v %v %v", ok1, ok2, ok)
	}
	other, ok := s.Take("b")
	if !ok {
		t.Error("another key has its own slots")
	}
	first()
	first() // twice gives one back
	if _, ok := s.Take("a"); !ok {
		t.Error("a slot that was released is not free")
	}
	if _, ok := s.Take("a"); ok {
		t.Error("releasing twice made two free")
	}
	other()
	if _, kept := s.m["b"]; kept {
		t.Error("a key without slots is kept")
	}
}
