// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
)

// mostAtOnce is how many chats or tickets one press of a button may change.
const mostAtOnce = 100

// chosen are the numbers that a form's boxes were ticked for. What is no number names nothing.
func chosen(values []string) (out []uint64) {
	for _, v := range values {
		if n, err := strconv.ParseUint(v, 10, 53); err == nil && n != 0 && len(out) < mostAtOnce {
			out = append(out, n)
		}
	}
	return out
}

// each commits one command for every number, each under a key of its own, so that a second press does nothing twice. It
// says for how many that was refused; what is no refusal ends it.
func (d *Door) each(r *http.Request, who *Who, numbers []uint64, c func(n uint64) desk.Command) (refused int, err error) {
	id := r.PostFormValue("key")
	for _, n := range numbers {
		key := desk.Key{}
		if goodID(id) && len(id) <= 40 {
			key = desk.Key{Kind: desk.KeyWeb, Principal: who.Session, ID: id + "-" + strconv.FormatUint(n, 10)}
		}
		_, err := d.do(r.Context(), who.Actor, key, c(n))
		if refusal(err, desk.NotFound, desk.NotAllowed, desk.Conflict, desk.Over) != nil {
			refused++
			continue
		}
		if err != nil {
			return refused, err
		}
	}
	return refused, nil
}

// some counts things in words: "1 ticket", "3 tickets".
func some(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// bulkDone says what a bulk action did.
func (d *Door) bulkDone(w http.ResponseWriter, r *http.Request, to string, done, refused int, thing, what string) error {
	text := some(done, thing) + " " + what
	switch {
	case done+refused == 0:
		d.warn(w, r, "Nothing was chosen: tick the boxes first.")
	case refused == 0:
		d.say(w, r, text+".")
	case done == 0:
		d.warn(w, r, "Nothing was changed: somebody else was first.")
	default:
		d.warn(w, r, fmt.Sprintf("%s; %d not: somebody else was first there.", text, refused))
	}
	redirect(w, r, to)
	return nil
}

// missedBulk is POST /missed/dismiss: nobody needs to follow the chosen ones up, and why.
func (d *Door) missedBulk(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	numbers, why := chosen(r.PostForm["chat"]), oneLine(r.PostFormValue("why"))
	if why == "" && len(numbers) > 0 {
		d.warn(w, r, "Nothing was changed: say why nobody needs to follow them up.")
		redirect(w, r, "/missed")
		return nil
	}
	refused, err := d.each(r, who, numbers, func(n uint64) desk.Command { return &desk.DismissChat{Chat: n, Why: why} })
	if e := refusal(err, desk.Invalid); e != nil {
		d.warn(w, r, "Nothing was changed: the reason is longer than 500 characters.")
		redirect(w, r, "/missed")
		return nil
	}
	if err != nil {
		return err
	}
	return d.bulkDone(w, r, "/missed", len(numbers)-refused, refused, "chat", "off the list; your reason stands in it as a note")
}

// ticketsClose is POST /tickets/close. The list that it leads to can take it back.
func (d *Door) ticketsClose(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	before, err := d.openOnes(r.Context(), who, chosen(r.PostForm["ticket"]))
	if err != nil {
		return err
	}
	numbers := make([]uint64, 0, len(before))
	words := make([]string, 0, len(before))
	for _, t := range before {
		numbers = append(numbers, t.Number)
		words = append(words, strconv.FormatUint(t.Number, 10)+"."+string(t.State))
	}
	refused, err := d.each(r, who, numbers, func(n uint64) desk.Command {
		return &desk.SetTicketState{Ticket: n, State: desk.TicketClosed}
	})
	if err != nil {
		return err
	}
	to := ownPath(r.PostFormValue("back"))
	if u, err := url.Parse(to); err == nil && u.Path == "/tickets" && len(words) > 0 {
		q := u.Query()
		q.Set("undo", strings.Join(words, ","))
		to = "/tickets?" + q.Encode()
	} else {
		to = "/tickets"
	}
	return d.bulkDone(w, r, to, len(numbers)-refused, refused, "ticket", "closed")
}

// openOnes reads the tickets among the chosen that are not closed and that the person may read.
func (d *Door) openOnes(ctx context.Context, who *Who, numbers []uint64) (out []*desk.Ticket, err error) {
	err = d.view(ctx, who.Actor, func(rd desk.Reader) error {
		for _, n := range numbers {
			t, err := rd.Ticket(n)
			if ignoreMissing(err) != nil {
				return err
			}
			if t != nil && t.Number == n && t.State != desk.TicketClosed {
				out = append(out, t)
			}
		}
		return nil
	})
	return out, err
}

// ticketsRestore is POST /tickets/restore: what a bulk action has closed is again as it was.
func (d *Door) ticketsRestore(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	was := undoList(r.PostFormValue("undo"))
	numbers := make([]uint64, 0, len(was))
	states := make(map[uint64]desk.TicketState, len(was))
	for _, t := range was {
		numbers = append(numbers, t.Number)
		states[t.Number] = t.State
	}
	refused, err := d.each(r, who, numbers, func(n uint64) desk.Command {
		return &desk.SetTicketState{Ticket: n, State: states[n]}
	})
	if err != nil {
		return err
	}
	return d.bulkDone(w, r, "/tickets", len(numbers)-refused, refused, "ticket", "as before")
}

// undoList reads what a bulk action closed: "57.open,58.new". What doesn't fit is left out.
func undoList(s string) (out []desk.Ticket) {
	if len(s) > 32*mostAtOnce {
		return nil
	}
	for word := range strings.SplitSeq(s, ",") {
		number, state, _ := strings.Cut(word, ".")
		n, err := strconv.ParseUint(number, 10, 53)
		switch st := desk.TicketState(state); st {
		case desk.TicketNew, desk.TicketOpen, desk.TicketPending:
			if err == nil && n != 0 && len(out) < mostAtOnce {
				out = append(out, desk.Ticket{Number: n, State: st})
			}
		}
	}
	return out
}
