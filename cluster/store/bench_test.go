// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"testing"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
)

// BenchmarkApply is patrons' lines, in transactions of some size.
func BenchmarkApply(b *testing.B) {
	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			s, err := Open(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			tx := begin(b, s)
			log := desktest.LibraryLog()
			patron, admin := desk.PatronActor("p1"), log[0].Actor
			for _, c := range []desk.Command{
				&desk.OpenSession{ID: "0123456789abcdef", Account: "ana", Door: "xmpp", Node: "n0", Resource: "desk"},
				&desk.SetShow{ID: "0123456789abcdef", Show: desk.ShowOnline},
			} {
				log = append(log, desk.Envelope{Stamp: desktest.Start, Request: desk.Request{Actor: admin, Command: c}})
			}
			log = append(log, desk.Envelope{Stamp: desktest.Start, Request: desk.Request{Actor: patron, Command: &desk.OpenChat{
				ID: "id", Department: "reference", Question: "Is anybody there?", Node: "n0",
			}}})
			for _, env := range log {
				if _, _, err := desk.Apply(tx, env); err != nil {
					b.Fatal(err)
				}
			}
			for i := range b.N {
				id := fmt.Sprint(i)
				_, _, err := desk.Apply(tx, desk.Envelope{Stamp: desktest.Start, Request: desk.Request{
					Actor: patron, Key: desk.Key{Kind: desk.KeyPatron, Principal: "p1", ID: id},
					Command: &desk.PostLine{Chat: 1, ID: id, Kind: desk.TextLine, Text: "How many books can I borrow?"},
				}})
				if err != nil {
					b.Fatal(err)
				}
				if i%batch == batch-1 {
					if err := tx.Commit(); err != nil {
						b.Fatal(err)
					}
					tx = begin(b, s)
				}
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkView(b *testing.B) {
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	tx := begin(b, s)
	for _, env := range desktest.LibraryLog() {
		if _, _, err := desk.Apply(tx, env); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		err := s.View(context.Background(), func(src desk.Source) error {
			_, err := desk.Seq(src)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
