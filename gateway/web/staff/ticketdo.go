// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
)

// change commits what one of a ticket's forms asks for, and leads back to it.
func (d *Door) change(w http.ResponseWriter, r *http.Request, who *Who, text string, c func(ticket uint64) desk.Command) error {
	n, err := pathNumber(r, "ticket")
	if err != nil {
		return err
	}
	_, err = d.submit(r, who, c(n))
	return d.ticketDone(w, r, n, text, err)
}

// ticketReply is POST /tickets/{ticket}/reply: an answer by mail. What came from the person's draft replaces it.
func (d *Door) ticketReply(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "ticket")
	if err != nil {
		return err
	}
	text := block(r.PostFormValue("text"))
	reply, err := d.submit(r, who, &desk.ReplyTicket{
		Ticket: n, Text: text, Cc: addresses(r.PostFormValue("cc")), State: desk.TicketState(r.PostFormValue("state")),
	})
	if err == nil && r.PostFormValue("drafted") != "" && !reply.Again {
		// The answer is on its way; a draft that stays is only in the way.
		if _, derr := d.do(r.Context(), who.Actor, desk.Key{}, &desk.DraftDrop{Ticket: n}); derr != nil && ignoreMissing(derr) != nil {
			d.log.InfoContext(r.Context(), "draft not dropped", "err", derr)
		}
	}
	return d.ticketDone(w, r, n, "Your answer is on its way. «Take it back» works for a moment.", err)
}

// addresses splits a list of addresses as people type it.
func addresses(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ';' || c == ' ' || c == '\n' || c == '\r' || c == '\t' })
}

// ticketNote is POST /tickets/{ticket}/note.
func (d *Door) ticketNote(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.change(w, r, who, "Noted. Only staff see it.", func(n uint64) desk.Command {
		return &desk.NoteTicket{Ticket: n, Text: block(r.PostFormValue("text"))}
	})
}

// ticketAssign is POST /tickets/{ticket}/assign: to a person, a department, or both; nobody stands for itself.
func (d *Door) ticketAssign(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "ticket")
	if err != nil {
		return err
	}
	to, department := r.PostFormValue("to"), r.PostFormValue("department")
	_, err = d.submit(r, who, &desk.AssignTicket{
		Ticket: n, To: to, Department: department, Why: block(r.PostFormValue("why")),
	})
	if err != nil {
		return d.ticketDone(w, r, n, "", err)
	}
	// Who gives a ticket to another department may not read it any more.
	readable := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		_, err := rd.Ticket(n)
		return err
	}) == nil
	if !readable {
		return d.done(w, r, "/tickets", fmt.Sprintf("Ticket %d is with the other department now.", n))
	}
	return d.done(w, r, ticketURL(n), "The ticket was handed on.")
}

// ticketState is POST /tickets/{ticket}/state.
func (d *Door) ticketState(w http.ResponseWriter, r *http.Request, who *Who) error {
	state := desk.TicketState(r.PostFormValue("state"))
	return d.change(w, r, who, "The ticket is "+firstWords(string(state), 20)+" now.", func(n uint64) desk.Command {
		return &desk.SetTicketState{Ticket: n, State: state}
	})
}

// ticketTags is POST /tickets/{ticket}/tags.
func (d *Door) ticketTags(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	var on, off []string
	for _, t := range append(r.PostForm["tag"], eachLine(r.PostFormValue("tags"))...) {
		if t = oneLine(t); t != "" {
			on = append(on, t)
		}
	}
	if t := r.PostFormValue("untag"); t != "" {
		off = append(off, t)
	}
	return d.change(w, r, who, "The tags are changed.", func(n uint64) desk.Command {
		return &desk.TagTicket{Ticket: n, Tags: on, Untag: off}
	})
}

// ticketSubject is POST /tickets/{ticket}/subject.
func (d *Door) ticketSubject(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.change(w, r, who, "The subject is changed.", func(n uint64) desk.Command {
		return &desk.SetTicketSubject{Ticket: n, Subject: oneLine(r.PostFormValue("subject"))}
	})
}

// ticketRequester is POST /tickets/{ticket}/requester: who asked, and who else gets the answers.
func (d *Door) ticketRequester(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	return d.change(w, r, who, "Who gets the answers is changed.", func(n uint64) desk.Command {
		return &desk.SetTicketRequester{
			Ticket: n, Name: oneLine(r.PostFormValue("name")), Email: oneLine(r.PostFormValue("email")),
			Cc: addresses(r.PostFormValue("cc")), Uncc: r.PostForm["uncc"],
		}
	})
}

// ticketMerge is POST /tickets/{ticket}/merge: it goes on in another.
func (d *Door) ticketMerge(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "ticket")
	if err != nil {
		return err
	}
	into, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(r.PostFormValue("into")), "#"), 10, 53)
	if err != nil || into == 0 {
		d.warn(w, r, "Not merged: the number of the other ticket is missing.")
		redirect(w, r, ticketURL(n))
		return nil
	}
	reply, err := d.submit(r, who, &desk.MergeTickets{Ticket: n, Into: into})
	if e := refusal(err, desk.NotFound); e != nil {
		d.warn(w, r, fmt.Sprintf("Not merged: there is no ticket %d that you may answer.", into))
		redirect(w, r, ticketURL(n))
		return nil
	}
	if err != nil {
		return d.ticketDone(w, r, n, "", err)
	}
	return d.done(w, r, ticketURL(reply.Ticket), fmt.Sprintf("Ticket %d goes on here.", n))
}

// ticketDraft is POST /tickets/{ticket}/draft: the person's draft is thrown away.
func (d *Door) ticketDraft(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.change(w, r, who, "Your draft is gone.", func(n uint64) desk.Command { return &desk.DraftDrop{Ticket: n} })
}

// ticketEntry is POST /tickets/{ticket}/entries/{entry}/{what}: admit, undo or resend one entry. The ticket is the one
// that the entry was made in.
func (d *Door) ticketEntry(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "ticket")
	if err != nil {
		return err
	}
	e, err := pathNumber(r, "entry")
	if err != nil {
		return err
	}
	var c desk.Command
	text := ""
	switch r.PathValue("what") {
	case "admit":
		c, text = &desk.AdmitEntry{Ticket: n, Entry: e}, "The mail is taken in; its sender has a part in the ticket now."
	case "undo":
		c, text = &desk.UndoReply{Ticket: n, Entry: e}, "Your answer was taken back. Its text is your draft again."
	case "resend":
		c, text = &desk.ResendEntry{Ticket: n, Entry: e}, "The mail is sent again."
	default:
		return &desk.Error{Code: desk.NotFound}
	}
	_, err = d.submit(r, who, c)
	return d.ticketDone(w, r, n, text, err)
}
