// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"
	"time"

	"refdesk/cluster/desk"
)

// What is redacted stands on no node's disk soon after, and the desk goes on.
func TestErasedWordIsGone(t *testing.T) {
	d := started(t, 3, nil)
	leader := d.leader()
	d.do(leader, reference())
	word := "Xylophonist"
	d.do(leader, desk.Request{Actor: admin(), Command: &desk.SetStaff{New: true, Staff: desk.Staff{
		Account: "ana", Name: "Ana", PublicName: "Ana", Role: desk.RoleLead, Departments: []string{"reference"},
	}}})
	open := []desk.Interval{{From: desk.At(time.Now().Add(-time.Hour)), To: desk.At(time.Now().Add(time.Hour))}}
	d.do(leader, desk.Request{Actor: admin(), Command: &desk.SetCalendar{Calendar: desk.Calendar{Department: "reference", Open: open}}})
	session := "session-of-ana-0123456789"
	d.do(leader, desk.Request{Actor: d.nodes[leader].self(), Command: &desk.OpenSession{ID: session, Account: "ana", Door: "xmpp", Node: leader, Resource: "r"}})
	ana := desk.StaffActor("ana", session)
	d.do(leader, desk.Request{Actor: ana, Command: &desk.SetShow{ID: session, Show: desk.ShowOnline}})
	patron := desk.PatronActor(strings.Repeat("ab", 32))
	chat := d.do(leader, desk.Request{Actor: patron, Command: &desk.OpenChat{ID: "1", Department: "reference", Question: "I am the " + word + " of the house.", Node: leader}}).Chat
	d.agree()
	holds := func(id string) []string {
		places, err := d.nodes[id].Holds(t.Context(), strings.ToLower(word))
		if err != nil {
			t.Fatal(err)
		}
		return places
	}
	for _, id := range d.ids {
		if len(holds(id)) < 3 { // log, records, database
			t.Errorf("before: %s finds it in %v", id, holds(id))
		}
	}
	d.do(leader, desk.Request{Actor: ana, Command: &desk.ClaimChat{Chat: chat}})
	d.do(leader, desk.Request{Actor: ana, Command: &desk.RedactLine{Chat: chat, Word: word}})
	for _, id := range d.ids {
		d.until("the word is gone from "+id, func() bool { return len(holds(id)) == 0 })
	}
	d.do(leader, setting("after", "x"))
	d.agree()
	for _, id := range d.ids {
		d.kill(id)
	}
	for _, id := range d.ids {
		d.open(id)
	}
	d.ready()
	d.agree()
	d.proved(d.leader())
}
