// SPDX-License-Identifier: Apache-2.0

package desk

// From says which side a line comes from.
type From string

// The sides of a chat.
const (
	FromPatron From = "patron"
	FromStaff  From = "staff"
	FromSystem From = "system"
)

// LineKind says what a line is.
type LineKind string

// The kinds of line.
const (
	TextLine LineKind = "text"
	NoteLine LineKind = "note" // staff only, never shown to patrons
)

// Line is one entry of a chat. Lines are numbered 1..n within their chat, notes included.
type Line struct {
	Chat uint64
	Line uint64
	Seq  uint64 // of its LinePosted
	At   Time
	From From
	By   string // account, for a line of staff
	Kind LineKind
	ID   string // the sender's own id
	Text string

	Redacted bool // something was taken out of it
}

const lineTable Table = "line"

func (l *Line) table() Table        { return lineTable }
func (l *Line) key() key            { return lineKey(l.Chat, l.Line) }
func (l *Line) entries() []Entry    { return nil }
func lineKey(chat, line uint64) key { return key("").num(chat).num(line) }

func (l *Line) code(c *coder) {
	c.u64(&l.Chat)
	c.u64(&l.Line)
	c.u64(&l.Seq)
	c.time(&l.At)
	word(c, &l.From)
	c.str(&l.By)
	word(c, &l.Kind)
	c.str(&l.ID)
	c.str(&l.Text)
	c.flag(&l.Redacted)
}

// addLine appends a line to a chat and tells of it. Card numbers are taken out; then the reply's Value is "masked". The
// caller puts the chat.
func (s *state) addLine(h *Chat, l Line) {
	h.Lines++
	l.Chat, l.Line, l.At = h.Number, h.Lines, s.now
	text, masked := maskCards(l.Text)
	l.Text = text
	l.Seq = s.tell(h, l.Kind == TextLine, Event{
		Kind: LinePosted, Line: l.Line, Staff: l.By, Value: string(l.Kind), Session: s.env.Actor.Session,
	})
	put(s, &l)
	switch {
	case l.From == FromPatron:
		h.PatronSeq = l.Seq
		s.heard(h)
	case l.From == FromStaff && l.Kind == TextLine:
		h.Answered = true
		if l.By == h.Promise.By {
			s.keep(h)
		}
		s.listen(h)
	}
	s.reply.Line = l.Line
	if masked {
		s.reply.Value = "masked"
	}
}

// PostLine says something in a chat: the patron with its token, staff as owner or joined; or a note of staff.
type PostLine struct {
	Chat uint64
	ID   string // the sender's own id; may be empty for staff
	Kind LineKind
	Text string
	// Resend is set by an XMPP door for a line with an id: a hash of id, addressee and body. A line of the same account
	// with the same Resend is taken for a repeat if it came in a session that is over (3-staff, SM).
	Resend string
}

// CommandName is the word for the command in the log.
func (*PostLine) CommandName() string { return "PostLine" }

func (x *PostLine) code(c *coder) {
	c.u64(&x.Chat)
	c.str(&x.ID)
	word(c, &x.Kind)
	c.str(&x.Text)
	c.str(&x.Resend)
}

func (x *PostLine) apply(s *state) error {
	if err := firstError(checkText(x.Text, "text"), checkShort(x.ID, "id", 256), checkShort(x.Resend, "resend", 64)); err != nil {
		return err
	}
	if s.env.Actor.Kind == PatronKind {
		h, err := s.chat(x.Chat, WriteOwnChat)
		if err != nil {
			return err
		}
		return s.patronLine(h, x.ID, x.Text)
	}
	if s.resent(x.Resend) {
		return nil
	}
	if x.Kind == NoteLine {
		return s.note(x)
	}
	return s.staffLine(x)
}

func (s *state) note(x *PostLine) error {
	h, err := s.chat(x.Chat, AnnotateChat)
	if err != nil {
		return err
	}
	s.addLine(h, Line{From: FromStaff, By: s.env.Actor.ID, Kind: NoteLine, ID: x.ID, Text: x.Text})
	put(s, h)
	s.remember(x.Resend)
	return nil
}

func (s *state) staffLine(x *PostLine) error {
	h := get[Chat](s, chatKey(x.Chat))
	if h == nil {
		return refuseField(NotFound, "chat")
	}
	o := s.object(h)
	if s.may(SpeakInChat, o) != nil {
		if s.may(ReadChat, o) != nil && s.may(ClaimWaiting, o) != nil {
			return refuseField(NotFound, "chat")
		}
		if h.State == Claimed {
			return &Error{Code: Conflict, Staff: h.Owner, At: h.ClaimedAt, Chat: h.Number}
		}
	}
	switch h.State {
	case Closed, Dismissed, Ticketed:
		return &Error{Code: Over, Staff: h.ClosedBy, At: h.ClosedAt, Chat: h.Number}
	case Waiting, Missed:
		return &Error{Code: NotAllowed, Field: "claim", Chat: h.Number}
	}
	s.addLine(h, Line{From: FromStaff, By: s.env.Actor.ID, Kind: TextLine, ID: x.ID, Text: x.Text})
	put(s, h)
	s.remember(x.Resend)
	return nil
}

// patronLine adds what the patron wrote, and brings back a chat that was missed or closed lately.
func (s *state) patronLine(h *Chat, id, text string) error {
	if h.State == Closed {
		end := s.clock(ClockReopen)
		if h.Ending == EndedSilent || s.env.Command.CommandName() == (*OpenChat)(nil).CommandName() {
			end = s.clock(ClockResumable)
		}
		if h.Masked || s.now.Sub(h.ClosedAt) >= end {
			return &Error{Code: Over, Staff: h.ClosedBy, At: h.ClosedAt, Chat: h.Number}
		}
	}
	if h.State == Dismissed || h.State == Ticketed || h.Masked {
		return &Error{Code: Over, At: h.ClosedAt, Chat: h.Number}
	}
	if h.State == Closed {
		s.reopen(h)
	}
	if h.State == Missed {
		s.back(h)
	}
	s.addLine(h, Line{From: FromPatron, Kind: TextLine, ID: id, Text: text})
	put(s, h)
	return nil
}

// reopen gives an ended chat back to who had it.
func (s *state) reopen(h *Chat) {
	h.ClosedAt, h.ClosedBy, h.State, h.Ending, h.ToTag, h.Undo = 0, "", Claimed, "", false, Undo{}
	s.cancel(h.Number, DuePurge)
	put(s, h)
	s.tell(h, true, Event{Kind: ChatReopened, Staff: h.Owner})
	if h.Owner == "" || !s.connected(h.Owner) {
		s.startOperatorTimers(h)
		put(s, h)
	}
}

// back puts a missed chat into the queue again: its patron has returned.
func (s *state) back(h *Chat) {
	h.State, h.MissedAt, h.Queued, h.Since = Waiting, 0, s.now, s.now
	put(s, h)
	s.ring(h)
}

// resend remembers a line by its content, so that a client which repeats it after a broken connection doubles nothing.
type resend struct {
	Account string
	Hash    string
	Session string
	Reply   Reply
	At      Time
}

const resendTable Table = "resend"

func resendKey(account, hash string) key { return key("").word(account).word(hash) }
func (r *resend) table() Table           { return resendTable }
func (r *resend) key() key               { return resendKey(r.Account, r.Hash) }
func (r *resend) entries() []Entry       { return []Entry{{byTime, string(key("").num(uint64(r.At)))}} }

func (r *resend) code(c *coder) {
	c.str(&r.Account)
	c.str(&r.Hash)
	c.str(&r.Session)
	r.Reply.code(c)
	c.time(&r.At)
}

// resent answers a line that came before, in a session that is over.
func (s *state) resent(hash string) bool {
	if hash == "" {
		return false
	}
	r := get[resend](s, resendKey(s.env.Actor.ID, hash))
	if r == nil || r.Session == s.env.Actor.Session || s.now.Sub(r.At) > s.clock(ClockHeld) {
		return false
	}
	if o := get[Session](s, key("").word(r.Session)); o != nil && o.Live() {
		return false
	}
	s.reply = r.Reply
	return true
}

func (s *state) remember(hash string) {
	if hash == "" {
		return
	}
	put(s, &resend{Account: s.env.Actor.ID, Hash: hash, Session: s.env.Actor.Session, Reply: s.reply, At: s.now})
}
