// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"refdesk/bridge/outbox"
	"refdesk/cluster/desk"
)

// The sender's habits.
const (
	sendEvery  = time.Second // how often what is due is looked for; events wake it besides
	sendAtOnce = 50
	lookFor    = time.Minute // how long a mail left at the dot is looked for in the mailbox
	maxBody    = 30 << 20    // of a mail that is read from a blob
)

// sender is the sending of one term. One goroutine, one connection.
type sender struct {
	b    *Bridge
	term uint64
	wire outbox.Transport
	wake chan struct{}

	reports map[uint64]desk.Command // what happened and isn't in the log yet, by mail
	looking map[uint64]time.Time    // since when a mail is looked for

	failures int       // of the account, in a row
	until    time.Time // the account rests
	lasting  bool
	password time.Time // of the password's file when the account failed
}

func newSender(b *Bridge, term uint64) *sender {
	return &sender{
		b: b, term: term, wire: b.transport(), wake: make(chan struct{}, 1),
		reports: map[uint64]desk.Command{}, looking: map[uint64]time.Time{},
	}
}

// run sends until the term ends.
func (s *sender) run(ctx context.Context) {
	s.b.setStatus(func(st *Status) { *st = Status{Sending: true} })
	defer s.b.setStatus(func(st *Status) { *st = Status{} })
	defer func() { _ = s.wire.Close() }()
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		s.follow(ctx)
	}()
	defer func() { <-followed }()
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	for {
		s.pass(ctx)
		select {
		case <-s.wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// follow wakes the sender when a mail is wanted or queued.
func (s *sender) follow(ctx context.Context) {
	for ctx.Err() == nil {
		var at desk.Cursor
		err := s.b.view(ctx, func(r desk.Reader) (err error) {
			at, err = r.Cursor()
			return err
		})
		if err == nil {
			err = s.events(ctx, at)
		}
		if err != nil {
			s.b.warn(ctx, "follow the mails", err)
			wait(ctx, sendEvery)
		}
	}
}

func (s *sender) events(ctx context.Context, at desk.Cursor) error {
	for batch, err := range s.b.store.Follow(ctx, s.b.node(), desk.TopicAll(), at) {
		if err != nil {
			return err
		}
		for _, e := range batch.Events {
			switch e.Kind {
			case desk.MailQueued, desk.MailStateChanged:
				select {
				case s.wake <- struct{}{}:
				default:
				}
			case desk.AlarmRaised:
				s.b.alarm(ctx, e)
			}
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// pass does everything that can be done now.
func (s *sender) pass(ctx context.Context) {
	s.reportAgain(ctx)
	s.b.composeWanted(ctx)
	if s.resting() {
		return
	}
	s.takeOver(ctx)
	var due []*desk.MailOut
	err := s.b.view(ctx, func(r desk.Reader) (err error) {
		due, err = r.MailsDue(desk.At(s.b.cfg.Now()), sendAtOnce)
		return err
	})
	if err != nil {
		s.b.warn(ctx, "read the mails that are due", err)
		return
	}
	for _, m := range due {
		if ctx.Err() != nil || s.resting() {
			return
		}
		if s.reports[m.ID] == nil && s.claim(ctx, m.ID, false) == desk.OutClaimed {
			s.send(ctx, m)
		}
	}
}

// resting says whether the account rests. A new password ends that at once.
func (s *sender) resting() bool {
	if time.Now().Before(s.until) && !(s.lasting && s.passwordFile().After(s.password)) {
		return true
	}
	s.until = time.Time{}
	return false
}

func (s *sender) passwordFile() time.Time {
	info, err := os.Stat(s.b.cfg.SMTP.PasswordFile)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// claim takes a mail; the state it has then, "" if it is not to be had.
func (s *sender) claim(ctx context.Context, id uint64, again bool) desk.MailState {
	reply, err := s.b.order(ctx, &desk.ClaimMail{ID: id, Term: s.term, Again: again})
	if err != nil {
		if !errors.Is(err, &desk.Error{Code: desk.Conflict}) { // not due after all, or another's by now
			s.b.warn(ctx, "claim a mail", err, "mail", id)
		}
		return ""
	}
	return desk.MailState(reply.Value)
}

// takeOver goes on with what an earlier leader, or this one, left between claim and end. What was left at the dot may have
// arrived: it is looked for first.
func (s *sender) takeOver(ctx context.Context) {
	var left []*desk.MailOut
	err := s.b.view(ctx, func(r desk.Reader) (err error) {
		left, err = r.MailsClaimed()
		return err
	})
	if err != nil {
		s.b.warn(ctx, "read the mails that were left", err)
		return
	}
	for _, m := range left {
		if ctx.Err() != nil || s.resting() {
			return
		}
		if s.reports[m.ID] != nil {
			continue
		}
		mine := m.ClaimTerm == s.term
		if mine && m.State == desk.OutDot {
			// The order to go on to the dot was committed, but its answer never came, so the dot was not sent.
			s.report(ctx, m.ID, &desk.MailDeferred{ID: m.ID, Term: s.term, At: s.soon(), Why: "interrupted", Free: true})
			continue
		}
		switch s.claim(ctx, m.ID, false) {
		case desk.OutClaimed:
			s.send(ctx, m)
		case desk.OutUnsure:
			s.look(ctx, m)
		}
	}
}

// look settles a mail that may have arrived: the mailbox's Sent folder or a copy to ourselves tells. Nothing found after a
// while, it goes once more, with the same bytes and the same Message-ID.
func (s *sender) look(ctx context.Context, m *desk.MailOut) {
	since, known := s.looking[m.ID]
	if !known {
		since = time.Now()
		s.looking[m.ID] = since
	}
	if box := s.b.mailbox; box != nil {
		found, err := box.Sent(ctx, m.MessageID)
		if found {
			delete(s.looking, m.ID)
			s.report(ctx, m.ID, &desk.MailSent{ID: m.ID, Term: s.term, QueueID: "found in the mailbox"})
			return
		}
		if err != nil {
			s.b.warn(ctx, "look for a mail in the mailbox", err, "mail", m.ID)
		}
		if time.Since(since) < lookFor {
			return
		}
	}
	delete(s.looking, m.ID)
	if s.claim(ctx, m.ID, true) == desk.OutClaimed {
		s.send(ctx, m)
	}
}

// send hands a claimed mail over and reports what came of it.
func (s *sender) send(ctx context.Context, m *desk.MailOut) {
	body, err := s.b.body(ctx, m)
	if err != nil {
		s.report(ctx, m.ID, &desk.MailDeferred{ID: m.ID, Term: s.term, At: s.later(m), Why: "the mail can't be read: " + err.Error(), Free: true})
		return
	}
	to, own := s.b.foreign(ctx, m.To)
	if len(to) == 0 {
		s.report(ctx, m.ID, &desk.MailFailed{ID: m.ID, Term: s.term, Why: own[0].Why, Hard: true})
		return
	}
	out := outbox.Mail{From: m.From, To: to, Body: body}
	if s.b.cfg.Listen != nil {
		out.From, out.Plain = s.b.keys.BounceAddress(m.ID, s.b.cfg.Domain), m.From
	}
	result, err := s.wire.Send(ctx, out, outbox.Asked{
		Data: func(ctx context.Context) error { return s.still(ctx, m.ID) },
		Dot: func(ctx context.Context) error {
			_, err := s.b.order(ctx, &desk.MailDot{ID: m.ID, Term: s.term})
			return err
		},
	})
	var failed *outbox.Error
	switch {
	case err == nil:
		s.healthy()
		result.Refused = append(result.Refused, own...)
		s.report(ctx, m.ID, s.sent(m, result))
	case errors.As(err, &failed):
		s.report(ctx, m.ID, s.failed(m, failed))
	case errors.Is(err, &desk.Error{Code: desk.Conflict}):
		s.b.cfg.Log.Info("a mail was taken from this node while it was being sent", "mail", m.ID)
	default:
		// The log couldn't be reached: before the dot nothing has gone, and the claim is still this term's.
		s.b.warn(ctx, "send a mail", err, "mail", m.ID)
		s.rest(0, false, err.Error())
	}
}

// foreign takes out the desk's own addresses: what goes there comes back in, and round.
func (b *Bridge) foreign(ctx context.Context, all []string) (to []string, own []outbox.Refusal) {
	for _, a := range all {
		if b.door.Ours(ctx, a) {
			own = append(own, outbox.Refusal{Address: a, Why: "this is an address of the desk's own", Hard: true})
			continue
		}
		to = append(to, a)
	}
	return to, own
}

// still asks, before anything of a mail is sent, whether it is still this term's.
func (s *sender) still(ctx context.Context, id uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.b.view(ctx, func(r desk.Reader) error {
		m, err := r.MailOut(id)
		if err == nil && (m.ClaimTerm != s.term || m.State != desk.OutClaimed) {
			err = &desk.Error{Code: desk.Conflict, Field: "term"}
		}
		return err
	})
}

// sent is the report of a mail that a server took, for some of its recipients at least.
func (s *sender) sent(m *desk.MailOut, r outbox.Result) desk.Command {
	if len(r.Later) > 0 && s.b.cfg.Now().Sub(m.QueuedAt.Std()) < giveUp {
		// Those refused for good are asked for again with the others, so that the last report names them.
		return &desk.MailDeferred{ID: m.ID, Term: s.term, At: s.later(m), Why: r.Later[0].Why, To: addresses(append(r.Later, r.Refused...))}
	}
	x := &desk.MailSent{ID: m.ID, Term: s.term, QueueID: r.QueueID}
	if refused := append(r.Refused, r.Later...); len(refused) > 0 {
		x.Refused, x.Why = addresses(refused), refused[0].Why
	}
	return x
}

// failed is the report of a mail that didn't go.
func (s *sender) failed(m *desk.MailOut, e *outbox.Error) desk.Command {
	tried := s.b.cfg.Now().Sub(m.QueuedAt.Std())
	switch {
	case e.Kind == outbox.Unsure:
		return &desk.MailUnsure{ID: m.ID, Term: s.term, Why: e.Why}
	case e.Kind == outbox.Account:
		s.failures++
		s.rest(s.failures, e.Lasting, e.Why)
		return &desk.MailDeferred{ID: m.ID, Term: s.term, At: s.soon(), Why: e.Why, Free: true}
	case e.Kind == outbox.Never || tried >= giveUp:
		s.healthy()
		return &desk.MailFailed{ID: m.ID, Term: s.term, Why: e.Why, Hard: e.Hard}
	}
	s.healthy()
	return &desk.MailDeferred{ID: m.ID, Term: s.term, At: s.later(m), Why: e.Why}
}

func addresses(rs []outbox.Refusal) []string {
	var out []string
	for _, r := range rs {
		out = append(out, r.Address)
	}
	return out
}

func (s *sender) later(m *desk.MailOut) desk.Time {
	return desk.At(s.b.cfg.Now().Add(backoff(m.Tries)))
}

// soon is when a mail may go that nothing is wrong with: the account's rest holds it, not its own.
func (s *sender) soon() desk.Time { return desk.At(s.b.cfg.Now().Add(time.Second)) }

// rest lets the account rest after its n-th failure.
func (s *sender) rest(n int, lasting bool, why string) {
	now := time.Now()
	s.until, s.lasting, s.password = now.Add(pause(n, lasting)), lasting, s.passwordFile()
	s.b.setStatus(func(st *Status) {
		if !st.Paused {
			s.b.cfg.Log.Error("no mail can be sent; the mails wait", "err", why, "lasting", lasting)
			st.Since = now
		}
		st.Paused, st.Why, st.Again, st.Lasting = true, why, s.until, lasting
	})
}

func (s *sender) healthy() {
	s.failures = 0
	s.b.setStatus(func(st *Status) {
		if st.Paused {
			s.b.cfg.Log.Info("mail can be sent again")
		}
		*st = Status{Sending: true}
	})
}

// report puts into the log what became of a mail. Without quorum it is kept and put there later: the mail is not touched
// before it is.
func (s *sender) report(ctx context.Context, id uint64, c desk.Command) {
	s.reports[id] = c
	_, err := s.b.order(ctx, c)
	var refusal *desk.Error
	switch {
	case err == nil:
		delete(s.reports, id)
	case errors.As(err, &refusal) && refusal.Code != desk.NoQuorum && refusal.Code != desk.Stopping:
		delete(s.reports, id)
		if refusal.Code != desk.Conflict { // a copy in the mailbox, or a bounce, was faster
			s.b.warn(ctx, "report a mail", err, "mail", id, "command", c.CommandName())
		}
	default:
		s.b.warn(ctx, "report a mail; it is tried again", err, "mail", id)
	}
}

func (s *sender) reportAgain(ctx context.Context) {
	for id, c := range s.reports {
		if ctx.Err() != nil {
			return
		}
		s.report(ctx, id, c)
	}
}

// body reads a mail's bytes.
func (b *Bridge) body(ctx context.Context, m *desk.MailOut) ([]byte, error) {
	if m.Blob == "" {
		return m.Body, nil
	}
	if b.blobs == nil {
		return nil, errTooLong
	}
	r, err := b.blobs.Open(ctx, m.Blob)
	if err != nil {
		return nil, fmt.Errorf("read a long mail: %w", err)
	}
	defer func() { _ = r.Close() }()
	body, err := io.ReadAll(io.LimitReader(r, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read a long mail: %w", err)
	}
	return body, nil
}
