// SPDX-License-Identifier: Apache-2.0

package desk

import "time"

// defaultRetention is how many days a department keeps what identifies a patron, if it doesn't say.
const defaultRetention = 90

// maskAtOnce bounds the chats of one department that one Expire masks.
const maskAtOnce = 50

// maxRetention is the longest term, in days: a hundred years.
const maxRetention = 36525

// kept is how long a department keeps it.
func (d *Department) kept() time.Duration {
	days := d.Retention
	if days == 0 {
		days = defaultRetention
	}
	return time.Duration(days) * 24 * time.Hour
}

// retain masks the chats and tickets that ended longer ago than their departments keep them, a bounded number at once. It
// returns how many records it touched.
func (s *state) retain() int {
	n := 0
	for _, d := range find[Department](s, Range{}) {
		prefix := string(key("").word(d.ID))
		found := find[Chat](s, Range{Index: byEnd, Prefix: prefix, Limit: maskAtOnce})
		for i, h := range found {
			at, over := h.ended()
			if n >= expireAtOnce || !over || s.now.Sub(at) < d.kept() {
				break
			}
			if n += s.maskChat(h); i == maskAtOnce-1 {
				return expireAtOnce // there may be more
			}
		}
		tickets := find[Ticket](s, Range{Index: byEnd, Prefix: prefix, Limit: maskAtOnce})
		for i, t := range tickets {
			if n >= expireAtOnce || s.now.Sub(t.ClosedAt) < d.kept() {
				break
			}
			if n += s.maskTicket(t); i == maskAtOnce-1 {
				return expireAtOnce
			}
		}
	}
	return n
}

// Masked reports whether a ticket's term is over and what told who asked is gone.
func (t *Ticket) Masked() bool { return t.State == TicketClosed && t.ClosedAt == 0 }

// maskTicket takes out of a ticket what tells who asked: names, addresses, the mails themselves.
func (s *state) maskTicket(t *Ticket) int {
	n := 1
	for _, e := range find[TicketEntry](s, Range{Prefix: string(key("").num(t.Number))}) {
		n++
		e.Name, e.Email, e.Cc, e.Recipients = "", "", nil, nil
		e.Blob, e.BlobSize, e.Variants, e.Files = "", 0, nil, nil
		e.Text = maskPersonal(e.Text)
		put(s, e)
	}
	for _, m := range find[MailOut](s, Range{Index: byChat, Prefix: string(key("").num(t.Number))}) {
		n++
		remove(s, m)
	}
	t.Name, t.Email, t.Cc, t.Failed, t.Verified = "", "", nil, nil, false
	t.Subject, t.ClosedAt = maskPersonal(t.Subject), 0
	put(s, t)
	s.tellTicket(t, Event{Kind: TicketChanged, Value: "masked"})
	return n
}

// maskChat takes out of a chat what tells who its patron was.
func (s *state) maskChat(h *Chat) int {
	n := 1
	for _, l := range find[Line](s, Range{Prefix: string(chatKey(h.Number))}) {
		n++
		if text := maskPersonal(l.Text); text != l.Text {
			l.Text = text
			put(s, l)
		}
	}
	s.anonymise(h, "masked")
	return n
}

// purge forgets the lines of a chat that isn't to be kept.
func (s *state) purge(h *Chat) {
	if !h.NoStore || h.Masked || h.State != Closed && h.State != Dismissed && h.State != Ticketed {
		return
	}
	for _, l := range find[Line](s, Range{Prefix: string(chatKey(h.Number))}) {
		remove(s, l)
	}
	s.anonymise(h, "purged")
}

func (s *state) anonymise(h *Chat, how string) {
	h.Name, h.Email, h.PageURL, h.PageTitle = "", "", "", ""
	h.Comment, h.Offer = maskPersonal(h.Comment), Offer{}
	if how == "purged" {
		h.Comment = ""
	}
	h.Masked = true
	put(s, h)
	s.tell(h, false, Event{Kind: ChatMasked, Value: how})
}
