// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"refdesk/bridge/mail"
	"refdesk/bridge/mailtest"
	"refdesk/bridge/outbox"
	"refdesk/cluster/desk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a mail door on a desk in memory.
type rig struct {
	t     *testing.T
	desk  *mailtest.Desk
	blobs *mailtest.Blobs
	cfg   Config
	b     *Bridge
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, desk: mailtest.NewDesk(t), blobs: &mailtest.Blobs{}}
	r.cfg = Config{
		Node: "n0", Domain: "desk.test", DeskKeys: []mail.Key{{ID: 'a', Secret: []byte("0123456789abcdef0123456789abcdef")}},
		Dir: t.TempDir(), Now: r.desk.Now,
	}
	r.make()
	return r
}

// make makes the door of the configuration.
func (r *rig) make() {
	r.t.Helper()
	b, err := New(r.cfg, r.desk, r.desk, r.blobs)
	if err != nil {
		r.t.Fatal(err)
	}
	r.b = b
}

// run runs the door, in a new term; the returned function ends it.
func (r *rig) run() (end func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	var wg sync.WaitGroup
	b := r.b
	wg.Go(func() {
		if err := b.Run(ctx); err != nil {
			r.t.Error(err)
		}
	})
	end = func() { cancel(); wg.Wait() }
	r.t.Cleanup(end)
	return end
}

// answer has ana answer a ticket.
func (r *rig) answer(ticket uint64, text string) uint64 {
	r.t.Helper()
	return r.desk.Staff("ana", &desk.ReplyTicket{Ticket: ticket, Text: text}).Entry
}

// entry is one entry of a ticket.
func (r *rig) entry(ticket, n uint64) *desk.TicketEntry {
	r.t.Helper()
	for _, e := range r.desk.Entries(ticket) {
		if e.N == n {
			return e
		}
	}
	r.t.Fatalf("ticket %d has no entry %d", ticket, n)
	return nil
}

// sent waits until an entry's mail stands so, and gives it.
func (r *rig) until(ticket, n uint64, state desk.MailState) *desk.TicketEntry {
	r.t.Helper()
	r.desk.Until("the mail is "+string(state), func() bool { return r.entry(ticket, n).Mail == state })
	return r.entry(ticket, n)
}

// parsed is the mail of an entry, taken apart.
func (r *rig) parsed(ticket, n uint64) (*mail.Message, []byte) {
	r.t.Helper()
	for _, m := range r.desk.Mails(ticket) {
		if m.Entry == n {
			body := m.Body
			if m.Blob != "" {
				body = r.blobs.Get(m.Blob)
			}
			return mail.Parse(context.Background(), bytes.NewReader(body), mail.Options{}), body
		}
	}
	r.t.Fatalf("entry %d of ticket %d has no mail", n, ticket)
	return nil, nil
}

// scripted is a transport that does what the test says, mail by mail; beyond that it takes all.
type scripted struct {
	mu    sync.Mutex
	steps []step
	sent  []outbox.Mail // with their dot
	calls int
}

type step struct {
	ask  bool // the questions are asked
	took bool // the dot is sent
	r    outbox.Result
	err  error
}

func (s *scripted) Send(ctx context.Context, m outbox.Mail, ask outbox.Asked) (outbox.Result, error) {
	s.mu.Lock()
	now := step{ask: true, took: true, r: outbox.Result{QueueID: "q1"}}
	if s.calls++; len(s.steps) > 0 {
		now, s.steps = s.steps[0], s.steps[1:]
	}
	s.mu.Unlock()
	if now.ask {
		if err := ask.Data(ctx); err != nil {
			return outbox.Result{}, err
		}
		if err := ask.Dot(ctx); err != nil {
			return outbox.Result{}, err
		}
	}
	if now.took {
		s.mu.Lock()
		s.sent = append(s.sent, m)
		s.mu.Unlock()
	}
	return now.r, now.err
}

func (s *scripted) Close() error { return nil }

func (s *scripted) all() []outbox.Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]outbox.Mail{}, s.sent...)
}

func (r *rig) script(steps ...step) *scripted {
	s := &scripted{steps: steps}
	r.b.wire = func() outbox.Transport { return s }
	return s
}
