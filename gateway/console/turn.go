// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"refdesk/cluster/desk"
)

// liveFor is how old a delayed message may be and still count as typed now (3-staff, "Claim, delay").
const liveFor = 60 * time.Second

// turn is the handling of one input.
type turn struct {
	c   *Console
	ctx context.Context
	in  Input
	now desk.Time // the door's clock; the leader's stamp once a command was done
}

// ask is a command as it was asked for, typed or filled in.
type ask struct {
	row   *command
	chat  uint64   // the chat meant, 0 = none was named
	rest  string   // arguments as typed, without the chat
	items []string // tags or a target chosen in a form; nil = read rest
	force bool     // close all the same
	form  bool     // it was filled in

	ticket uint64       // the ticket meant; then chat is 0
	bare   bool         // nothing but its number was typed
	fields []desk.Field // closing fields that were filled in
}

// number is the chat or the ticket that a command is about.
func (a ask) number() uint64 { return a.chat + a.ticket }

func (t *turn) me() string { return t.in.Actor.ID }
func (t *turn) bot() bool  { return t.in.Place.bot() }

// view reads. What the actor may not read is handled by f; other refusals come back as errors.
func (t *turn) view(f func(desk.Reader) error) error {
	return t.c.store.View(t.ctx, t.in.Actor, f)
}

// do proposes the command with the stanza's key. A refusal is no error.
func (t *turn) do(x desk.Command) (desk.Reply, *desk.Error, error) { return t.propose(x, t.in.Key) }

func (t *turn) propose(x desk.Command, key desk.Key) (desk.Reply, *desk.Error, error) {
	reply, err := t.c.store.Do(t.ctx, desk.Request{Actor: t.in.Actor, Key: key, Command: x})
	if reply.At != 0 {
		t.now = reply.At
	}
	if refused := refusal(err); refused != nil {
		return desk.Reply{}, refused, nil
	}
	return reply, nil, err
}

// refusal is the desk's "no" in an error; nil for those that leave the outcome open.
func refusal(err error) *desk.Error {
	var refused *desk.Error
	if !errors.As(err, &refused) {
		return nil
	}
	switch refused.Code {
	case desk.NoQuorum, desk.Stopping, desk.TooOld:
		return nil
	}
	return refused
}

// settle turns a refusal that nobody put into words into an answer.
func (t *turn) settle(a Answer, err error) (Answer, error) {
	refused := refusal(err)
	if err == nil || refused == nil {
		if err != nil {
			return Answer{}, err
		}
		return a, nil
	}
	return t.refused(refused, doing{})
}

// tell is an answer that only says something.
func (t *turn) tell(format string, args ...any) (Answer, error) {
	return Answer{Text: fmt.Sprintf(format, args...), Chat: t.in.Place.Chat, Ticket: t.in.Place.Ticket}, nil
}

// refused puts a refusal into words.
func (t *turn) refused(refused *desk.Error, d doing) (Answer, error) {
	a := Answer{Refused: refused, Chat: d.chat, Ticket: d.ticket, Command: d.command}
	if a.Chat == 0 && a.Ticket == 0 {
		a.Chat, a.Ticket = t.in.Place.Chat, t.in.Place.Ticket
	}
	if refused.Code == desk.Conflict && refused.Field == "key" {
		a.Text = doneBefore
		return a, nil
	}
	d.me, d.place = t.me(), t.in.Place
	err := t.view(func(r desk.Reader) error {
		a.Text = d.sentence(r, refused, t.now)
		return nil
	})
	if refusal(err) != nil { // not even that may be read
		a.Text, err = "You may not do that here; nothing was done.", nil
	}
	return a, err
}

// chatIn reads a chat with its department; both are nil where there is none that the actor may read.
func (t *turn) chatIn(r desk.Reader, number uint64) (*desk.Chat, *desk.Department, error) {
	if number == 0 {
		return nil, nil, nil
	}
	h, err := r.Chat(number)
	if err != nil {
		return nil, nil, missing(err)
	}
	d, err := r.Department(h.Department)
	return h, d, missing(err)
}

// ticketIn reads a ticket with its department; both are nil where there is none that the actor may read.
func (t *turn) ticketIn(r desk.Reader, number uint64) (*desk.Ticket, *desk.Department, error) {
	if number == 0 {
		return nil, nil, nil
	}
	k, err := r.Ticket(number)
	if err != nil {
		return nil, nil, missing(err)
	}
	d, err := r.Department(k.Department)
	return k, d, missing(err)
}

// ticket reads a ticket outside a view.
func (t *turn) ticket(number uint64) (k *desk.Ticket, d *desk.Department, err error) {
	err = t.view(func(r desk.Reader) error {
		k, d, err = t.ticketIn(r, number)
		return err
	})
	return k, d, err
}

// missing drops the error that says "there is none that you may read".
func missing(err error) error {
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) || errors.Is(err, &desk.Error{Code: desk.NotAllowed}) {
		return nil
	}
	return err
}

// chat reads a chat outside a view.
func (t *turn) chat(number uint64) (h *desk.Chat, d *desk.Department, err error) {
	err = t.view(func(r desk.Reader) error {
		h, d, err = t.chatIn(r, number)
		return err
	})
	return h, d, err
}

// list returns the newest list of this place if it can still be answered.
func (t *turn) list() (*numbered, error) {
	age := 10 * time.Minute
	err := t.view(func(r desk.Reader) error {
		d, err := r.Clock(desk.ClockList)
		if err == nil {
			age = d
		}
		return err
	})
	return t.c.lists.newest(t.me(), t.in.Place, t.now, age), err
}

// keep makes a list the newest of this place and shows it.
func (t *turn) keep(l *numbered) string {
	l.at = t.c.now()
	t.c.lists.keep(t.me(), t.in.Place, l)
	return l.String()
}

// word shows how a command is typed here: "!join" at a chat, "join 42" at the bot.
func (t *turn) word(command string, chat uint64) string { return wordAt(t.in.Place, command, chat) }

func wordAt(place Place, command string, chat uint64) string {
	if !place.bot() {
		command = "!" + command
	}
	if chat == 0 || chat == place.number() {
		return command
	}
	return fmt.Sprintf("%s %d", command, chat)
}
