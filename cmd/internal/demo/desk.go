// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"strings"
)

// Desk is a running demo, as `refdesk demo --json` prints it.
type Desk struct {
	HTTP       string     `json:"http"`
	HTTPS      string     `json:"https"`
	Staff      string     `json:"staff"`
	Files      string     `json:"files"`
	XMPP       string     `json:"xmpp"`
	XMPPS      string     `json:"xmpps"`
	SMTP       string     `json:"smtp"`
	Domain     string     `json:"domain"`
	ChatDomain string     `json:"chat_domain"`
	CA         string     `json:"ca"`
	Dir        string     `json:"dir"`
	Operators  []Operator `json:"operators"`
	Nodes      []Member   `json:"nodes"`
	Admin      Operator   `json:"-"`
}

// Operator is one account of the demo with its passwords.
type Operator struct {
	JID         string `json:"jid"`
	Password    string `json:"password"`     // of a device
	WebPassword string `json:"web_password"` // of the staff pages
	Role        string `json:"role"`
}

// Member is one node of the demo.
type Member struct {
	ID    string   `json:"id"`
	HTTP  string   `json:"http"`
	HTTPS string   `json:"https"`
	XMPP  string   `json:"xmpp"`
	XMPPS string   `json:"xmpps"`
	SMTP  string   `json:"smtp"`
	PID   int      `json:"pid"`
	Start []string `json:"start"` // starts the node again, to live by itself
}

// Welcome says what to click and how to log in.
func (d Desk) Welcome() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s is open.\n\n", deskName)
	fmt.Fprintf(&b, "  1. A patron's page:  %s\n     Ask a question with the button at the right edge.\n\n", d.HTTP)
	fmt.Fprintf(&b, "  2. Answer it in a browser:  %s\n", d.Staff)
	for _, o := range append(d.Operators[:min(3, len(d.Operators)):min(3, len(d.Operators))], d.Admin) {
		name, _, _ := strings.Cut(o.JID, "@")
		fmt.Fprintf(&b, "       %-18s password %s   (%s)\n", name, o.WebPassword, o.Role)
	}
	fmt.Fprintf(&b, "\n     or from any XMPP client:\n")
	for _, o := range d.Operators[:min(3, len(d.Operators))] {
		fmt.Fprintf(&b, "       %-18s password %s   (%s)\n", o.JID, o.Password, o.Role)
	}
	if n := len(d.Operators) - 3; n > 0 {
		fmt.Fprintf(&b, "       … and %d more, in %s/demo.json\n", n, d.Dir)
	}
	host, port, _ := strings.Cut(d.XMPP, ":")
	fmt.Fprintf(&b, "     Server %s, port %s, STARTTLS (direct TLS: %s).\n", host, port, d.XMPPS)
	fmt.Fprintf(&b, "     Trust this certificate authority first: %s\n", d.CA)
	fmt.Fprintf(&b, "     With Profanity:  /connect %s server %s port %s tls trust\n\n", d.Operators[0].JID, host, port)
	fmt.Fprintf(&b, "  3. The desk rings you: answer with the chat's number to take it, then write to the\n")
	fmt.Fprintf(&b, "     patron. !tag, !ticket, !close and !help do what they say.\n\n")
	fmt.Fprintf(&b, "  No mail leaves this machine: the staff pages' outbox shows it, and takes the patron's reply.\n\n")
	if len(d.Nodes) > 1 {
		fmt.Fprintf(&b, "  Nodes; kill any one and chats go on:\n")
		for _, n := range d.Nodes {
			fmt.Fprintf(&b, "       %s  pid %-7d %s  XMPP %s\n", n.ID, n.PID, n.HTTP, n.XMPP)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "  Everything is kept in %s. Ctrl-C stops the desk.\n\n", d.Dir)
	return b.String()
}
