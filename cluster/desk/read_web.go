// SPDX-License-Identifier: Apache-2.0

package desk

// WebReader is the part of Reader that signs people in to the staff pages.
type WebReader interface {
	// WebPassword returns an account's password hash, NotFound if it has none or the account is disabled. Nodes only.
	WebPassword(account string) (*WebPassword, error)
	// WebSession returns the session of a cookie's hash that is open at now, NotFound if none is. Nodes only.
	WebSession(hash string, now Time) (*WebSession, error)
	// WebSessions lists an account's web sessions, expired ones included. Nodes and the account itself.
	WebSessions(account string) ([]*WebSession, error)
	// Link returns a one-time link by its hash, also one that was used or has expired. Nodes only.
	Link(hash string) (*Link, error)
	// Links lists an account's links. Those who manage staff only.
	Links(account string) ([]*Link, error)
}

// enabled answers NotFound for an account that may not come in.
func (r *reader) enabled(account, field string) error {
	p, err := one[Staff](r, staffKey(account), field)
	if err == nil && p.Disabled {
		err = refuseField(NotFound, field)
	}
	return err
}

func (r *reader) WebPassword(account string) (*WebPassword, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	if err := r.enabled(account, "password"); err != nil {
		return nil, err
	}
	return one[WebPassword](r, staffKey(account), "password")
}

func (r *reader) WebSession(hash string, now Time) (*WebSession, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	w, err := one[WebSession](r, webKey(hash), "session")
	if err != nil {
		return nil, err
	}
	if now >= w.Expires {
		return nil, refuseField(NotFound, "session")
	}
	return w, r.enabled(w.Account, "session")
}

func (r *reader) WebSessions(account string) ([]*WebSession, error) {
	if err := r.can(OwnAccount, Object{Owner: account}); err != nil {
		return nil, err
	}
	return scan[WebSession](r.src, Range{Index: byAccount, Prefix: string(key("").word(account))})
}

func (r *reader) Link(hash string) (*Link, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	return one[Link](r, linkKey(hash), "link")
}

func (r *reader) Links(account string) ([]*Link, error) {
	if err := r.can(ManageStaff, Object{}); err != nil {
		return nil, err
	}
	return scan[Link](r.src, Range{Index: byAccount, Prefix: string(key("").word(account))})
}
