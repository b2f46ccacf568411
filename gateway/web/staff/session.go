// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"refdesk/cluster/desk"
)

// Who is the member of staff who is signed in.
type Who struct {
	Account     string
	Name        string // as colleagues read it
	PublicName  string // as patrons read it
	Role        desk.Role
	Departments []string
	Session     string     // the hash by which the desk knows the web session: also the principal of its keys
	Actor       desk.Actor // as whom to read and to do
}

// Serves reports whether they belong to a department.
func (w *Who) Serves(department string) bool { return slices.Contains(w.Departments, department) }

// Lead and Admin tell templates what to offer. What may be done is desk.Can's to say.
func (w *Who) Lead() bool { return w.Role >= desk.RoleLead }

// Admin reports whether they look after people and departments.
func (w *Who) Admin() bool { return w.Role >= desk.RoleAdmin }

const (
	sessionCookie = "refdesk"
	tokenBytes    = 32
	sessionLife   = 12 * time.Hour // without use; the domain's, here to know when half of it is over
)

// newToken makes a cookie's or link's value and its hash: the desk keeps the hash only.
func newToken() (token, hash string) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw) // never fails (crypto/rand)
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, hashOf(token)
}

// hashOf is what the desk knows of a token, "" for what can't be one.
func hashOf(token string) string {
	if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != tokenBytes {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// cookie is a cookie of these pages, without its value. It is bound to this host and to TLS by its prefix; only a plain
// connection within one machine, as in the demo, goes without, since browsers would not keep it.
func (d *Door) cookie(r *http.Request, name string) *http.Cookie {
	c := &http.Cookie{Name: "__Host-" + name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if d.plainLoopback(r) {
		c.Secure = false
		if c.Name = name; name == sessionCookie {
			c.Name = "refdesk-staff"
		}
	}
	return c
}

// plainLoopback reports whether a request came over plain HTTP from this machine to a name of this machine.
func (d *Door) plainLoopback(r *http.Request) bool {
	if d.frame.Encrypted(r) {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() && d.frame.Address(r).IsLoopback()
	}
	return (host == "localhost" || strings.HasSuffix(host, ".localhost")) && d.frame.Address(r).IsLoopback()
}

// signedIn tells who a request comes from, nil if nobody is signed in.
func (d *Door) signedIn(r *http.Request) (*Who, error) {
	sent, err := r.Cookie(d.cookie(r, sessionCookie).Name)
	if err != nil {
		return nil, nil
	}
	hash := hashOf(sent.Value)
	if hash == "" {
		return nil, nil
	}
	var session *desk.WebSession
	var person *desk.Staff
	err = d.view(r.Context(), d.node(), func(rd desk.Reader) error {
		var err error
		if session, err = rd.WebSession(hash, d.now()); err == nil {
			person, err = rd.StaffMember(session.Account)
		}
		return err
	})
	switch {
	case errors.Is(err, &desk.Error{Code: desk.NotFound}):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if session.Expires.Sub(d.now()) < sessionLife/2 {
		// Signed in is signed in: without a majority the session is touched by a later page.
		if _, err := d.do(r.Context(), d.node(), desk.Key{}, &desk.TouchWebSession{Hash: hash}); err != nil {
			d.log.DebugContext(r.Context(), "web session not touched", "staff", person.Account, "err", err)
		}
	}
	return &Who{
		Account: person.Account, Name: person.Name, PublicName: person.PublicName, Role: person.Role,
		Departments: person.Departments, Session: hash, Actor: desk.StaffActor(person.Account, hash),
	}, nil
}

// open signs an account in on this browser.
func (d *Door) open(ctx context.Context, w http.ResponseWriter, r *http.Request, account string) error {
	token, hash := newToken()
	if _, err := d.do(ctx, d.node(), desk.Key{}, &desk.OpenWebSession{Hash: hash, Account: account}); err != nil {
		return err
	}
	c := d.cookie(r, sessionCookie)
	c.Value = token
	http.SetCookie(w, c)
	return nil
}

// signOut is POST /sign-out. Somebody who is not signed in any more is none the worse for it.
func (d *Door) signOut(w http.ResponseWriter, r *http.Request, who *Who) error {
	if who != nil {
		if _, err := d.do(r.Context(), d.node(), desk.Key{}, &desk.CloseWebSession{Hash: who.Session}); err != nil {
			return err
		}
	}
	c := d.cookie(r, sessionCookie)
	c.MaxAge = -1
	http.SetCookie(w, c)
	return d.done(w, r, "/sign-in", "You are signed out.")
}
