// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"refdesk/bridge/mail"
	"refdesk/cluster/desk"
)

// The addresses that every desk has beside its departments' own.
const (
	help       = "help"       // the default department
	postmaster = "postmaster" // RFC 5321 §4.5.1: somebody reads it
	bounce     = "bounce"     // reports on mails of ours
)

// address is one of the desk's addresses, taken apart.
type address struct {
	local string // before the +, in small letters
	tag   string // behind it
}

// parseAddress reads an address of the desk's domain; ok is false for every other one. It takes no quoted local parts: the
// desk has none.
func parseAddress(s, domain string) (a address, ok bool) {
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || len(s) > 320 || !utf8.ValidString(s) || !strings.EqualFold(strings.TrimSuffix(s[at+1:], "."), domain) {
		return address{}, false
	}
	local := s[:at]
	for _, r := range local {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`"<>()[]\,;:@`, r) {
			return address{}, false
		}
	}
	a.local, a.tag, _ = strings.Cut(local, "+")
	a.local = strings.ToLower(a.local)
	return a, a.local != ""
}

// departments are those of the desk, the default one first.
type departments []string

// named finds the department that an address stands for.
func (ds departments) named(a address, keys mail.Keyring, whole string) (string, bool) {
	switch {
	case len(ds) == 0:
		return "", false
	case slices.Contains(ds, a.local):
		return a.local, true
	case a.local == help || a.local == postmaster:
		return ds[0], true
	case a.local == bounce:
		_, ours := keys.ParseBounceAddress(whole)
		return ds[0], ours
	}
	return "", false
}

// of finds the department by the addresses in a mail's header, those of the envelope first.
func (ds departments) of(m *mail.Message, domain string) string {
	if len(ds) == 0 {
		return ""
	}
	for _, to := range m.Recipients() {
		if a, ok := parseAddress(to.Addr, domain); ok && slices.Contains(ds, a.local) {
			return a.local
		}
	}
	return ds[0]
}

// own reads what the desk calls its own: its departments, and with them its addresses.
func (d *Door) own(ctx context.Context) (mail.Own, departments, error) {
	var ds departments
	err := d.store.View(ctx, desk.NodeActor(d.cfg.Node), func(r desk.Reader) error {
		views, err := r.Departments(desk.At(d.cfg.Now()))
		for _, v := range views {
			if v.Default {
				ds = slices.Insert(ds, 0, v.ID)
			} else {
				ds = append(ds, v.ID)
			}
		}
		return err
	})
	if err != nil {
		return mail.Own{}, nil, fmt.Errorf("read the departments: %w", err)
	}
	own := mail.Own{Keys: d.cfg.Keys, Lists: d.cfg.Lists}
	for _, local := range append([]string{help, postmaster}, ds...) {
		own.Addresses = append(own.Addresses, local+"@"+d.cfg.Domain)
	}
	return own, ds, nil
}

// ours says whether an address is one of the desk's, whatever its tag.
func (d *Door) ours(addr string, own mail.Own) bool {
	a, ok := parseAddress(addr, d.cfg.Domain)
	return ok && (a.local == bounce || slices.Contains(own.Addresses, a.local+"@"+d.cfg.Domain))
}

// Ours says whether an address is one of the desk's own: nothing is sent there. When that can't be read it says no; mails
// that come back have other brakes.
func (d *Door) Ours(ctx context.Context, addr string) bool {
	own, _, err := d.own(ctx)
	return err == nil && d.ours(addr, own)
}
