// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"errors"
	"net/http"

	"refdesk/cluster/desk"
	"refdesk/gateway/account"
	"refdesk/gateway/web"
)

// slip is what is wrong with a form, and with which of its fields.
type slip struct{ Error, Field string }

// signInData is the sign-in page.
type signInData struct {
	slip
	Next     string
	Username string
	Insecure string // where the page can be reached encrypted, when this connection is not; then there is no form
}

// signInPage is GET /sign-in.
func (d *Door) signInPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	next := ownPath(r.URL.Query().Get("next"))
	if who != nil {
		redirect(w, r, next)
		return nil
	}
	return d.showSignIn(w, r, http.StatusOK, signInData{Next: next})
}

func (d *Door) showSignIn(w http.ResponseWriter, r *http.Request, status int, data signInData) error {
	if !d.frame.Encrypted(r) && !d.plainLoopback(r) {
		data.Insecure = d.cfg.URL
		if data.Insecure == "" {
			data.Insecure = "https://" + r.Host
		}
	}
	return d.page(w, r, nil, "sign_in", Page{Title: "Sign in", Status: status, Data: data})
}

// signIn is POST /sign-in. A wrong name and a wrong password read the same.
func (d *Door) signIn(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	data := signInData{Next: ownPath(r.PostFormValue("next")), Username: oneLine(r.PostFormValue("username"))}
	name, err := d.accounts.WebLogin(r.Context(), passwords{d}, data.Username, r.PostFormValue("password"), d.frame.Address(r))
	if err == nil {
		if who != nil { // the browser's earlier sign-in ends with this one
			if _, err := d.do(r.Context(), d.node(), desk.Key{}, &desk.CloseWebSession{Hash: who.Session}); err != nil {
				return err
			}
		}
		if err = d.open(r.Context(), w, r, name); err == nil {
			redirect(w, r, data.Next)
			return nil
		}
	}
	var f *account.Failure
	switch {
	case !errors.As(err, &f):
		return err
	case f.Condition == account.NotAuthorized:
		data.slip = slip{"That name and password don't belong together. Please try again, or ask for a new password below.", "password"}
		return d.showSignIn(w, r, http.StatusUnprocessableEntity, data)
	case refusal(f.Err, desk.NoQuorum, desk.Stopping) != nil:
		return f.Err
	case r.Context().Err() != nil:
		return r.Context().Err()
	}
	d.log.InfoContext(r.Context(), "web sign-in put off", "err", err)
	w.Header().Set("Retry-After", "60")
	data.slip = slip{"There were many tries from here just now. Please wait a minute, then try once more.", ""}
	return d.showSignIn(w, r, http.StatusTooManyRequests, data)
}

// passwords reads the hashes of web passwords for the check of a sign-in.
type passwords struct{ d *Door }

// WebPassword implements account.WebStore.
func (p passwords) WebPassword(ctx context.Context, name string) (hash string, err error) {
	err = p.d.view(ctx, p.d.node(), func(rd desk.Reader) error {
		x, err := rd.WebPassword(name)
		if err == nil {
			hash = x.PHC
		}
		return err
	})
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		err = nil
	}
	return hash, err
}

// newPassword checks and hashes a password that was typed twice. What is wrong with it is a slip, not an error.
func newPassword(first, second string) (phc string, wrong slip) {
	if first != second {
		return "", slip{"The two passwords are not the same. Please type them again.", "again"}
	}
	phc, err := account.HashWebPassword(first)
	switch {
	case errors.Is(err, account.ErrTooShort):
		return "", slip{"A password has at least 10 characters. A few words in a row are easy to keep in mind.", "password"}
	case errors.Is(err, account.ErrTooLong):
		return "", slip{"A password has at most 200 characters.", "password"}
	case errors.Is(err, account.ErrCommon):
		return "", slip{"That password is one of the first that anybody would try. Please choose another.", "password"}
	case err != nil:
		return "", slip{"A password can't have control characters such as a line break.", "password"}
	}
	return phc, slip{}
}

// tooMany says how long to wait before something may be asked for again.
func tooMany(detail string) *web.Problem { return web.Throttled(forgotEvery, detail) }
