// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"strings"
	"time"
)

// Clock names one of the desk's time limits.
type Clock uint8

// The clocks. Clocks tells their names and defaults; a Setting "clock.NAME" changes one.
const (
	ClockTyping        Clock = iota // typing hint fades
	ClockTabHidden                  // "tab hidden" is shown
	ClockDetach                     // a patron's stream ended → detached
	ClockPoll                       // a patron's last call → detached
	ClockGone                       // detached → gone
	ClockResumable                  // an ended chat may be continued by its patron
	ClockRingAck                    // ring not received → session counts as lost
	ClockRingRepeat                 // ring is repeated
	ClockRingBackup                 // backups ring
	ClockClaimDeadline              // everyone rings
	ClockStreamResume               // stream resumption
	ClockOperatorGrace              // operator unseen → the patron is told
	ClockRering                     // operator unseen → the chat rings again
	ClockTransfer                   // a transfer unanswered lapses
	ClockNodeDown                   // a silent node is down
	ClockList                       // a numbered list can be answered
	ClockInvite                     // an invitation holds
	ClockAutoAway                   // away without a status text still counts as available
	ClockHeld                       // held text can be sent
	ClockReopen                     // a patron's line reopens a chat that staff closed
	ClockSilentTold                 // patron silent → the owner is told
	ClockSilentWarned               // patron silent → the page asks
	ClockSilentEnded                // patron silent → the chat ends
	ClockMissedAgain                // the missed list is told again
	ClockUndo                       // a doing can be taken back
	ClockAddress                    // a ticket waits for its chat's patron to give an address
	ClockMailHold                   // an answer by mail can be taken back
	clockCount
)

// ClockInfo is one row of the table of clocks.
type ClockInfo struct {
	Clock   Clock
	Name    string
	Default time.Duration
}

// Clocks is the table of clocks, in the order of the constants.
func Clocks() []ClockInfo {
	return []ClockInfo{
		{ClockTyping, "typing", 8 * time.Second},
		{ClockTabHidden, "tab_hidden", 30 * time.Second},
		{ClockDetach, "patron_detached", 5 * time.Second},
		{ClockPoll, "patron_polled", 45 * time.Second},
		{ClockGone, "patron_gone", 90 * time.Second},
		{ClockResumable, "patron_resumable", 30 * time.Minute},
		{ClockRingAck, "ring_ack", 5 * time.Second},
		{ClockRingRepeat, "ring_repeat", 20 * time.Second},
		{ClockRingBackup, "ring_backup", 40 * time.Second},
		{ClockClaimDeadline, "claim_deadline", 60 * time.Second},
		{ClockStreamResume, "stream_resumption", 300 * time.Second},
		{ClockOperatorGrace, "operator_grace", 60 * time.Second},
		{ClockRering, "operator_rering", 180 * time.Second},
		{ClockTransfer, "transfer", 60 * time.Second},
		{ClockNodeDown, "node_down", 3 * time.Second},
		{ClockList, "list", 10 * time.Minute},
		{ClockInvite, "invite", 7 * 24 * time.Hour},
		{ClockAutoAway, "auto_away", 30 * time.Minute},
		{ClockHeld, "held", 10 * time.Minute},
		{ClockReopen, "reopen", 2 * time.Minute},
		{ClockAddress, "ticket_address", 30 * time.Minute},
		{ClockMailHold, "mail_hold", 60 * time.Second},
		{ClockSilentTold, "silent_told", 5 * time.Minute},
		{ClockSilentWarned, "silent_warned", 10 * time.Minute},
		{ClockSilentEnded, "silent_ended", 15 * time.Minute},
		{ClockMissedAgain, "missed_again", time.Hour},
		{ClockUndo, "undo", 60 * time.Second},
	}
}

// clockTable holds the value of each clock.
type clockTable [clockCount]time.Duration

const clockPrefix = "clock."

// loadClocks reads the table of clocks with the desk's settings.
func loadClocks(src Source) (*clockTable, error) {
	var t clockTable
	for _, i := range Clocks() {
		t[i.Clock] = i.Default
	}
	set, err := scan[Setting](src, Range{Prefix: clockPrefix})
	for _, x := range set {
		for _, i := range Clocks() {
			if d, err := time.ParseDuration(x.Value); clockPrefix+i.Name == x.Name && err == nil {
				t[i.Clock] = d
			}
		}
	}
	return &t, err
}

func (s *state) clockTable() *clockTable {
	if s.clocks == nil {
		t, err := loadClocks(s.tx)
		s.fail(err)
		s.clocks = t
	}
	return s.clocks
}

func (s *state) clock(c Clock) time.Duration { return s.clockTable()[c] }

// Setting is a value of the desk as a whole: "clock.NAME" (a duration), "desk.name".
type Setting struct{ Name, Value string }

const settingTable Table = "setting"

func (x *Setting) table() Table     { return settingTable }
func (x *Setting) key() key         { return key(x.Name) }
func (x *Setting) entries() []Entry { return nil }

func (x *Setting) code(c *coder) {
	c.str(&x.Name)
	c.str(&x.Value)
}

// SetSetting changes a setting; an empty value takes it back to its default.
type SetSetting struct{ Setting Setting }

// CommandName is the word for the command in the log.
func (*SetSetting) CommandName() string { return "SetSetting" }

func (x *SetSetting) code(c *coder) { x.Setting.code(c) }

func (x *SetSetting) apply(s *state) error {
	if err := s.may(ManageDesk, Object{}); err != nil {
		return err
	}
	v := x.Setting
	if !plain(v.Name, 64) || checkShort(v.Value, "value", 1000) != nil {
		return refuseField(Invalid, "setting")
	}
	if clock, ok := strings.CutPrefix(v.Name, clockPrefix); ok && v.Value != "" {
		known := slices.ContainsFunc(Clocks(), func(i ClockInfo) bool { return i.Name == clock })
		if d, err := time.ParseDuration(v.Value); err != nil || d <= 0 || !known {
			return refuseField(Invalid, v.Name)
		}
	}
	if v.Value == "" {
		remove(s, &v)
	} else {
		put(s, &v)
	}
	s.emit(Event{Kind: SettingChanged, Value: v.Name})
	return nil
}
