// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"errors"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// maxResource is the longest resource that a client may choose, in bytes; a longer one is replaced (RFC 6120 §7.7.2.2).
const maxResource = 190

// bind proposes the session to the handler and answers the client when the handler has registered it. When it has not,
// the client may try again.
func (st *stream) bind(ctx context.Context, iq *element.Element) (*Session, error) {
	if iq.Attr("id") == "" {
		return nil, st.send(xmpp.ErrorReply(iq, &xmpp.StanzaError{Condition: xmpp.BadRequest}))
	}
	s, err := st.propose(iq.Child(xmpp.NSBind, "bind").ChildText(xmpp.NSBind, "resource"))
	if err == nil {
		err = st.srv.handler.Bind(ctx, s)
	}
	if err != nil {
		var refusal *xmpp.StanzaError
		if !errors.As(err, &refusal) {
			st.srv.log.Warn("xmpp session not bound", "staff", st.login.Account, "err", err)
			refusal = &xmpp.StanzaError{Condition: xmpp.InternalServerError, Type: "wait", Text: "not possible now, try again"}
		}
		return nil, st.send(xmpp.ErrorReply(iq, refusal))
	}
	st.srv.add(s)
	answer := &element.Element{Space: xmpp.NSClient, Local: "iq"}
	answer.Set("type", xmpp.ResultType).Set("id", iq.Attr("id")).Add(
		element.New(xmpp.NSBind, "bind").Add(element.Text(xmpp.NSBind, "jid", s.JID())))
	s.answer = element.AppendXML(nil, answer, xmpp.NSClient)
	return s, nil
}

// propose returns the session for a resource. Asking again for the same resource proposes the same session, so that a
// handler that doesn't know whether its first commit went through can repeat it.
func (st *stream) propose(resource string) (*Session, error) {
	if resource == "" || len(resource) > maxResource {
		if st.session != nil && st.session.invented {
			return st.session, nil
		}
		st.session = newSession(st, randomID()[:12])
		st.session.invented = true
		return st.session, nil
	}
	j, err := xmpp.ParseJID(st.login.Account + "@" + st.srv.cfg.Domain + "/" + resource)
	if err != nil {
		return nil, &xmpp.StanzaError{Condition: xmpp.BadRequest, Text: "bad resource"}
	}
	if st.session == nil || st.session.asked != j.Resourcepart() {
		st.session = newSession(st, j.Resourcepart())
	}
	return st.session, nil
}

// resume answers <resume/>. The lost session, if it is still on this node, is ended first, so that what it was doing is
// finished or not begun when the handler says how far it got.
func (st *stream) resume(ctx context.Context, el *element.Element) error {
	id := el.Attr("previd")
	if old := st.srv.Session(id); old != nil && old.Account() == st.login.Account {
		old.Close(Conflict)
		select {
		case <-old.ended:
		case <-ctx.Done():
			return refuse(SystemShutdown, "")
		}
	}
	failed := smFailed(xmpp.ItemNotFound)
	if h, ok := st.srv.handler.Resume(ctx, st.login.Account, id); ok {
		failed.Set("h", formatH(h))
	}
	return st.send(failed)
}
