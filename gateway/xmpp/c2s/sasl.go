// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"encoding/base64"
	"errors"

	"refdesk/gateway/account"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// maxTries is how often a client may fail to sign in on one stream (RFC 6120 §6.4.5).
const maxTries = 5

// signIn does one SASL exchange that begins with <auth/> (RFC 6120 §6.4). A failure leaves the stream open for another.
func (st *stream) signIn(ctx context.Context, el *element.Element) error {
	if !st.maySignIn() {
		return st.saslFailed(account.EncryptionNeeded)
	}
	x, err := st.srv.auth.Begin(el.Attr("mechanism"), st.remote)
	if err != nil {
		return st.saslError(err)
	}
	for {
		response, err := decodeSASL(el)
		if err != nil {
			return st.saslFailed(account.IncorrectEncoding)
		}
		data, done, err := x.Next(ctx, response)
		if err != nil {
			return st.saslError(err)
		}
		if done {
			return st.signedIn(x.Login(), data)
		}
		if err := st.send(encodeSASL("challenge", data)); err != nil {
			return err
		}
		if el, err = st.rd.Next(); err != nil {
			return err
		}
		switch {
		case el.Is(xmpp.NSSASL, "response"):
		case el.Is(xmpp.NSSASL, "abort"):
			return st.saslFailed(account.Aborted)
		case el.Space == xmpp.NSSASL:
			return st.saslFailed(account.MalformedRequest)
		default:
			return refuse(NotAuthorized, "sign in first")
		}
	}
}

// signedIn tells the client and begins the stream in which it binds a resource.
func (st *stream) signedIn(login account.Login, data []byte) error {
	st.login = login
	if err := st.send(encodeSASL("success", data)); err != nil {
		return err
	}
	st.rd.SetLimits(st.srv.cfg.After)
	st.rd.Restart()
	return errRestart
}

// saslError tells the client what its sign-in failed of; causes of ours go to the log only.
func (st *stream) saslError(err error) error {
	var f *account.Failure
	if !errors.As(err, &f) {
		f = &account.Failure{Condition: account.TemporaryFailure, Err: err}
	}
	if f.Err != nil {
		st.srv.log.Warn("xmpp sign-in not possible", "err", f.Err)
	}
	return st.saslFailed(f.Condition)
}

func (st *stream) saslFailed(c account.Condition) error {
	st.tries++
	if err := st.send(element.New(xmpp.NSSASL, "failure").Add(element.New(xmpp.NSSASL, string(c)))); err != nil {
		return err
	}
	if st.tries >= maxTries {
		return refuse(PolicyViolation, "too many attempts to sign in")
	}
	return nil
}

// decodeSASL returns the message within <auth/> or <response/>. An <auth/> without content brings none, and "=" stands
// for one of no length (RFC 6120 §6.4.2).
func decodeSASL(el *element.Element) ([]byte, error) {
	text := el.Content()
	if text == "" && el.Local == "auth" {
		return nil, nil
	}
	if text == "" || text == "=" {
		return []byte{}, nil
	}
	return base64.StdEncoding.DecodeString(text)
}

func encodeSASL(local string, data []byte) *element.Element {
	return element.Text(xmpp.NSSASL, local, base64.StdEncoding.EncodeToString(data))
}
