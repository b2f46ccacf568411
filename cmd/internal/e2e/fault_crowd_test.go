// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	domain "refdesk/cluster/desk"
	"refdesk/cluster/sim"
	"refdesk/cluster/store"
)

// crowd is patrons who write without a pause, staff who answer, and patrons' pages that follow, while a rig has faults.
type crowd struct {
	g       *rig
	patrons []*patron
	writers []*writer
	pages   []*page
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu    sync.Mutex
	acks  []span // of patrons' lines
	stuck []string
}

// span is the life of one line: from its first try to its acknowledgement.
type span struct{ began, got time.Time }

// sizes of the crowd.
const (
	crowdSize  = 20
	crowdStaff = 2 // who answer the first chats
	crowdPages = 4 // that follow the last chats
)

// gather opens the chats and lets everybody begin. patient is how long somebody waits for one line before it is stuck.
func gather(g *rig, patient time.Duration) *crowd {
	g.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &crowd{g: g, stop: cancel}
	g.t.Cleanup(func() {
		c.stop()
		c.wg.Wait()
		for _, w := range c.writers {
			w.close()
		}
	})
	var doors []string
	for _, p := range g.nodes {
		doors = append(doors, p.url)
	}
	for i, account := range []string{"ana", "lena"}[:crowdStaff] {
		c.writers = append(c.writers, c.writer(account, i))
	}
	for i, w := range c.writers { // somebody is there, or the department would be closed
		if err := poll(w.connect); err != nil {
			g.t.Fatalf("sign %s in: %v", c.writers[i].login.JID, err)
		}
	}
	if err := poll(func() error { return online(c.g.client, c.g.nodes[0].url) }); err != nil {
		g.t.Fatal(err)
	}
	for i := range crowdSize {
		p := newPatron(doors, i)
		p.client, p.patient = &http.Client{Timeout: 3 * time.Second, Transport: g.transport()}, patient
		if err := p.open(ctx, "reference", nth(i, 0)); err != nil {
			g.t.Fatal(err)
		}
		c.patrons = append(c.patrons, p)
	}
	for i, w := range c.writers {
		w.chat = "c" + c.patrons[i].chat + "@" + g.ChatDomain
		w.patient = patient
		c.wg.Go(func() {
			if err := w.write(ctx, "desk@"+g.ChatDomain); err != nil {
				c.note(err.Error())
			}
		})
	}
	for i, p := range c.patrons {
		c.wg.Go(func() { c.write(ctx, p, i) })
		if i >= crowdSize-crowdPages {
			s := &page{of: p}
			c.pages = append(c.pages, s)
			c.wg.Go(func() { s.follow(ctx) })
		}
	}
	return c
}

func (c *crowd) writer(account string, at int) *writer {
	w := newWriter(c.g.t, c.g.desk, account, "", at)
	w.dial = func(ctx context.Context, addr string) (net.Conn, error) { return c.g.dial(ctx, addr) }
	return w
}

func (c *crowd) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stuck = append(c.stuck, what)
}

// write posts line after line. A line that was begun is seen through: only then is it known whether it counts.
func (c *crowd) write(ctx context.Context, p *patron, who int) {
	pause := time.NewTicker(lineEvery)
	defer pause.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		if err := p.post(context.WithoutCancel(ctx), nth(who, n)); err != nil {
			c.note(fmt.Sprintf("patron %d: %v", who, err))
			return
		}
		a := p.acked[len(p.acked)-1]
		c.mu.Lock()
		c.acks = append(c.acks, span{a.began, a.got})
		c.mu.Unlock()
	}
}

// count is how many lines have been acknowledged.
func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acks)
}

// more waits until n more lines have been acknowledged.
func (c *crowd) more(n int) {
	c.g.t.Helper()
	target := c.count() + n
	if err := poll(func() error {
		if got := c.count(); got < target {
			return fmt.Errorf("%d of %d lines are missing", target-got, n)
		}
		return nil
	}); err != nil {
		c.note(err.Error())
	}
}

// after waits for an acknowledgement of a line that was begun after the moment, and says how long after it came.
func (c *crowd) after(moment time.Time) time.Duration {
	c.g.t.Helper()
	var took time.Duration
	if err := poll(func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, a := range c.acks {
			if a.began.After(moment) {
				took = a.got.Sub(moment)
				return nil
			}
		}
		return errors.New("no line is acknowledged")
	}); err != nil {
		c.note(err.Error())
		return time.Since(moment)
	}
	return took
}

// gap is how long after the moment the first line came through that was begun after it; slowest is the longest that any
// line took since.
func (c *crowd) gap(moment time.Time) (gap, slowest time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.acks {
		if a.began.After(moment) && gap == 0 {
			gap = a.got.Sub(moment)
		}
		if a.got.After(moment) {
			slowest = max(slowest, a.got.Sub(a.began))
		}
	}
	return gap, slowest
}

// page is a patron's page that follows its chat, and asks another node each time.
type page struct {
	of     *patron
	events []event
	wrong  []string
}

// follow reads what is new until ctx ends.
func (s *page) follow(ctx context.Context) {
	pause := time.NewTicker(2 * lineEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		s.read(s.of.nodes[rand.IntN(len(s.of.nodes))])
	}
}

// read asks one node for what comes after the last event seen. Where a node can't answer there is another time.
func (s *page) read(node string) {
	after := uint64(0)
	if n := len(s.events); n > 0 {
		after = s.events[n-1].Seq
	}
	status, answer, err := s.of.call(context.Background(), http.MethodGet, node+"/api/v1/chats/"+s.of.chat+"/events?after="+strconv.FormatUint(after, 10), nil)
	if err != nil || status != http.StatusOK {
		return
	}
	var got struct {
		Events []event `json:"events"`
		Reset  bool    `json:"reset"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		s.wrong = append(s.wrong, err.Error())
		return
	}
	if got.Reset {
		s.wrong = append(s.wrong, "a page was told to begin anew")
	}
	for _, e := range got.Events {
		if e.Seq <= after {
			s.wrong = append(s.wrong, fmt.Sprintf("a page got event %d after %d", e.Seq, after))
		}
		after = e.Seq
		s.events = append(s.events, e)
	}
}

// verdict is what the checks came to.
type verdict struct {
	acked, lost, double int
	wrong               []string // whatever else is not as it must be
	stuck               []string
}

// judge ends the crowd and checks everything that was acknowledged: at each node's door, once more by repeating lines,
// and in each node's records when it has been stopped.
func (c *crowd) judge() verdict {
	c.g.t.Helper()
	c.stop()
	c.wg.Wait()
	var v verdict
	for i := range c.g.nodes {
		if err := poll(func() error { return c.g.serves(i) }); err != nil {
			c.note(err.Error())
		}
	}
	for i, p := range c.patrons {
		v.acked += len(p.acked)
		for _, n := range c.g.nodes {
			events, err := c.read(p, n)
			if err != nil {
				c.note(fmt.Sprintf("patron %d: %v", i, err))
				continue
			}
			v.sort(checkHistory(p.acked, events))
		}
		v.wrong = append(v.wrong, c.repeat(p)...)
	}
	for i, w := range c.writers {
		v.acked += len(w.acked)
		for _, n := range c.g.nodes {
			if events, err := c.read(c.patrons[i], n); err == nil {
				v.sort(checkAnswers(w.acked, events))
			}
		}
	}
	for _, s := range c.pages {
		if err := poll(func() error { // what comes by itself, such as a timer's, may come between the two
			s.read(c.g.nodes[0].url)
			whole, err := c.read(s.of, c.g.nodes[0])
			if err == nil && !slices.Equal(whole, s.events) {
				err = fmt.Errorf("a page saw %d events of %d", len(s.events), len(whole))
			}
			return err
		}); err != nil {
			v.wrong = append(v.wrong, err.Error())
		}
		v.wrong = append(v.wrong, s.wrong...)
	}
	v.wrong = append(v.wrong, c.g.agree()...)
	for i := range c.g.nodes {
		c.g.end(i)
	}
	for _, n := range c.g.nodes {
		for _, objection := range c.examine(n) {
			v.wrong = append(v.wrong, n.id+": "+objection)
		}
	}
	v.stuck = c.stuck
	return v
}

// read returns the whole chat from one node, as soon as that has everything the patron was told of.
func (c *crowd) read(p *patron, n *process) (events []event, err error) {
	err = poll(func() (err error) {
		if events, err = p.history(context.Background(), n.url); err != nil {
			return err
		}
		if len(events) == 0 || events[len(events)-1].Seq < p.lastSeq() {
			return fmt.Errorf("%s lacks what came up to %d", n.id, p.lastSeq())
		}
		return nil
	})
	if err != nil && len(events) > 0 {
		err = nil // the check says what is missing
	}
	return events, err
}

// sort counts objections to a history.
func (v *verdict) sort(objections []string) {
	for _, o := range objections {
		switch {
		case strings.Contains(o, "is lost"), strings.Contains(o, "is there 0 times"):
			v.lost++
		case strings.Contains(o, "times"):
			v.double++
		}
		v.wrong = append(v.wrong, o)
	}
}

// repeat sends some acknowledged lines again, with their ids. The answer must be that of before.
func (c *crowd) repeat(p *patron) (wrong []string) {
	for range min(3, len(p.acked)-1) {
		a := p.acked[1+rand.IntN(len(p.acked)-1)]
		var got struct {
			Seq uint64 `json:"seq"`
		}
		body := map[string]string{"id": a.id, "text": a.text}
		if err := p.insist(context.Background(), "/api/v1/chats/"+p.chat+"/messages", body, &got); err != nil {
			wrong = append(wrong, fmt.Sprintf("repeat: %v", err))
		} else if got.Seq != a.seq {
			wrong = append(wrong, fmt.Sprintf("line %s was acknowledged with seq %d, its repeat with %d", a.id, a.seq, got.Seq))
		}
	}
	return wrong
}

// examine checks the records of a node that was stopped.
func (c *crowd) examine(n *process) (wrong []string) {
	s, err := store.Open(n.dir)
	if err != nil {
		return []string{err.Error()}
	}
	defer s.Close()
	var acks []sim.Ack
	for _, p := range c.patrons {
		chat, err := strconv.ParseUint(p.chat, 10, 64)
		if err != nil {
			return []string{err.Error()}
		}
		for _, a := range p.acked[1:] { // the first is the question, which the chat's own id stands for
			acks = append(acks, sim.Ack{Chat: chat, ID: a.id, Seq: a.seq})
		}
	}
	err = s.View(context.Background(), func(src domain.Source) error {
		wrong = sim.Examine(src, acks)
		return nil
	})
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}
