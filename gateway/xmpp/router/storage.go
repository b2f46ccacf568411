// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

// getVCard answers with the card of an account, of the bot, or of a patron (XEP-0054).
func getVCard(ctx context.Context, q request) {
	card := element.New(xmpp.NSVCard, "vCard")
	switch q.target.Place {
	case xmpp.AccountPlace:
		if kept := q.kept(ctx, q.target.Account, xmpp.NSVCard, "card"); kept != nil {
			card = kept
		} else if q.target.Account != q.m.account {
			card.Add(element.Text(xmpp.NSVCard, "FN", q.nameOf(ctx, q.target.Account)))
		}
	case xmpp.ChatPlace, xmpp.TicketPlace:
		card.Add(element.Text(xmpp.NSVCard, "FN", q.patronName(ctx)))
	case xmpp.ServerPlace:
		card.Add(element.Text(xmpp.NSVCard, "FN", "refdesk"))
	default:
		card.Add(element.Text(xmpp.NSVCard, "FN", "Desk"),
			element.Text(xmpp.NSVCard, "DESC", "Rings for waiting chats. help lists what can be done."))
	}
	q.result(q.iq, card)
}

func (q request) nameOf(ctx context.Context, account string) (name string) {
	_ = q.m.view(ctx, func(r desk.Reader) error {
		p, err := r.StaffMember(account)
		if err == nil {
			name = p.Name
		}
		return err
	})
	return name
}

func (q request) patronName(ctx context.Context) (name string) {
	_ = q.m.view(ctx, func(r desk.Reader) error {
		if q.target.Ticket != 0 {
			k, err := r.Ticket(q.target.Ticket)
			if err == nil {
				name = console.TicketName(k)
			}
			return err
		}
		h, err := r.Chat(q.target.Chat)
		if err != nil {
			return err
		}
		d, err := r.Department(h.Department)
		if err == nil {
			name = console.RosterName(h, d)
		}
		return err
	})
	return name
}

// kept reads an element that an account's client has stored; nil if there is none.
func (q request) kept(ctx context.Context, account, namespace, item string) *element.Element {
	var data []byte
	_ = q.r.store.View(ctx, desk.StaffActor(account, ""), func(r desk.Reader) (err error) {
		data, err = r.AccountData(namespace, item)
		return err
	})
	if len(data) == 0 {
		return nil
	}
	el, err := element.Parse(data, element.DefaultLimits())
	if err != nil {
		q.r.log.Warn("stored element is damaged", "staff", account, "err", err)
		return nil
	}
	return el
}

// keep stores an element for the account and answers the iq.
func (q request) keep(ctx context.Context, namespace, item string, el *element.Element) {
	x := &desk.SetAccountData{Namespace: namespace, Item: item, Data: element.AppendXML(nil, el, "")}
	if q.store(ctx, q.iq, x, q.num) {
		q.result(q.iq, nil)
	}
}

// mineAlone refuses what concerns another's account.
func (q request) mineAlone() bool {
	if q.target.Place == xmpp.AccountPlace && q.target.Account != q.m.account {
		q.fail(q.iq, xmpp.Forbidden, "")
		return false
	}
	return true
}

func setVCard(ctx context.Context, q request) {
	if q.mineAlone() {
		q.keep(ctx, xmpp.NSVCard, "card", q.query)
	}
}

// getPrivate answers with what the client has stored under the name of the element that it asks for, or with that element
// empty (XEP-0049 §2.1).
func getPrivate(ctx context.Context, q request) {
	asked := q.query.First()
	if asked == nil || asked.Space == "" {
		q.fail(q.iq, xmpp.NotAcceptable, "ask for one element of a namespace")
		return
	}
	answer := q.kept(ctx, q.m.account, xmpp.NSPrivate, privateItem(asked))
	if answer == nil {
		answer = element.New(asked.Space, asked.Local)
	}
	q.result(q.iq, element.New(xmpp.NSPrivate, "query").Add(answer))
}

func setPrivate(ctx context.Context, q request) {
	el := q.query.First()
	if el == nil || el.Space == "" || el.Space == xmpp.NSClient {
		q.fail(q.iq, xmpp.NotAcceptable, "store one element of a namespace of its own")
		return
	}
	q.keep(ctx, xmpp.NSPrivate, privateItem(el), el)
}

// privateItem is the key of an element of private storage: namespace and name.
func privateItem(el *element.Element) string { return el.Space + " " + el.Local }
