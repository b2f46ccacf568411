// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// maxWait is the longest long poll.
const maxWait = 30 * time.Second

// frameTime bounds the writing of one page of a stream or one frame of a socket.
const frameTime = 10 * time.Second

// events is GET /chats/{chat}/events: a long poll, or a stream for those who accept one.
func (d *Door) events(w http.ResponseWriter, r *http.Request) error {
	p, err := d.authorise(r)
	if err != nil {
		return err
	}
	after, err := cursorOf(r)
	if err != nil {
		return err
	}
	streaming := strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	wait, err := number(r, "wait", 0)
	if err != nil {
		return err
	}
	release, err := d.slot(r)
	if err != nil {
		return err
	}
	defer release()
	ctx, done, ok := d.frame.Hold(w, r)
	if !ok {
		return &desk.Error{Code: desk.Stopping}
	}
	defer done()
	if streaming {
		return d.stream(ctx, w, p, after)
	}
	return d.poll(ctx, w, p, after, min(time.Duration(min(wait, 3600))*time.Second, maxWait))
}

// slot holds one of the network's places for long-lived answers.
func (d *Door) slot(r *http.Request) (release func(), err error) {
	net := d.frame.NetworkOf(r)
	if net.Exempt {
		return func() {}, nil
	}
	release, ok := d.sockets.Take(net.Key)
	if !ok {
		return nil, web.Throttled(30*time.Second, "Too many connections are open from this network.")
	}
	return release, nil
}

// cursorOf reads where the client stands: Last-Event-ID (E-SEQ) wins over after and epoch.
func cursorOf(r *http.Request) (desk.Cursor, error) {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		e, s, _ := strings.Cut(id, "-")
		epoch, err1 := strconv.ParseUint(e, 10, 53)
		seq, err2 := strconv.ParseUint(s, 10, 53)
		if err := errors.Join(err1, err2); err != nil {
			return desk.Cursor{}, web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "Last-Event-ID is EPOCH-SEQ as sent in id:.")
		}
		return desk.Cursor{Epoch: epoch, Seq: seq}, nil
	}
	seq, err := number(r, "after", 0)
	if err != nil {
		return desk.Cursor{}, err
	}
	epoch, err := number(r, "epoch", 0)
	return desk.Cursor{Epoch: epoch, Seq: seq}, err
}

// number reads a decimal query parameter below 2^53.
func number(r *http.Request, name string, missing uint64) (uint64, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return missing, nil
	}
	n, err := strconv.ParseUint(s, 10, 53)
	if err != nil {
		p := web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "The parameter "+name+" is a decimal number.")
		p.Field = name
		return 0, p
	}
	return n, nil
}

// polled is the answer of a long poll.
type polled struct {
	Epoch  uint64  `json:"epoch"`
	Events []Event `json:"events"`
	Reset  bool    `json:"reset,omitempty"`
}

// poll answers with what there is after the cursor, or what comes within wait. From the beginning it is the whole chat.
func (d *Door) poll(ctx context.Context, w http.ResponseWriter, p patron, after desk.Cursor, wait time.Duration) error {
	d.seats.called(p)
	defer d.seats.called(p)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer := polled{Events: []Event{}}
	var timer *time.Timer // runs once everything that is there already was read
	for more := true; more; {
		more = false
		for pg, err := range d.feed(ctx, p, after) {
			if timer != nil && errors.Is(err, context.Canceled) {
				break
			}
			if err != nil {
				return err
			}
			answer.Epoch = pg.Epoch
			answer.Reset = answer.Reset || pg.Reset
			answer.Events = append(answer.Events, pg.Events...)
			if pg.Behind {
				// Read on from here with another feed: its first page comes at once, even when nothing more is there.
				after, more = desk.Cursor{Epoch: pg.Epoch, Seq: pg.Seq}, true
				break
			}
			if len(answer.Events) > 0 || answer.Reset || wait == 0 {
				break
			}
			if timer == nil {
				timer = time.AfterFunc(wait, cancel)
				defer timer.Stop()
			}
		}
	}
	return writeJSON(w, http.StatusOK, answer)
}

// stream sends server-sent events: id EPOCH-SEQ, data the event; "event: reset" before a chat that begins anew; a
// comment when nothing else was sent for a while.
func (d *Door) stream(ctx context.Context, w http.ResponseWriter, p patron, after desk.Cursor) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &sse{w: w, rc: http.NewResponseController(w)}
	var comments sync.WaitGroup
	defer comments.Wait()
	defer cancel()
	leave := func() {}
	defer func() { leave() }()
	began := false
	for pg, err := range d.feed(ctx, p, after) {
		if err != nil {
			if began {
				return nil // the stream ends; its reader comes again
			}
			return err
		}
		if !began {
			began = true
			leave = d.seats.enter(ctx, p)
			h := w.Header()
			h.Set("Content-Type", "text/event-stream; charset=utf-8")
			h.Set("Cache-Control", "no-store")
			h.Set("X-Accel-Buffering", "no")
			w.WriteHeader(http.StatusOK)
			comments.Go(func() { out.comments(ctx, cancel, d.limits.CommentEvery) })
		}
		if err := out.page(pg); err != nil {
			return nil
		}
	}
	return nil
}

// sse writes one client's event stream.
type sse struct {
	mu sync.Mutex
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (s *sse) page(pg page) error {
	var buf bytes.Buffer
	if pg.Reset {
		fmt.Fprintf(&buf, "id: %d-0\nevent: reset\ndata: {\"reset\":true}\n\n", pg.Epoch)
	}
	for _, e := range pg.Events {
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		fmt.Fprintf(&buf, "id: %d-%d\ndata: %s\n\n", pg.Epoch, e.Seq, data)
	}
	if buf.Len() == 0 {
		buf.WriteString(": ready\n\n")
	}
	return s.write(buf.Bytes())
}

func (s *sse) comments(ctx context.Context, cancel context.CancelFunc, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.write([]byte(": here\n\n")) != nil {
				cancel()
				return
			}
		}
	}
}

func (s *sse) write(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Not every writer has deadlines (tests' recorders don't).
	_ = s.rc.SetWriteDeadline(time.Now().Add(frameTime))
	if _, err := s.w.Write(data); err != nil {
		return err
	}
	return s.rc.Flush()
}
