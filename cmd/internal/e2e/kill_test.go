// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"refdesk/gateway/xmpp/xmpptest"
)

// rounds of kill -9: two every day, ten for a proof.
func rounds() int {
	if os.Getenv("REFDESK_PROOF") != "" {
		return 10
	}
	return 2
}

const (
	chats      = 50
	failover   = 3 * time.Second        // from the kill to the next acknowledged line, with a majority left
	lineEvery  = 100 * time.Millisecond // of each patron
	underLoad  = 10                     // chats on average that have a line acknowledged before a kill
	afterwards = 10                     // lines acknowledged after a restart before the next kill
)

// load is many patrons who write line after line.
type load struct {
	t       *testing.T
	patrons []*patron
	writers []*writer // of the first patrons' chats
	stop    context.CancelFunc
	wg      sync.WaitGroup
	count   atomic.Int64 // acknowledged lines
	mu      sync.Mutex
	recent  []ack // since the last look
	errs    []error
}

// startLoad opens the chats, spread over the nodes, and lets their patrons write until stop. Somebody of the staff is there
// at the beginning, or the department would be closed.
func startLoad(t *testing.T, r *running) *load {
	t.Helper()
	ben := xmpptest.StartSlixmpp(t, r.login("ben", 0))
	r.until("the department is online", func() error { return online(http.DefaultClient, r.Nodes[0].HTTP) })
	defer ben.WaitMessage("desk@"+r.ChatDomain, "Reference")
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: t, stop: cancel}
	t.Cleanup(l.end)
	var urls []string
	for _, n := range r.Nodes {
		urls = append(urls, n.HTTP)
	}
	for i := range chats {
		p := newPatron(urls, i)
		l.patrons = append(l.patrons, p)
		l.wg.Go(func() { l.write(ctx, p, i) })
	}
	return l
}

// online objects while the department reference is not online.
func online(client *http.Client, url string) error {
	res, err := client.Get(url + "/api/v1/departments")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var got []struct{ ID, State string }
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return err
	}
	for _, d := range got {
		if d.ID == "reference" && d.State == "online" {
			return nil
		}
	}
	return fmt.Errorf("departments: %v", got)
}

func (l *load) write(ctx context.Context, p *patron, who int) {
	err := p.open(ctx, "reference", nth(who, 0))
	pause := time.NewTicker(lineEvery)
	defer pause.Stop()
	for n := 1; err == nil; n++ {
		l.note(p.acked[len(p.acked)-1])
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		// A line that was begun is seen through: only then is it known whether it counts.
		err = p.post(context.WithoutCancel(ctx), nth(who, n))
	}
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.errs = append(l.errs, fmt.Errorf("patron %d: %w", who, err))
	}
}

func (l *load) note(a ack) {
	l.count.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent = append(l.recent, a)
}

// end stops the patrons, waits for them, and reports what went wrong.
func (l *load) end() {
	l.stop()
	l.wg.Wait()
	for _, err := range l.errs {
		l.t.Error(err)
	}
	l.errs = nil
}

// answer has two members of staff answer the first two chats.
func (l *load) answer(r *running) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stop := l.stop
	l.stop = func() { cancel(); stop() }
	for i, account := range []string{"ana", "lena"} {
		w := newWriter(l.t, r.desk, account, l.patrons[i].chat, i+1)
		l.writers = append(l.writers, w)
		l.wg.Go(func() {
			if err := w.write(ctx, "desk@"+r.ChatDomain); err != nil {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.errs = append(l.errs, err)
			}
		})
	}
}

// more waits until n more lines have been acknowledged.
func (l *load) more(r *running, n int) {
	l.t.Helper()
	target := l.count.Load() + int64(n)
	r.until(fmt.Sprintf("%d more lines are acknowledged", n), func() error {
		if got := l.count.Load(); got < target {
			return fmt.Errorf("%d are missing", target-got)
		}
		return nil
	})
}

// firstAfter waits for an acknowledgement that came after the moment, of a line begun after it, and says how long it took.
func (l *load) firstAfter(r *running, moment time.Time) time.Duration {
	l.t.Helper()
	var took time.Duration
	r.until("a line is acknowledged after the kill", func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, a := range l.recent {
			if a.began.After(moment) {
				took = a.got.Sub(moment)
				return nil
			}
		}
		l.recent = slices.DeleteFunc(l.recent, func(a ack) bool { return a.began.Before(moment) })
		return errors.New("none yet")
	})
	return took
}

// verify compares every patron's acknowledgements with what every node has of his chat.
func (l *load) verify(r *running) {
	l.t.Helper()
	l.end()
	wrong := 0
	for i, p := range l.patrons {
		for _, n := range r.Nodes {
			var events []event
			r.until("node "+n.ID+" has caught up", func() (err error) {
				if events, err = p.history(context.Background(), n.HTTP); err != nil {
					return err
				}
				if len(events) == 0 || events[len(events)-1].Seq < p.lastSeq() {
					return fmt.Errorf("it lacks what came up to %d", p.lastSeq())
				}
				return nil
			})
			for _, objection := range checkHistory(p.acked, events) {
				wrong++
				if wrong <= 20 {
					l.t.Errorf("patron %d on %s: %s", i, n.ID, objection)
				}
			}
		}
	}
	answers := 0
	for i, w := range l.writers {
		answers += len(w.acked)
		for _, n := range r.Nodes {
			events, err := l.patrons[i].history(context.Background(), n.HTTP)
			if err != nil {
				l.t.Fatal(err)
			}
			for _, objection := range checkAnswers(w.acked, events) {
				wrong++
				l.t.Errorf("%s on %s: %s", w.login.JID, n.ID, objection)
			}
		}
	}
	l.t.Logf("%d lines acknowledged in %d chats, %d answers of staff among them, %d objections",
		l.count.Load()+int64(answers), len(l.patrons), answers, wrong)
}

// generous lifts the limits that the load would otherwise test.
func generous() []string {
	return []string{
		"--set", "limits.lines_burst=100000", "--set", "limits.lines_per_second=1000", "--set", "limits.chats_per_minute=100000",
	}
}

func TestKillOneNode(t *testing.T) {
	r := start(t, 1, generous()...)
	l := startLoad(t, r)
	l.more(r, chats*underLoad/2)
	l.answer(r)
	l.more(r, chats*underLoad/2)
	for round := range rounds() {
		killed := time.Now()
		r.kill(0)
		r.restart(0)
		t.Logf("round %d: next line acknowledged %s after the kill, the start of the program included", round, l.firstAfter(r, killed))
		l.more(r, chats*afterwards/2)
	}
	l.verify(r)
}

func TestKillEachOfThreeNodes(t *testing.T) {
	r := start(t, 3, generous()...)
	l := startLoad(t, r)
	l.more(r, chats*underLoad/2)
	l.answer(r)
	l.more(r, chats*underLoad/2)
	var slow []string
	for round := range max(rounds(), 3) {
		i := round % 3
		killed := time.Now()
		r.kill(i)
		took := l.firstAfter(r, killed)
		t.Logf("round %d: %s killed, next line acknowledged after %s", round, r.Nodes[i].ID, took)
		if took > failover {
			slow = append(slow, fmt.Sprintf("round %d, %s: %s", round, r.Nodes[i].ID, took))
		}
		l.more(r, chats*afterwards/2)
		r.restart(i)
		l.more(r, chats*afterwards/2)
	}
	if len(slow) > 0 {
		t.Errorf("the next line was acknowledged later than %s after a kill: %s", failover, strings.Join(slow, ", "))
	}
	l.verify(r)
}

// The page in a browser goes on by itself when the node that it came from is killed.
func TestPageMovesToAnotherNode(t *testing.T) {
	r := start(t, 3)
	xmpptest.StartSlixmpp(t, r.login("ben", 0))
	page := startBrowser(t, r.Nodes[1].HTTP+"/chat/reference")
	page.ask("Is anybody there?")
	page.say("before")
	r.kill(1)
	page.say("after")
	want := []string{"patron: Is anybody there?", "patron: before", "patron: after"}
	if got := page.lines(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
