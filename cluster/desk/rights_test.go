// SPDX-License-Identifier: Apache-2.0

package desk

import "testing"

// TestRights holds Can to a table: action × role × whether the chat is of the own department, of a foreign one, or one's own.
func TestRights(t *testing.T) {
	type place struct {
		name   string
		object Object
	}
	places := []place{
		{"own department", Object{Crew: []string{"reference"}, Owner: "ben"}},
		{"foreign department", Object{Crew: []string{"digital"}, Owner: "ben"}},
		{"own chat", Object{Crew: []string{"reference"}, Owner: "ana"}},
		{"joined", Object{Crew: []string{"digital"}, Owner: "ben", Joined: []string{"ana"}}},
		{"offered", Object{Crew: []string{"digital"}, Owner: "ben", To: "ana"}},
	}
	// One letter a role: v t o l a. A capital may, a small letter may not.
	want := map[Action][]string{
		ReadPublic:    {"VTOLA", "VTOLA", "VTOLA", "VTOLA", "VTOLA"},
		ReadOwnChat:   {"vtola", "vtola", "vtola", "vtola", "vtola"},
		WriteOwnChat:  {"vtola", "vtola", "vtola", "vtola", "vtola"},
		ReadChat:      {"vtOLA", "vtolA", "VTOLA", "VTOLA", "VTOLA"},
		ClaimWaiting:  {"vTOLA", "vtolA", "vTOLA", "vtolA", "vtolA"},
		HandleChat:    {"vtola", "vtola", "vTOLA", "vtola", "vtola"},
		SpeakInChat:   {"vtola", "vtola", "vTOLA", "vTOLA", "vtola"},
		AnnotateChat:  {"vtOLA", "vtolA", "VTOLA", "VTOLA", "VTOLA"},
		AnswerOffer:   {"vtola", "vtola", "vtola", "vtola", "vTOLA"},
		ReadMissed:    {"vtOLA", "vtOLA", "vtOLA", "vtOLA", "vtOLA"},
		ReadTicket:    {"vtOLA", "vtolA", "vtOLA", "vtolA", "vtolA"},
		HandleTicket:  {"vtOLA", "vtolA", "vtOLA", "vtolA", "vtolA"},
		OpenTickets:   {"vtOLA", "vtOLA", "vtOLA", "vtOLA", "vtOLA"},
		WriteFAQ:      {"vtoLA", "vtoLA", "vtoLA", "vtoLA", "vtoLA"},
		WriteCanned:   {"vtolA", "vtolA", "vTOLA", "vtolA", "vtolA"},
		MessageStaff:  {"VTOLA", "VTOLA", "VTOLA", "VTOLA", "VTOLA"},
		ReadDirectory: {"VTOLA", "VTOLA", "VTOLA", "VTOLA", "VTOLA"},
		OwnAccount:    {"vtolA", "vtolA", "VTOLA", "vtolA", "vtolA"},
		ManageStaff:   {"vtolA", "vtolA", "vtolA", "vtolA", "vtolA"},
		ManageDesk:    {"vtolA", "vtolA", "vtolA", "vtolA", "vtolA"},
		RunNode:       {"vtola", "vtola", "vtola", "vtola", "vtola"},
		ReadAll:       {"vtola", "vtola", "vtola", "vtola", "vtola"},
	}
	for action := ReadPublic; action <= ReadAll; action++ {
		rows, ok := want[action]
		if !ok {
			t.Fatalf("action %d is not in the table", action)
		}
		for i, p := range places {
			for j, letter := range rows[i] {
				who := Who{Actor: StaffActor("ana", ""), Role: Role(j + 1), Departments: []string{"reference"}}
				if may := letter < 'a'; Can(who, action, p.object) != may {
					t.Errorf("action %d, %s, %s: may is %v, want %v", action, who.Role, p.name, !may, may)
				}
				who.Disabled = true
				if Can(who, action, p.object) {
					t.Errorf("action %d: a disabled %s may", action, who.Role)
				}
			}
		}
		patron := Who{Actor: PatronActor("p1")}
		own := action == ReadOwnChat || action == WriteOwnChat
		if got := Can(patron, action, Object{Token: "p1"}); got != (own || action == ReadPublic) {
			t.Errorf("action %d: the patron's own chat: %v", action, got)
		}
		if got := Can(patron, action, Object{Token: "p2"}); got != (action == ReadPublic) {
			t.Errorf("action %d: a foreign patron's chat: %v", action, got)
		}
		if got := Can(Who{}, action, Object{}); got != (action == ReadPublic) {
			t.Errorf("action %d: nobody: %v", action, got)
		}
	}
}
