// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
	"refdesk/cluster/store"
)

// prepare makes a library with one chat.
func prepare(b *testing.B, do func(desk.Request)) {
	b.Helper()
	for _, env := range desktest.LibraryLog() {
		r := env.Request
		if k, ok := r.Command.(*desk.SetCalendar); ok {
			k.Calendar.Open = []desk.Interval{{From: 0, To: desk.At(time.Now().Add(time.Hour))}}
		}
		do(r)
	}
	id := desktest.SessionID("ana")
	do(desk.Request{Actor: desk.NodeActor("n0"), Command: &desk.OpenSession{ID: id, Account: "ana", Door: "xmpp", Node: "n0", Resource: "r"}})
	do(desk.Request{Actor: desk.StaffActor("ana", id), Command: &desk.SetShow{ID: id, Show: desk.ShowOnline}})
	do(desk.Request{Actor: desk.PatronActor("p1"), Command: &desk.OpenChat{ID: "q", Department: "reference", Question: "?", Node: "n0"}})
}

func post(n int64) desk.Request {
	id := fmt.Sprint("m", n)
	return desk.Request{
		Actor: desk.PatronActor("p1"), Key: desk.Key{Kind: desk.KeyPatron, Principal: "p1", ID: id},
		Command: &desk.PostLine{Chat: 1, ID: id, Kind: desk.TextLine, Text: "How many books can I borrow, and for how long?"},
	}
}

// BenchmarkLines is patrons' lines acknowledged by a majority, over desks of one and three nodes in this process, and as
// a peer the same commands applied to a bare SQLite file that syncs at each commit.
func BenchmarkLines(b *testing.B) {
	for _, nodes := range []int{1, 3} {
		for _, writers := range []int{1, 50} {
			for _, via := range []string{"leader", "follower"} {
				if nodes == 1 && via == "follower" {
					continue
				}
				b.Run(fmt.Sprintf("nodes=%d/writers=%d/via=%s", nodes, writers, via), func(b *testing.B) {
					benchLines(b, nodes, writers, via == "follower")
				})
			}
		}
	}
	b.Run("bare-sqlite", benchBare)
}

func benchLines(b *testing.B, nodes, writers int, follower bool) {
	d := started(b, nodes, nil)
	id := d.leader()
	prepare(b, func(r desk.Request) { d.do(id, r) })
	if follower {
		id = d.other(id)
	}
	c := d.nodes[id]
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				if _, err := c.Do(context.Background(), post(n)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// benchBare commits each line by itself and syncs it, as a program without a log would.
func benchBare(b *testing.B) {
	s, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	wal, err := os.OpenFile(filepath.Join(s.Dir(), store.File+"-wal"), os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer wal.Close()
	do := func(r desk.Request) {
		tx, err := s.Begin()
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := desk.Apply(tx, desk.Envelope{Request: r, Stamp: desk.At(time.Now())}); err != nil {
			b.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		if err := wal.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	prepare(b, do)
	b.ResetTimer()
	for n := range b.N {
		do(post(int64(n)))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkCommitTimeout measures what commitTimeout was chosen by: how long after the leader a follower has applied a
// command, and the processor time that three idle nodes take.
func BenchmarkCommitTimeout(b *testing.B) {
	for _, timeout := range []time.Duration{time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond} {
		b.Run(timeout.String(), func(b *testing.B) {
			d := started(b, 3, func(c *Config) { c.tune = func(r *raft.Config) { r.CommitTimeout = timeout } })
			leader := d.nodes[d.leader()]
			follower := d.nodes[d.other(d.leader())]
			var late []time.Duration
			for n := range int64(300) {
				reply, err := leader.Do(context.Background(), setting(fmt.Sprint("s", n), "x"))
				if err != nil {
					b.Fatal(err)
				}
				began := time.Now()
				if err := follower.WaitApplied(context.Background(), reply.Seq); err != nil {
					b.Fatal(err)
				}
				late = append(late, time.Since(began))
				time.Sleep(3 * time.Millisecond) // so that no next entry brings the news
			}
			slices.Sort(late)
			const idle = 3 * time.Second
			before := processorTime(b)
			time.Sleep(idle)
			b.ReportMetric(float64(processorTime(b)-before)/float64(idle)*100, "idle-%-of-a-core")
			b.ReportMetric(float64(late[len(late)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(late[len(late)*95/100].Microseconds()), "p95-µs")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
