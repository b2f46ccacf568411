// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"refdesk/cluster/desk"
)

// Notice is a mail to a member of staff that belongs to no ticket.
type Notice struct {
	Account string
	Name    string // of the reader
	To      string // address
	Subject string
	Text    string
}

// Mailer queues notices. It returns after the desk has committed the mail, so that it goes out for certain.
type Mailer interface {
	Notify(ctx context.Context, n Notice) error
}

// How long a link to a new password holds, and how often somebody without one may ask.
const (
	resetLife   = 2 * time.Hour
	resetAgain  = 5 * time.Minute
	forgotEvery = time.Minute // one more request for each network
	forgotBurst = 5
)

// Invite makes a one-time link for somebody's first sign-in and mails it. Without a mailer or an address sent is false:
// the link has to be handed over in another way. An earlier invitation ends.
func (d *Door) Invite(ctx context.Context, by desk.Actor, account string) (link string, sent bool, err error) {
	return d.sendLink(ctx, by, account, desk.LinkInvite)
}

// Reset does the same for somebody who has forgotten the password.
func (d *Door) Reset(ctx context.Context, by desk.Actor, account string) (link string, sent bool, err error) {
	return d.sendLink(ctx, by, account, desk.LinkReset)
}

func (d *Door) sendLink(ctx context.Context, by desk.Actor, account string, kind desk.LinkKind) (link string, sent bool, err error) {
	var p *desk.Staff
	var library string
	var holds time.Duration
	err = d.view(ctx, d.node(), func(rd desk.Reader) error {
		var err error
		if p, err = rd.StaffMember(account); err == nil {
			library, err = rd.Setting("desk.name")
		}
		if err == nil {
			holds, err = rd.Clock(desk.ClockInvite)
		}
		return err
	})
	if err != nil {
		return "", false, err
	}
	token, hash := newToken()
	c := &desk.MakeLink{Hash: hash, Kind: kind, Account: account}
	if kind == desk.LinkReset {
		holds = resetLife
		c.Expires = d.now().Add(holds)
	}
	if _, err := d.do(ctx, by, desk.Key{}, c); err != nil {
		return "", false, err
	}
	link = strings.TrimSuffix(d.cfg.URL, "/") + "/link/" + token
	if d.deps.Mailer == nil || p.Email == "" {
		return link, false, nil
	}
	n := letter(kind, p, library, link, holds)
	if err := d.deps.Mailer.Notify(ctx, n); err != nil {
		return "", false, fmt.Errorf("queue the mail with the link: %w", err)
	}
	return link, true, nil
}

// letter writes the mail that a link travels in.
func letter(kind desk.LinkKind, p *desk.Staff, library, link string, holds time.Duration) Notice {
	if library == "" {
		library = "the library"
	}
	n := Notice{Account: p.Account, Name: p.Name, To: p.Email}
	if kind == desk.LinkReset {
		n.Subject = "A new password for the desk of " + library
		n.Text = "Hello " + p.Name + ",\n\n" +
			"somebody, we hope you, has asked for a new password for your account " + p.Account + " at the desk of " + library + ".\n\n" +
			"Choose it on this page. The link works once and for " + span(holds) + ":\n\n" + link + "\n\n" +
			"If it was not you, there is nothing to do: the password that you have stays as it is.\n"
		return n
	}
	n.Subject = "Your place at the desk of " + library
	n.Text = "Hello " + p.Name + ",\n\n" +
		"you have been added to the people who answer patrons' questions at " + library + ".\n\n" +
		"This page lets you choose a password and begin, in your browser at once or with a chat program of your own. " +
		"The link works once and for " + span(holds) + ":\n\n" + link + "\n\n" +
		"Your account is called " + p.Account + ". The mail holds no password, and nobody will ever ask you for one by mail.\n"
	return n
}

// span says how long something is, in whole days, hours or minutes.
func span(t time.Duration) string {
	day := 24 * time.Hour
	n, unit := int(t/time.Minute), "minute"
	switch {
	case t >= 2*day:
		n, unit = int(t/day), "day"
	case t >= time.Hour:
		n, unit = int(t/time.Hour), "hour"
	}
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// forgotData is the page on which somebody asks for a new password.
type forgotData struct {
	slip
	Asked  bool
	NoMail bool
	Holds  string
}

// forgotPage is GET /forgot.
func (d *Door) forgotPage(w http.ResponseWriter, r *http.Request, _ *Who) error {
	return d.page(w, r, nil, "forgot", Page{Title: "A new password", Data: forgotData{
		Asked: r.URL.Query().Has("asked"), NoMail: d.deps.Mailer == nil, Holds: span(resetLife),
	}})
}

// forgotten is POST /forgot. The answer doesn't tell whether there is such an account.
func (d *Door) forgotten(w http.ResponseWriter, r *http.Request, _ *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if ok, _ := d.forgot.Take(d.frame.NetworkOf(r).Key); !ok {
		return tooMany("There were many requests from here just now. Please wait a minute, then ask again.")
	}
	name, ok := d.accounts.Normalise(oneLine(r.PostFormValue("username")))
	if ok && d.deps.Mailer != nil {
		due, err := d.resetDue(r.Context(), name)
		if err != nil {
			return err
		}
		if due {
			// Whoever asks learns nothing from a failure either; the page says what to do when no mail comes.
			if _, _, err := d.Reset(r.Context(), d.node(), name); err != nil {
				d.log.ErrorContext(r.Context(), "link not mailed", "staff", name, "err", err)
			}
		}
	}
	redirect(w, r, "/forgot?asked")
	return nil
}

// resetDue reports whether an account may be sent a link now: it is one, can get mail, and was not sent one just before.
func (d *Door) resetDue(ctx context.Context, account string) (due bool, err error) {
	err = d.view(ctx, d.node(), func(rd desk.Reader) error {
		p, err := rd.StaffMember(account)
		if e := refusal(err, desk.NotFound); e != nil {
			return nil
		}
		if err != nil || p.Disabled || p.Email == "" {
			return err
		}
		links, err := rd.Links(account)
		due = true
		for _, l := range links {
			due = due && (l.Kind != desk.LinkReset || l.Used != 0 || d.now().Sub(l.Made) > resetAgain)
		}
		return err
	})
	return due, err
}
