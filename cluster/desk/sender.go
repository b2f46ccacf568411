// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"slices"
	"time"
)

// The brakes on automatic mail (5-mail, §4).
const (
	floodMails  = 20 // more mails of one sender within floodTime are a flood
	floodTime   = 10 * time.Minute
	sameBodies  = 3 // this many equal ones within sameTime are a loop
	sameTime    = time.Hour
	senderLife  = 24 * time.Hour
	senderMails = 24 // how many of a sender's mails are remembered
)

// sender is what an address lately sent and was sent by itself.
type sender struct {
	Email string // lower case
	Mails []sentMail
	Acks  []Time
	Flood uint64 // the ticket that holds the flood
	Last  Time
}

type sentMail struct {
	At   Time
	Body string
}

const senderTable Table = "sender"

func (f *sender) table() Table     { return senderTable }
func (f *sender) key() key         { return key("").word(f.Email) }
func (f *sender) entries() []Entry { return []Entry{{byTime, string(key("").num(uint64(f.Last)))}} }

func (f *sender) code(c *coder) {
	c.str(&f.Email)
	list(c, &f.Mails, func(c *coder, m *sentMail) {
		c.time(&m.At)
		c.str(&m.Body)
	})
	list(c, &f.Acks, (*coder).time)
	c.u64(&f.Flood)
	c.time(&f.Last)
}

func (s *state) sender(email string) *sender {
	f := &sender{Email: lower(email)}
	if known := get[sender](s, f.key()); known != nil {
		f = known
	}
	f.Last = s.now
	return f
}

// mailFrom notes a mail of a sender: flood if there are too many, calm unless it looks like a loop.
func (s *state) mailFrom(x *IngestMail) (flood, calm bool) {
	f := s.sender(x.From)
	f.Mails = append(f.Mails, sentMail{At: s.now, Body: x.BodyHash})
	if n := len(f.Mails); n > senderMails {
		f.Mails = slices.Clone(f.Mails[n-senderMails:])
	}
	lately, same := 0, 0
	for _, m := range f.Mails {
		if s.now.Sub(m.At) < floodTime {
			lately++
		}
		if x.BodyHash != "" && m.Body == x.BodyHash && s.now.Sub(m.At) < sameTime {
			same++
		}
	}
	put(s, f)
	return lately > floodMails, same < sameBodies
}

// floodTicket is the ticket that a sender's flood goes to, as long as it lasts.
func (s *state) floodTicket(email string) *Ticket {
	n := s.sender(email).Flood
	if n == 0 {
		return nil
	}
	return s.followed(n)
}

func (s *state) setFloodTicket(email string, number uint64) {
	f := s.sender(email)
	f.Flood = number
	put(s, f)
}

// brake allows one more automatic mail to an address, and counts it.
func (s *state) brake(email string, hourly, daily int) bool {
	f := s.sender(email)
	f.Acks = slices.DeleteFunc(slices.Clone(f.Acks), func(at Time) bool { return s.now.Sub(at) >= senderLife })
	lately := 0
	for _, at := range f.Acks {
		if s.now.Sub(at) < time.Hour {
			lately++
		}
	}
	if lately >= hourly || len(f.Acks) >= daily {
		return false
	}
	f.Acks = append(f.Acks, s.now)
	put(s, f)
	return true
}
