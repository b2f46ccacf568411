// SPDX-License-Identifier: Apache-2.0

package desk

import "time"

// WebSession is a sign-in to the staff pages, of which the desk knows the hash only.
type WebSession struct {
	Hash    string // hex SHA-256 of the cookie
	Account string
	Opened  Time
	Expires Time // moved on by use
}

// How long a web session lasts without use, and at most.
const (
	webIdle = 12 * time.Hour
	webMost = 14 * 24 * time.Hour
)

const webTable Table = "web-session"

func webKey(hash string) key       { return key("").word(hash) }
func (w *WebSession) table() Table { return webTable }
func (w *WebSession) key() key     { return webKey(w.Hash) }

func (w *WebSession) entries() []Entry {
	return append(expiry(w.Expires), Entry{byAccount, string(key("").word(w.Account))})
}

func (w *WebSession) code(c *coder) {
	c.str(&w.Hash)
	c.str(&w.Account)
	c.time(&w.Opened)
	c.time(&w.Expires)
}

// OpenWebSession signs somebody in whom a door has checked.
type OpenWebSession struct{ Hash, Account string }

// CommandName is the word for the command in the log.
func (*OpenWebSession) CommandName() string { return "OpenWebSession" }

func (x *OpenWebSession) code(c *coder) {
	c.str(&x.Hash)
	c.str(&x.Account)
}

func (x *OpenWebSession) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	p := get[Staff](s, staffKey(x.Account))
	switch {
	case p == nil || p.Disabled:
		return refuse(NotAllowed)
	case !hexHash(x.Hash):
		return refuseField(Invalid, "hash")
	case get[WebSession](s, webKey(x.Hash)) != nil:
		return refuseField(Exists, "hash")
	}
	put(s, &WebSession{Hash: x.Hash, Account: x.Account, Opened: s.now, Expires: s.now.Add(webIdle)})
	return nil
}

// TouchWebSession says that a session is in use. Doors propose it when half of its time is over, not at every page.
type TouchWebSession struct{ Hash string }

// CommandName is the word for the command in the log.
func (*TouchWebSession) CommandName() string { return "TouchWebSession" }

func (x *TouchWebSession) code(c *coder) { c.str(&x.Hash) }

func (x *TouchWebSession) apply(s *state) error {
	if err := s.may(RunNode, Object{}); err != nil {
		return err
	}
	w := get[WebSession](s, webKey(x.Hash))
	if w == nil || s.now >= w.Expires {
		return refuseField(NotFound, "session")
	}
	w.Expires = min(s.now.Add(webIdle), w.Opened.Add(webMost))
	put(s, w)
	return nil
}

// CloseWebSession signs somebody out. One that is over is no error.
type CloseWebSession struct{ Hash string }

// CommandName is the word for the command in the log.
func (*CloseWebSession) CommandName() string { return "CloseWebSession" }

func (x *CloseWebSession) code(c *coder) { c.str(&x.Hash) }

func (x *CloseWebSession) apply(s *state) error {
	w := get[WebSession](s, webKey(x.Hash))
	if w == nil {
		return nil
	}
	if err := s.may(OwnAccount, Object{Owner: w.Account}); err != nil {
		return refuseField(NotFound, "session")
	}
	remove(s, w)
	s.webSessionsEnded(w.Account)
	return nil
}

// endWebSessions signs an account out everywhere.
func (s *state) endWebSessions(account string) {
	found := find[WebSession](s, Range{Index: byAccount, Prefix: string(key("").word(account))})
	for _, w := range found {
		remove(s, w)
	}
	if len(found) > 0 {
		s.webSessionsEnded(account)
	}
}

// webSessionsEnded tells the nodes to look again whether an account's open pages are still signed in.
func (s *state) webSessionsEnded(account string) {
	s.emit(Event{Kind: WebSessionEnded, Staff: account, Audience: Audience{Staff: []string{account}}})
}
