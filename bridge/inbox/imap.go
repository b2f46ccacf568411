// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// IMAPConfig says which mailbox is read.
type IMAPConfig struct {
	Addr         string // host:port; "" = none
	TLS          string // "starttls", "tls" or "none"
	User         string
	PasswordFile string        // read at each sign-in
	Folder       string        // "" = INBOX
	Trust        *tls.Config   // for tests: whose certificates are believed
	Poll         time.Duration // how often the folder is looked at besides IDLE; 0 = 30 s
	Watchdog     time.Duration // limit of one command; 0 = 30 s
}

// Health is how the reading of the mailbox is.
type Health struct {
	Reading bool      // connected
	Why     string    // of the last failure since
	Since   time.Time // of that failure
	Aside   int       // mails that nobody knows whether to import: see DESIGN.md
	Failed  int       // mails put into the folder for what can't be taken in
}

// Mailbox reads one IMAP mailbox. One goroutine, one connection.
type Mailbox struct {
	cfg  IMAPConfig
	door *Door
	find chan search // questions for the connection

	mu     sync.Mutex
	health Health

	tries map[uint32]*try // by UID, of the mails that could not be taken
	wrong time.Time       // of the password's file when it was refused
}

// try is a mail that failed to be taken.
type try struct {
	n    int
	next time.Time
}

// search is a question after a mail of ours.
type search struct {
	id     string
	answer chan<- found
}

type found struct {
	yes bool
	err error
}

// NewMailbox makes a reader.
func NewMailbox(cfg IMAPConfig, d *Door) *Mailbox {
	if cfg.Folder == "" {
		cfg.Folder = "INBOX"
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 30 * time.Second
	}
	if cfg.Watchdog <= 0 {
		cfg.Watchdog = 30 * time.Second
	}
	return &Mailbox{cfg: cfg, door: d, find: make(chan search), tries: map[uint32]*try{}}
}

// Health reports how the reading is.
func (b *Mailbox) Health() Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.health
}

func (b *Mailbox) setHealth(f func(*Health)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.health)
}

// Run reads until ctx ends. A connection that breaks is followed by another.
func (b *Mailbox) Run(ctx context.Context) {
	defer b.setHealth(func(h *Health) { *h = Health{} })
	for n := 0; ctx.Err() == nil; {
		err := b.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		if b.Health().Reading {
			n = 0
		}
		b.broke(err)
		b.rest(ctx, pauseAfter(n, err))
		n++
	}
}

// broke notes a failure.
func (b *Mailbox) broke(err error) {
	b.setHealth(func(h *Health) {
		if h.Why == "" {
			b.door.cfg.Log.Warn("the mailbox can't be read; it is tried again", "err", err)
			h.Since = time.Now()
		}
		h.Reading, h.Why = false, err.Error()
	})
}

// rest waits before the next connection. Questions get the answer that there is none; a new password ends the wait.
func (b *Mailbox) rest(ctx context.Context, d time.Duration) {
	b.wrong = modTime(b.cfg.PasswordFile)
	end := time.NewTimer(d)
	defer end.Stop()
	look := time.NewTicker(2 * time.Second)
	defer look.Stop()
	for {
		select {
		case <-end.C:
			return
		case <-look.C:
			if modTime(b.cfg.PasswordFile).After(b.wrong) {
				return
			}
		case q := <-b.find:
			q.answer <- found{err: errNotReading}
		case <-ctx.Done():
			return
		}
	}
}

var errNotReading = errors.New("the mailbox can't be read now")

// pauseAfter is how long to wait after the n-th failure in a row: 1, 2, 4 … 60 s; a sign-in that was refused, 5 min.
func pauseAfter(n int, err error) time.Duration {
	d := min(time.Second<<min(n, 10), time.Minute)
	if errors.Is(err, errSignIn) {
		d = 5 * time.Minute
	}
	return d - d/10 + rand.N(d/5+1)
}

// Sent says whether a mail of ours is in the mailbox: in its folder for sent mail, or as a copy to ourselves.
func (b *Mailbox) Sent(ctx context.Context, messageID string) (bool, error) {
	answer := make(chan found, 1)
	select {
	case b.find <- search{messageID, answer}:
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(b.cfg.Watchdog):
		return false, errNotReading
	}
	select {
	case f := <-answer:
		return f.yes, f.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// serve is one connection.
func (b *Mailbox) serve(ctx context.Context) error {
	l, err := b.dial(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	defer context.AfterFunc(ctx, func() { _ = l.conn.Close() })()
	at, err := b.enter(ctx, l)
	if err != nil {
		return err
	}
	b.setHealth(func(h *Health) { h.Reading, h.Why = true, "" })
	for {
		if err := b.round(ctx, l, at); err != nil {
			return err
		}
		if err := b.await(ctx, l); err != nil {
			return err
		}
	}
}

// await waits until there is something to do: IDLE says so, or the time is over, or somebody asks. IDLE is a signal only,
// and not believed when it says nothing.
func (b *Mailbox) await(ctx context.Context, l *link) error {
	stop := func() error { return nil }
	if l.idles {
		var err error
		if stop, err = l.idle(); err != nil {
			return err
		}
	}
	timer := time.NewTimer(b.cfg.Poll)
	defer timer.Stop()
	var q *search
	select {
	case <-l.wake:
	case <-timer.C:
	case <-l.c.Closed():
	case ask := <-b.find:
		q = &ask
	case <-ctx.Done():
	}
	err := stop()
	if q != nil {
		var yes bool
		if err == nil {
			yes, err = b.sent(l, q.id)
		}
		q.answer <- found{yes, err}
	}
	return errors.Join(err, ctx.Err())
}

// dialTCP connects, within a bound.
func dialTCP(ctx context.Context, addr string) (net.Conn, error) {
	return (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", addr)
}
