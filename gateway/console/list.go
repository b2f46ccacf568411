// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"refdesk/cluster/desk"
)

// listKind says what a numbered list holds.
type listKind uint8

const (
	menuList   listKind = iota // commands
	tagList                    // tags
	toList                     // colleagues and departments
	faqList                    // FAQs
	cannedList                 // canned replies
)

// entry is one line of a numbered list.
type entry struct {
	label string // as shown behind its number
	run   string // the command that "!N" runs, as it would be typed, without mark; "" = it can't be run so
	say   string // what "!N" answers when run is ""
	value string // what a number stands for as argument: a tag, an account, "#department"
	more  string // what follows value when "!N" runs it
	named bool   // run names its chat or ticket, also away from the bot
	open  bool   // run shows what it names, as a bare number does
}

// numbered is a list that can be answered.
type numbered struct {
	kind    listKind
	chat    uint64
	entries []entry
	at      desk.Time
}

// String shows the list, one entry a line.
func (l *numbered) String() string {
	var b strings.Builder
	for i, e := range l.entries {
		fmt.Fprintf(&b, "\n%d  %s", i+1, e.label)
	}
	return b.String()
}

// shelf keeps the newest list of each account and place, at most a fixed number of them.
type shelf struct {
	mu   sync.Mutex
	most int
	rows map[spot]*numbered
}

type spot struct {
	account string
	place   Place
}

func newShelf(most int) *shelf {
	if most <= 0 {
		most = 4096
	}
	return &shelf{most: most, rows: map[spot]*numbered{}}
}

// keep makes l the newest list of a place; with too many lists the oldest goes.
func (s *shelf) keep(account string, place Place, l *numbered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[spot{account, place}] = l
	if len(s.rows) <= s.most {
		return
	}
	var oldest spot
	for at, l := range s.rows {
		if o := s.rows[oldest]; o == nil || l.at < o.at {
			oldest = at
		}
	}
	delete(s.rows, oldest)
}

// newest returns a place's list if it is no older than age.
func (s *shelf) newest(account string, place Place, now desk.Time, age time.Duration) *numbered {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.rows[spot{account, place}]
	if l == nil || now.Sub(l.at) > age {
		return nil
	}
	return l
}
