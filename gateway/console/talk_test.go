// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"refdesk/cluster/desk"
)

// TestTalks runs the conversations of testdata/talks. A talk is who types what where, one doing a line:
//
//	sally: queue                        at the desk's bot
//	sally@1: Good morning!              at chat 1's address; sally@t3 at ticket 3's
//	sally@1 (late 5m): Good morning!    with a delay stamp; also (key K), (got N), (got all), (reply), (id X), (typing)
//	Mia asks reference: How …?          a patron; "Mia is on URL" and "Mia has ADDRESS" before it say more
//	Mia says 1: Thanks!   Mia leaves 1   Mia goes   Mia is back   Mia is here in 1
//	Mia leaves her address in 1: ADDRESS   Mia rates 1 with 4
//	wait 20s   ben connects   ben disconnects   ben goes away   no quorum   quorum
//	sally@1 offers   sally@1 form close   sally@1 fills close tags=a,b force=1
//	sally@1 intro    sally roster 1
//	mail 3 from ADDRESS: text           a patron's mail to ticket 3; "held mail" from somebody new; "mail of 3 goes|fails"
//
// A "desk full" has closing fields, a canned reply, FAQs and a search, too.
//
// Below each stands who was told what: "reads" is the answer, "is told" an event, "gets" a line, "is rung" a ring.
// go test -rewrite writes the files.
func TestTalks(t *testing.T) {
	datadriven.Walk(t, "testdata/talks", func(t *testing.T, path string) {
		w := newTalk(t)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "desk":
				w = newTalk(t)
				if d.HasArg("full") {
					w.fill()
				}
				return ""
			case "talk":
				w.t, w.s.t = t, t
				var out strings.Builder
				w.out = &out
				for line := range strings.Lines(d.Input) {
					w.line(strings.TrimSpace(line))
				}
				return out.String()
			}
			d.Fatalf(t, "unknown directive %q", d.Cmd)
			return ""
		})
	})
}

// talk is a desk and the people at it.
type talk struct {
	t     *testing.T
	s     *deskStore
	c     *Console
	out   *strings.Builder
	seq   uint64
	n     int
	about map[string]*desk.OpenChat // what is known of patrons before they ask
}

func newTalk(t *testing.T) *talk {
	s := newDeskStore(t)
	s.library()
	w := &talk{t: t, s: s, about: map[string]*desk.OpenChat{}}
	w.c = New(s, func() desk.Time { return s.now }, w.options())
	if all := s.events(0); len(all) > 0 {
		w.seq = all[len(all)-1].Seq
	}
	return w
}

func (w *talk) options() Options {
	return Options{
		Address:       func(chat uint64) string { return fmt.Sprintf("c%d@chat.desk.example", chat) },
		TicketAddress: func(ticket uint64) string { return fmt.Sprintf("t%d@chat.desk.example", ticket) },
	}
}

// found answers every search with one chat and one ticket.
type found struct{ hits []FindHit }

func (f found) Find(_ context.Context, _ desk.Actor, query string, _ int) ([]FindHit, error) {
	if strings.Contains(query, "nothing") {
		return nil, nil
	}
	return f.hits, nil
}

// fill gives the desk what the commands that use it need.
func (w *talk) fill() {
	withFields(w.s)
	for _, k := range []desk.Canned{
		{Name: "greeting", Text: "Good morning{name|}, this is {me}."},
		{Name: "hours", Text: "We are open until {until}."},
		{Name: "hold", Text: "One moment, please."},
	} {
		w.s.admin(&desk.SetCanned{Canned: k})
	}
	for _, q := range []desk.FAQ{
		{Slug: "renew", Question: "How do I renew a book?", Answer: "Sign in to **My account** and choose [Renew](https://library.example/renew).", Also: []string{"extend my loan"}, State: desk.FAQPublished},
		{Slug: "fees", Question: "What are late fees?", Answer: "* 20 cents a day\n* `5 euros` at most, also to *renew*", State: desk.FAQPublished},
		{Slug: "secret", Question: "How do I renew the renewals?", Answer: "A draft.", State: desk.FAQDraft},
	} {
		w.s.admin(&desk.SetFAQ{FAQ: q})
	}
	o := w.options()
	o.FAQLink = func(slug string) string { return "https://desk.example/faq/" + slug }
	o.Find = found{[]FindHit{
		{Chat: 1, At: w.s.now.Add(-time.Hour), Heading: "Mia – Reference", Text: "how do I renew a book?"},
		{Ticket: 2, At: w.s.now.Add(-48 * time.Hour), Heading: "Mia – Reference", Text: "old maps"},
	}}
	w.c = New(w.s, func() desk.Time { return w.s.now }, o)
	w.skip()
}

// skip passes by what has happened so far.
func (w *talk) skip() {
	if all := w.s.events(w.seq); len(all) > 0 {
		w.seq = all[len(all)-1].Seq
	}
}

var (
	typedLine  = regexp.MustCompile(`^([a-z]+)(?:@(t?\d+))?(?: \(([^)]*)\))?: (.*)$`)
	askedLine  = regexp.MustCompile(`^([a-z]+)(?:@(t?\d+))? (offers|form|fills|intro|roster)(?: (.*))?$`)
	patronLine = regexp.MustCompile(`^([A-Z][a-z]*) (asks|says|leaves her address in|leaves|goes|has|is back|is here in|rates)(?: ([^:]*?))?(?: with (\d))?(?:: (.*))?$`)
	pageLine   = regexp.MustCompile(`^([A-Z][a-z]*) is on (\S+)$`)
	mailLine   = regexp.MustCompile(`^(mail|held mail) (\d+) from (\S+): (.*)$`)
	wentLine   = regexp.MustCompile(`^mail of (\d+) (goes|fails)$`)
	staffLine  = regexp.MustCompile(`^([a-z]+) (connects|disconnects|goes away)$`)
)

func (w *talk) line(line string) {
	if line == "" || strings.HasPrefix(line, "#") {
		fmt.Fprintln(w.out, line)
		return
	}
	fmt.Fprintln(w.out, line)
	if d, ok := strings.CutPrefix(line, "wait "); ok {
		span, err := time.ParseDuration(d)
		if err != nil {
			w.t.Fatal(err)
		}
		w.s.advance(span)
	} else if m := staffLine.FindStringSubmatch(line); m != nil {
		map[string]func(string){
			"connects": w.s.connect, "disconnects": w.s.disconnect,
			"goes away": func(a string) { w.s.show(a, desk.ShowDND) },
		}[m[2]](m[1])
	} else if line == "no quorum" {
		w.s.refusal = &desk.Error{Code: desk.NoQuorum}
	} else if line == "quorum" {
		w.s.refusal = nil
	} else if m := mailLine.FindStringSubmatch(line); m != nil {
		w.mail(m[1], place(m[2]).Chat, m[3], m[4])
	} else if m := wentLine.FindStringSubmatch(line); m != nil {
		w.went(place(m[1]).Chat, m[2])
	} else if m := typedLine.FindStringSubmatch(line); m != nil {
		w.typed(m[1], place(m[2]), m[3], strings.NewReplacer(`\n`, "\n", `\u2028`, "\u2028").Replace(m[4]))
	} else if m := askedLine.FindStringSubmatch(line); m != nil {
		w.asked(m[1], place(m[2]), m[3], m[4])
	} else if m := pageLine.FindStringSubmatch(line); m != nil {
		w.about[m[1]] = &desk.OpenChat{PageURL: m[2], PageTitle: "Renewing"}
	} else if m := patronLine.FindStringSubmatch(line); m != nil {
		w.patron(m[1], m[2], m[3], m[4]+m[5])
	} else {
		w.t.Fatalf("no such doing: %q", line)
	}
	w.events()
}

func place(n string) Place {
	digits, ticket := strings.CutPrefix(n, "t")
	number, _ := strconv.ParseUint(digits, 10, 64)
	if ticket {
		return Place{Ticket: number}
	}
	return Place{Chat: number}
}

// mail lets a mail come in to a ticket.
func (w *talk) mail(how string, ticket uint64, from, text string) {
	w.n++
	x := &desk.IngestMail{
		Group: "help", Mailbox: "INBOX", Department: "reference", From: from, Subject: "Re", Text: text, Kind: desk.MailHuman,
		Auth: desk.AuthPass, BodyHash: fmt.Sprintf("%064d", w.n), Blob: fmt.Sprintf("%064d", w.n), DedupeKey: fmt.Sprintf("%064d", w.n),
		Candidates: []desk.MailCandidate{{Kind: desk.ByToken, Ticket: ticket}},
	}
	w.s.must(desk.NodeActor("n0"), x)
}

// went does what the mail door does with the mails of a ticket that wait.
func (w *talk) went(ticket uint64, how string) {
	var wanted []*desk.TicketEntry
	node := desk.NodeActor("n0")
	w.s.read(node, func(r desk.Reader) (err error) {
		wanted, err = r.MailsWanted(10)
		return err
	})
	for _, e := range wanted {
		if e.Ticket != ticket {
			continue
		}
		id := fmt.Sprintf("<t%d.%d.mac@library.example>", e.Ticket, e.N)
		m := w.s.must(node, &desk.ComposeMail{Ticket: e.Ticket, Entry: e.N, MessageID: id, From: "bounce@library.example", Body: []byte("Message-ID: " + id + "\r\n\r\nx\r\n")}).Mail
		w.s.must(node, &desk.ClaimMail{ID: m})
		if how == "fails" {
			w.s.must(node, &desk.MailFailed{ID: m, Why: "no such user", Hard: true})
			continue
		}
		w.s.must(node, &desk.MailDot{ID: m})
		w.s.must(node, &desk.MailSent{ID: m, QueueID: "q"})
	}
}

// input is a message with the options in brackets.
func (w *talk) input(account string, at Place, options string) Input {
	w.n++
	in := Input{
		Actor: staff(account), Place: at, ID: fmt.Sprintf("m%d", w.n),
		Key: desk.Key{Kind: desk.KeyStanza, Principal: "sm-" + account, ID: desk.StanzaID(uint32(1000 + w.n))},
	}
	for o := range strings.SplitSeq(options, ", ") {
		name, value, _ := strings.Cut(o, " ")
		switch name {
		case "":
		case "typing":
			in.Typing = func(uint64) bool { return true }
		case "reply":
			in.Reply = true
		case "key":
			in.Key.ID = value
		case "id":
			in.ID = value
		case "got":
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil { // "got all"
				n = w.seq
			}
			in.Got = func(uint64) uint64 { return n }
		case "late":
			d, err := time.ParseDuration(value)
			if err != nil {
				w.t.Fatal(err)
			}
			in.Delayed = w.s.now.Add(-d)
		default:
			w.t.Fatalf("unknown option %q", o)
		}
	}
	return in
}

func (w *talk) typed(account string, at Place, options, body string) {
	in := w.input(account, at, options)
	in.Body = body
	done := len(w.s.done)
	answer, err := w.c.Handle(context.Background(), in)
	w.answered(account, answer, err)
	w.oneKeyed(done)
}

// oneKeyed checks that a call made at most one command with the stanza's key.
func (w *talk) oneKeyed(before int) {
	var keyed []string
	for _, r := range w.s.done[before:] {
		if r.Key.Kind == desk.KeyStanza {
			keyed = append(keyed, r.Command.CommandName())
		}
	}
	if len(keyed) > 1 && keyed[0] != "HoldText" { // a repeat may be asked after as both, see hold
		w.t.Errorf("one call made the keyed commands %v", keyed)
	}
}

func (w *talk) answered(account string, a Answer, err error) {
	switch {
	case err != nil:
		fmt.Fprintf(w.out, "  nothing is decided: %v\n", err)
	case a.Open != 0 && strings.Contains(a.Text, "Write to"):
		fmt.Fprintf(w.out, "  %s reads: %s\n  (ticket %d opens)\n", account, a.Text, a.Open)
	case a.Text != "":
		fmt.Fprintf(w.out, "  %s reads: %s\n", account, strings.ReplaceAll(a.Text, "\n", "\n    | "))
	case !a.Posted:
		fmt.Fprintf(w.out, "  %s reads nothing\n", account)
	}
	if a.Held {
		fmt.Fprintln(w.out, "  (held)")
	}
}

func (w *talk) asked(account string, at Place, verb, rest string) {
	ctx := context.Background()
	switch verb {
	case "offers":
		for _, i := range w.c.Commands(ctx, staff(account), at) {
			fmt.Fprintf(w.out, "  %s: %s\n", i.Name, i.Label)
		}
	case "form":
		f, err := w.c.Form(ctx, staff(account), at, rest)
		if err != nil {
			fmt.Fprintf(w.out, "  %v\n", err)
			return
		}
		fmt.Fprintf(w.out, "  %s. %s\n", f.Title, f.Instructions)
		for _, x := range f.Fields {
			fmt.Fprintf(w.out, "  %s\n", fieldWords(x))
		}
	case "fills":
		words := strings.Fields(rest)
		values := map[string][]string{}
		for _, word := range words[1:] {
			name, v, _ := strings.Cut(word, "=")
			values[name] = strings.Split(strings.ReplaceAll(v, "_", " "), ",")
		}
		a, err := w.c.Submit(ctx, w.input(account, at, ""), words[0], values)
		w.answered(account, a, err)
	case "intro", "roster":
		if at.Ticket != 0 {
			w.ticketIntro(account, at.Ticket)
			return
		}
		number := at.Chat
		if verb == "roster" {
			number = place(rest).Chat
		}
		w.s.read(staff(account), func(r desk.Reader) error {
			h, err := r.Chat(number)
			if err != nil {
				return err
			}
			d, err := r.Department(h.Department)
			if err != nil {
				return err
			}
			all, err := r.Lines(h.Number, 0, 0)
			text := RosterName(h, d)
			if verb == "intro" {
				text = Intro(h, d, all, Names(r), w.s.now)
			}
			fmt.Fprintf(w.out, "  | %s\n", strings.ReplaceAll(text, "\n", "\n  | "))
			return err
		})
	}
}

func (w *talk) ticketIntro(account string, ticket uint64) {
	w.s.read(staff(account), func(r desk.Reader) error {
		k, err := r.Ticket(ticket)
		if err != nil {
			return err
		}
		d, err := r.Department(k.Department)
		if err != nil {
			return err
		}
		all, err := r.Entries(ticket, 0, 0)
		fmt.Fprintf(w.out, "  | %s\n", strings.ReplaceAll(TicketIntro(k, d, all, Names(r)), "\n", "\n  | "))
		return err
	})
}

func fieldWords(f Field) string {
	s := fmt.Sprintf("[%s] %s (%s)", f.Var, f.Label, f.Type)
	if f.Required {
		s += " required"
	}
	for _, o := range f.Options {
		s += fmt.Sprintf("\n      %s = %s", o.Value, o.Label)
	}
	if len(f.Values) > 0 {
		s += fmt.Sprintf("\n      filled in: %s", strings.Join(f.Values, ", "))
	}
	return s
}

func (w *talk) patron(name, verb, object, text string) {
	if w.about[name] == nil {
		w.about[name] = &desk.OpenChat{}
	}
	about := w.about[name]
	text = strings.ReplaceAll(text, `\n`, "\n")
	chat := place(object).Chat
	w.n++
	switch verb {
	case "has":
		about.Email = object
	case "asks":
		x := *about
		x.Department, x.Question, x.ID = object, text, fmt.Sprintf("q%d", w.n)
		w.s.opens(name, x)
	case "says":
		w.s.must(patronActor(name), &desk.PostLine{Chat: chat, ID: fmt.Sprintf("p%d", w.n), Kind: desk.TextLine, Text: text})
	case "leaves her address in":
		w.s.must(patronActor(name), &desk.SetContact{Chat: chat, Email: text})
	case "is here in":
		w.s.must(patronActor(name), &desk.PatronIsHere{Chat: chat})
	case "rates":
		w.s.must(patronActor(name), &desk.RateChat{Chat: chat, Score: place(text).Chat})
	case "leaves":
		w.s.must(patronActor(name), &desk.LeaveChat{Chat: chat})
	case "goes":
		w.s.must(patronActor(name), &desk.DetachPatron{Chat: chat, Node: "n0"})
	case "is back":
		w.s.must(patronActor(name), &desk.AttachPatron{Chat: chat, Node: "n0"})
	}
}

// events prints who is told of what happened since the last doing.
func (w *talk) events() {
	for _, e := range w.s.events(w.seq) {
		w.seq = e.Seq
		if e.Audience.Patron && e.Kind == desk.LinePosted {
			w.patronGets(e)
		}
		w.s.read(desk.NodeActor("n0"), func(r desk.Reader) error {
			all, err := r.StaffList()
			for _, p := range all {
				reach, err := r.Reach(p.Account, w.s.now)
				if err != nil {
					return err
				}
				named := slices.Contains(e.Audience.Staff, p.Account)
				served := slices.ContainsFunc(e.Audience.Departments, func(d string) bool { return slices.Contains(p.Departments, d) })
				if reach != desk.Gone && (named || served) {
					w.later(p.Account, e, named)
				}
			}
			return err
		})
	}
}

// later prints what one member of staff is told of an event.
func (w *talk) later(account string, e desk.Event, named bool) {
	err := w.s.View(context.Background(), staff(account), func(r desk.Reader) error {
		switch {
		case e.Kind == desk.ChatRang && named:
			h, err := r.Chat(e.Chat)
			if err != nil {
				return err
			}
			d, err := r.Department(h.Department)
			if err != nil {
				return err
			}
			l, err := r.Line(e.Chat, 1)
			fmt.Fprintf(w.out, "  %s is rung: %s\n", account, RingLine(h, d, l, w.s.now))
			return err
		case e.Kind == desk.LinePosted && named && e.Staff != account:
			l, err := r.Line(e.Chat, e.Line)
			if err != nil {
				return err
			}
			fmt.Fprintf(w.out, "  %s@%d gets: %s\n", account, e.Chat, LineText(r, account, l))
		}
		if e.Kind == desk.EntryAdded && named && e.Staff != account && e.N == 0 {
			x, err := r.Entry(e.Ticket, e.Entry)
			if err != nil {
				return err
			}
			if text := EntryText(r, account, x); text != "" {
				fmt.Fprintf(w.out, "  %s@t%d gets: %s\n", account, e.Ticket, strings.ReplaceAll(text, "\n", "\n    | "))
			}
		}
		if e.Kind == desk.MessageSent && e.To == account {
			m, err := r.Message(e.Ref)
			if err != nil {
				return err
			}
			fmt.Fprintf(w.out, "  %s gets of %s: %s\n", account, m.From, m.Body)
		}
		if text, ok := EventLine(r, account, e); ok {
			fmt.Fprintf(w.out, "  %s is told: %s\n", account, text)
		}
		return nil
	})
	if err != nil && !errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		w.t.Fatal(err)
	}
}

// patronGets prints a line that staff wrote to the patron, as the patron may read it.
func (w *talk) patronGets(e desk.Event) {
	var name string
	w.s.read(desk.NodeActor("n0"), func(r desk.Reader) error {
		h, err := r.Chat(e.Chat)
		if err == nil {
			name = h.Name
		}
		return err
	})
	w.s.read(patronActor(name), func(r desk.Reader) error {
		l, err := r.Line(e.Chat, e.Line)
		if err == nil && l.From != desk.FromPatron {
			fmt.Fprintf(w.out, "  %s gets: %s\n", name, strings.ReplaceAll(l.Text, "\n", `\n`))
		}
		return err
	})
}
