// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"time"
)

// LinkKind says what a one-time link opens.
type LinkKind string

// The kinds of link.
const (
	LinkInvite LinkKind = "invite" // the first sign-in
	LinkReset  LinkKind = "reset"  // a new password
	LinkBoard  LinkKind = "board"  // one page, for somebody who is signed in elsewhere
	LinkEnrol  LinkKind = "enrol"  // a second factor
)

// Link is a one-time token, of which the desk knows the hash only.
type Link struct {
	Hash    string // hex SHA-256 of the token
	Kind    LinkKind
	Account string
	By      string // account of who made it, "" = the account itself or the administrator
	Made    Time
	Expires Time
	Used    Time // 0 = not yet
}

// maxLink is the longest that a link may hold.
const maxLink = 31 * 24 * time.Hour

const linkTable Table = "link"

func linkKey(hash string) key { return key("").word(hash) }
func (l *Link) table() Table  { return linkTable }
func (l *Link) key() key      { return linkKey(l.Hash) }

func (l *Link) entries() []Entry {
	return append(expiry(l.Expires.Add(keyLife)), Entry{byAccount, string(key("").word(l.Account))})
}

func (l *Link) code(c *coder) {
	c.str(&l.Hash)
	word(c, &l.Kind)
	c.str(&l.Account)
	c.str(&l.By)
	c.time(&l.Made)
	c.time(&l.Expires)
	c.time(&l.Used)
}

// MakeLink makes a one-time link for an account. Earlier ones of the kind end: only the newest mail works.
type MakeLink struct {
	Hash    string
	Kind    LinkKind
	Account string
	Expires Time // 0 = after the invitation clock
}

// CommandName is the word for the command in the log.
func (*MakeLink) CommandName() string { return "MakeLink" }

func (x *MakeLink) code(c *coder) {
	c.str(&x.Hash)
	word(c, &x.Kind)
	c.str(&x.Account)
	c.time(&x.Expires)
}

func (x *MakeLink) apply(s *state) error {
	if err := s.may(ManageStaff, Object{}); err != nil {
		return err
	}
	p := get[Staff](s, staffKey(x.Account))
	switch {
	case p == nil || p.Disabled:
		return refuseField(NotFound, "account")
	case !hexHash(x.Hash):
		return refuseField(Invalid, "hash")
	case !slices.Contains([]LinkKind{LinkInvite, LinkReset, LinkBoard, LinkEnrol}, x.Kind):
		return refuseField(Invalid, "kind")
	case get[Link](s, linkKey(x.Hash)) != nil:
		return refuseField(Exists, "hash")
	}
	l := &Link{Hash: x.Hash, Kind: x.Kind, Account: x.Account, By: s.staffActor(), Made: s.now, Expires: x.Expires}
	if l.Expires == 0 {
		l.Expires = s.now.Add(s.clock(ClockInvite))
	}
	if l.Expires <= s.now || l.Expires.Sub(s.now) > maxLink {
		return refuseField(Invalid, "expires")
	}
	s.dropLinks(x.Account, x.Kind)
	put(s, l)
	return nil
}

// dropLinks removes an account's links of a kind, "" = of every kind. A used one stays, to say that it was.
func (s *state) dropLinks(account string, kind LinkKind) {
	for _, l := range find[Link](s, Range{Index: byAccount, Prefix: string(key("").word(account))}) {
		if l.Used == 0 && (kind == "" || l.Kind == kind) {
			remove(s, l)
		}
	}
}

// UseLink uses a link up, and with Password sets the account's web password in the same step. The reply's Staff is the
// account. A link that was used or has expired is Over, with when.
type UseLink struct {
	Hash     string
	Kind     LinkKind
	Password string // argon2id, in PHC form; "" = leave it
}

// CommandName is the word for the command in the log.
func (*UseLink) CommandName() string { return "UseLink" }

func (x *UseLink) code(c *coder) {
	c.str(&x.Hash)
	word(c, &x.Kind)
	c.str(&x.Password)
}

func (x *UseLink) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	if !hexHash(x.Hash) {
		return refuseField(Invalid, "hash")
	}
	l := get[Link](s, linkKey(x.Hash))
	if l == nil || l.Kind != x.Kind {
		return refuseField(NotFound, "link")
	}
	switch p := get[Staff](s, staffKey(l.Account)); {
	case p == nil || p.Disabled:
		return refuseField(NotFound, "link")
	case l.Used != 0:
		return &Error{Code: Over, Field: "link", At: l.Used}
	case s.now >= l.Expires:
		return &Error{Code: Over, Field: "link", At: l.Expires}
	}
	if x.Password != "" {
		if err := s.setPassword(l.Account, x.Password); err != nil {
			return err
		}
	}
	l.Used = s.now
	put(s, l)
	s.reply.Staff, s.reply.Value = l.Account, string(l.Kind)
	return nil
}

// hexHash reports whether s is a SHA-256 in lower-case hex.
func hexHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}
