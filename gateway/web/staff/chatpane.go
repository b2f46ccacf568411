// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
)

// chatData is a chat as a page of its own: with its transcript, what can be done with it, and a box to write in.
type chatData struct {
	Head   *head
	First  []command // what is done most
	More   []command // what else can be done
	Lines  []chatLine
	Opened moment
	Ended  moment
	Waited string
	Got    uint64 // seq of the last line on the page
	Left   uint64 // lines before those on the page
}

// chatLine is a line as the page shows it.
type chatLine struct {
	line
	Time moment
	Who  string
}

// pathNumber reads a number of the path. What is none names nothing.
func pathNumber(r *http.Request, name string) (uint64, error) {
	n, err := strconv.ParseUint(r.PathValue(name), 10, 53)
	if err != nil || n == 0 {
		return 0, &desk.Error{Code: desk.NotFound, Field: name}
	}
	return n, nil
}

func chatURL(chat uint64) string { return "/chats/" + strconv.FormatUint(chat, 10) }

// chatPage is GET /chats/{chat}: the transcript of a chat, and all that can be done with it.
func (d *Door) chatPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "chat")
	if err != nil {
		return err
	}
	var c chatData
	err = d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		if c.Head, err = readHead(rd, n, who, d.now()); err != nil {
			return err
		}
		lines, err := readLines(rd, n, 0, who.Account)
		for _, l := range lines {
			c.Lines = append(c.Lines, chatLine{line: l, Time: d.moment(desk.Time(l.At)), Who: speaker(l, c.Head)})
			c.Got = max(c.Got, l.Seq)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(c.Lines) > 0 {
		c.Left = c.Lines[0].N - 1
	}
	c.Head.Commands = commandsOf(d.console.Commands(r.Context(), who.Actor, place(n)))
	for _, x := range c.Head.Commands {
		if slices.Contains([]string{"claim", "accept", "decline", "close", "tag", "note", "transfer", "ticket", "faq"}, x.Name) {
			c.First = append(c.First, x)
		} else {
			c.More = append(c.More, x)
		}
	}
	c.Opened, c.Ended = d.moment(desk.Time(c.Head.Opened)), d.moment(desk.Time(c.Head.Ended))
	if c.Head.State == string(desk.Waiting) {
		c.Waited = lasted(d.now().Sub(desk.Time(c.Head.Since)))
	}
	name := c.Head.Who
	if name == "" {
		name = "somebody"
	}
	return d.page(w, r, who, "chat", Page{Title: "Chat " + strconv.FormatUint(n, 10) + ", " + firstWords(name, 60), Data: c})
}

// speaker is who a line is by.
func speaker(l line, h *head) string {
	switch {
	case l.Note && l.Mine:
		return "Your note"
	case l.Note:
		return "Note of " + l.By
	case l.Mine:
		return "You"
	case l.From == string(desk.FromStaff):
		return l.By
	case l.From == string(desk.FromSystem):
		return "Desk"
	case h.Who != "":
		return h.Who
	}
	return "Patron"
}

// chatSay is POST /chats/{chat}/say: what is typed in the box, text or command.
func (d *Door) chatSay(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "chat")
	if err != nil {
		return err
	}
	r, cancel := d.soon(r)
	defer cancel()
	a, err := d.ask(r, n, who, func(in console.Input) (console.Answer, error) {
		in.Body = r.PostFormValue("text")
		return d.console.Handle(r.Context(), in)
	})
	if err != nil {
		return err
	}
	return d.tellAnswer(w, r, a, n)
}

// chatForm is GET /chats/{chat}/do/{command}: the form of a command.
func (d *Door) chatForm(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "chat")
	if err != nil {
		return err
	}
	f, err := d.console.Form(r.Context(), who.Actor, place(n), r.PathValue("command"))
	if err != nil {
		return err
	}
	got, _ := strconv.ParseUint(r.URL.Query().Get("got"), 10, 53)
	return d.page(w, r, who, "do", Page{Title: f.Title, Section: "/board", Data: struct {
		Chat uint64
		Got  uint64
		Form *formView
	}{n, got, shownForm(r.PathValue("command"), f)}})
}

// chatDo is POST /chats/{chat}/do/{command}: the form, filled in.
func (d *Door) chatDo(w http.ResponseWriter, r *http.Request, who *Who) error {
	n, err := pathNumber(r, "chat")
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	values := map[string][]string{}
	for name, v := range r.PostForm {
		if name != "key" && name != "got" {
			values[name] = v
		}
	}
	r, cancel := d.soon(r)
	defer cancel()
	a, err := d.ask(r, n, who, func(in console.Input) (console.Answer, error) {
		return d.console.Submit(r.Context(), in, r.PathValue("command"), values)
	})
	if err != nil {
		return err
	}
	return d.tellAnswer(w, r, a, n)
}

// ask runs something on the console with the key of a form.
func (d *Door) ask(r *http.Request, chat uint64, who *Who, run func(console.Input) (console.Answer, error)) (console.Answer, error) {
	got, _ := strconv.ParseUint(r.PostFormValue("got"), 10, 53)
	a, err := run(console.Input{
		Actor: who.Actor, Key: d.keyOf(r, who), Place: place(chat), ID: r.PostFormValue("key"),
		Got: func(c uint64) uint64 {
			if c == chat {
				return got
			}
			return 0
		},
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = &desk.Error{Code: desk.NoQuorum}
	}
	return a, err
}

// soon bounds the time that a form's commit may take.
func (d *Door) soon(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), d.cfg.CommitWithin)
	return r.WithContext(ctx), cancel
}

// keyOf makes a second press of a form's button harmless.
func (d *Door) keyOf(r *http.Request, who *Who) desk.Key {
	id := r.PostFormValue("key")
	if !goodID(id) {
		return desk.Key{}
	}
	return desk.Key{Kind: desk.KeyWeb, Principal: who.Session, ID: id}
}

// tellAnswer leads back to the chat, or to the list if nothing of it may be read any more, and says what was answered.
func (d *Door) tellAnswer(w http.ResponseWriter, r *http.Request, a console.Answer, chat uint64) error {
	if a.Chat != 0 {
		chat = a.Chat
	}
	switch {
	case a.Text == "":
	case a.Refused != nil || a.Held:
		d.warn(w, r, a.Text)
	default:
		d.say(w, r, a.Text)
	}
	to := chatURL(chat)
	if back := r.PostFormValue("back"); back != "" {
		to = ownPath(back)
	}
	redirect(w, r, to)
	return nil
}
