// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// crowd is patrons who write, staff who claim and release the same chats, and followers, each on a node drawn anew for
// every try.
type crowd struct {
	w    *world
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu     sync.Mutex
	acked  []Ack
	lines  []desk.Request // that were acknowledged, by the index of acked
	claims []porcupine.Operation
	wrong  []string
}

// gather opens the chats that staff will fight over and lets everybody begin.
func gather(w *world, patrons, contested int) *crowd {
	ctx, cancel := context.WithCancel(context.Background())
	c := &crowd{w: w, stop: cancel}
	var fought []uint64
	for i := range contested {
		r := rand.New(rand.NewPCG(w.seed, uint64(1000+i)))
		reply, err := c.insist(r, c.opening(fmt.Sprintf("f%d", i)))
		if err != nil {
			w.t.Fatal(err)
		}
		fought = append(fought, reply.Chat)
	}
	for i := range patrons {
		r := rand.New(rand.NewPCG(w.seed, uint64(i)))
		c.wg.Go(func() { c.write(ctx, r, fmt.Sprintf("p%d", i)) })
	}
	for i, account := range staff() {
		for k := range 2 {
			r := rand.New(rand.NewPCG(w.seed, uint64(2000+10*i+k)))
			c.wg.Go(func() { c.fight(ctx, r, account, 10*i+k, fought) })
		}
	}
	for i := range 3 {
		r := rand.New(rand.NewPCG(w.seed, uint64(3000+i)))
		c.wg.Go(func() { c.follow(ctx, r) })
	}
	return c
}

func (c *crowd) object(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// insist does a keyed command on one node after the other until its outcome is known.
func (c *crowd) insist(r *rand.Rand, q desk.Request) (desk.Reply, error) {
	var last error
	for end := time.Now().Add(patient + 20*time.Second); time.Now().Before(end); {
		x := c.w.nodes[r.IntN(len(c.w.nodes))].get()
		if x == nil {
			time.Sleep(time.Millisecond) // it is down
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(200+r.IntN(1300))*time.Millisecond)
		reply, err := x.Do(ctx, q)
		cancel()
		var refusal *desk.Error
		if errors.As(err, &refusal) && (refusal.Code == desk.NoQuorum || refusal.Code == desk.Stopping) || errors.Is(err, context.DeadlineExceeded) {
			last = err
			continue
		}
		return reply, err
	}
	return desk.Reply{}, fmt.Errorf("%s is stuck: %w", q.Command.CommandName(), last)
}

func (c *crowd) opening(patron string) desk.Request {
	return desk.Request{
		Actor: desk.PatronActor(patron), Key: desk.Key{Kind: desk.KeyPatron, Principal: patron, ID: "open"},
		Command: &desk.OpenChat{ID: "open", Department: "reference", Question: "Is anybody there?", Node: "elsewhere"},
	}
}

// write opens a chat and posts line after line.
func (c *crowd) write(ctx context.Context, r *rand.Rand, patron string) {
	reply, err := c.insist(r, c.opening(patron))
	if err != nil {
		c.object("%s: %v", patron, err)
		return
	}
	chat := reply.Chat
	for n := 0; ctx.Err() == nil; n++ {
		id := fmt.Sprint("l", n)
		q := desk.Request{
			Actor: desk.PatronActor(patron), Key: desk.Key{Kind: desk.KeyPatron, Principal: patron, ID: id},
			Command: &desk.PostLine{Chat: chat, ID: id, Kind: desk.TextLine, Text: "line " + id + " of " + patron},
		}
		reply, err := c.insist(r, q)
		if err != nil {
			c.object("%s: line %s: %v", patron, id, err)
			return
		}
		c.mu.Lock()
		c.acked, c.lines = append(c.acked, Ack{Chat: chat, ID: id, Seq: reply.Seq}), append(c.lines, q)
		c.mu.Unlock()
	}
}

// tussle is a claim or a release of a chat, as the model of claims sees it.
type tussle struct {
	chat    uint64
	account string
	claim   bool
}

// outcome is what came of a tussle: done, or who had the chat ("" = nobody).
type outcome struct {
	done  bool
	owner string
}

// fight claims and releases the contested chats.
func (c *crowd) fight(ctx context.Context, r *rand.Rand, account string, client int, chats []uint64) {
	session := desktest.SessionID(account)
	for n := 0; ctx.Err() == nil; n++ {
		t := tussle{chat: chats[r.IntN(len(chats))], account: account, claim: r.IntN(2) == 0}
		q := desk.Request{
			Actor: desk.StaffActor(account, session), Key: desk.Key{Kind: desk.KeyWeb, Principal: session, ID: fmt.Sprintf("%d-%d", client, n)},
			Command: &desk.ClaimChat{Chat: t.chat},
		}
		if !t.claim {
			q.Command = &desk.ReleaseChat{Chat: t.chat}
		}
		began := time.Since(c.w.epochs)
		_, err := c.insist(r, q)
		op := porcupine.Operation{ClientId: client, Input: t, Call: int64(began), Return: int64(time.Since(c.w.epochs))}
		var refusal *desk.Error
		switch {
		case err == nil:
			op.Output = outcome{done: true}
		case errors.As(err, &refusal) && refusal.Code == desk.Conflict:
			op.Output = outcome{owner: refusal.Staff}
		case errors.As(err, &refusal) && refusal.Code == desk.NotAllowed:
			op.Output = outcome{}
		default:
			c.object("%s of chat %d by %s: %v", q.Command.CommandName(), t.chat, account, err)
			return
		}
		c.mu.Lock()
		c.claims = append(c.claims, op)
		c.mu.Unlock()
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond) // people take a moment
	}
}

// claimModel is a chat that at most one of the staff owns.
func claimModel() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			by := map[uint64][]porcupine.Operation{}
			for _, op := range history {
				chat := op.Input.(tussle).chat
				by[chat] = append(by[chat], op)
			}
			var out [][]porcupine.Operation
			for _, ops := range by {
				out = append(out, ops)
			}
			return out
		},
		Init: func() any { return "" },
		Step: func(state, input, output any) (bool, any) {
			owner, t, o := state.(string), input.(tussle), output.(outcome)
			switch {
			case t.claim && o.done:
				return owner == "" || owner == t.account, t.account
			case t.claim:
				return o.owner != "" && o.owner == owner && owner != t.account, owner
			case o.done:
				return owner == t.account, ""
			}
			return o.owner == owner && owner != t.account, owner
		},
	}
}

// follow reads all events, resuming on a node drawn anew each time, and checks that each comes once and in order.
func (c *crowd) follow(ctx context.Context, r *rand.Rand) {
	var at desk.Cursor
	for ctx.Err() == nil {
		x := c.w.nodes[r.IntN(len(c.w.nodes))].get()
		if x == nil {
			time.Sleep(time.Millisecond) // it is down
			continue
		}
		short, cancel := context.WithTimeout(ctx, time.Duration(20+r.IntN(400))*time.Millisecond)
		for b, err := range x.Follow(short, desk.NodeActor("follower"), desk.TopicAll(), at) {
			if err != nil {
				var refusal *desk.Error
				if errors.As(err, &refusal) && refusal.Code == desk.TooOld {
					c.object("a follower at %d is told to begin anew", at.Seq)
				}
				break
			}
			for _, e := range b.Events {
				if e.Seq != at.Seq+1 {
					c.object("a follower at %d got event %d", at.Seq, e.Seq)
				}
				at.Seq = e.Seq
			}
			at.Epoch = b.Cursor.Epoch
			if b.Cursor.Seq > at.Seq {
				c.object("a follower's cursor is at %d after event %d", b.Cursor.Seq, at.Seq)
			}
		}
		cancel()
	}
}

// count is how many lines have been acknowledged.
func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acked)
}

// judge ends the crowd, after all faults are over, and checks everything.
func (c *crowd) judge() {
	w := c.w
	w.t.Helper()
	c.stop()
	ended := make(chan struct{})
	go func() { c.wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patient + 30*time.Second):
		w.t.Fatalf("seed %d: somebody is stuck", w.seed)
	}
	w.recover()
	r := rand.New(rand.NewPCG(w.seed, 4000))
	for range min(50, len(c.acked)) {
		i := r.IntN(len(c.acked))
		reply, err := c.insist(r, c.lines[i])
		if err != nil || !reply.Again || reply.Seq != c.acked[i].Seq {
			c.object("line %s of chat %d was acknowledged with seq %d; repeated: seq %d, again %v, %v", c.acked[i].ID, c.acked[i].Chat, c.acked[i].Seq, reply.Seq, reply.Again, err)
		}
	}
	if result := porcupine.CheckOperationsTimeout(claimModel(), c.claims, 20*time.Second); result != porcupine.Ok {
		c.object("the %d claims and releases are not linearizable: %s", len(c.claims), result)
	}
	for i, s := range c.wrong {
		if i < 20 {
			w.t.Errorf("seed %d: %s", w.seed, s)
		}
	}
	w.examine(c.acked)
	w.t.Logf("seed %d: %d lines acknowledged, %d claims and releases", w.seed, len(c.acked), len(c.claims))
	if len(c.acked) < 50 || len(c.claims) < 20 {
		w.t.Errorf("seed %d: nothing was tried", w.seed)
	}
	if !slices.ContainsFunc(c.claims, func(op porcupine.Operation) bool { return op.Output.(outcome).done }) {
		w.t.Errorf("seed %d: no claim was granted", w.seed)
	}
}
