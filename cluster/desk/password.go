// SPDX-License-Identifier: Apache-2.0

package desk

import "strings"

// WebPassword is what the desk knows of an account's password for the web pages: its argon2id hash in PHC form. It opens
// nothing but those; XMPP has device passwords.
type WebPassword struct {
	Account string
	PHC     string
	Changed Time
}

const passwordTable Table = "web-password"

func (p *WebPassword) table() Table     { return passwordTable }
func (p *WebPassword) key() key         { return staffKey(p.Account) }
func (p *WebPassword) entries() []Entry { return nil }

func (p *WebPassword) code(c *coder) {
	c.str(&p.Account)
	c.str(&p.PHC)
	c.time(&p.Changed)
}

// SetWebPassword gives an account a password. Its web sessions end, but for the one in which it is done.
type SetWebPassword struct {
	Account string
	PHC     string
	Keep    string // hash of the session that goes on
}

// CommandName is the word for the command in the log.
func (*SetWebPassword) CommandName() string { return "SetWebPassword" }

func (x *SetWebPassword) code(c *coder) {
	c.str(&x.Account)
	c.str(&x.PHC)
	c.str(&x.Keep)
}

func (x *SetWebPassword) apply(s *state) error {
	if err := s.may(OwnAccount, Object{Owner: x.Account}); err != nil {
		return err
	}
	if get[Staff](s, staffKey(x.Account)) == nil {
		return refuseField(NotFound, "account")
	}
	keep := get[WebSession](s, webKey(x.Keep))
	if keep != nil && keep.Account != x.Account {
		keep = nil
	}
	if keep != nil {
		remove(s, keep)
	}
	if err := s.setPassword(x.Account, x.PHC); err != nil {
		return err
	}
	if keep != nil {
		put(s, keep)
	}
	return nil
}

// setPassword stores a password and ends the sessions and links that the old one opened.
func (s *state) setPassword(account, phc string) error {
	if !plain(phc, 255) || !strings.HasPrefix(phc, "$argon2id$v=") {
		return refuseField(Invalid, "password")
	}
	put(s, &WebPassword{Account: account, PHC: phc, Changed: s.now})
	s.endWebSessions(account)
	s.dropLinks(account, LinkReset)
	return nil
}
