// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// help lists the commands, or explains one.
func help(t *turn, a ask) (Answer, error) {
	first, more := token(a.rest)
	word := strings.TrimLeft(plainWord(first), "!")
	g := t.c.grammar
	switch {
	case a.rest == "":
		s, err := t.scene()
		if err != nil {
			return Answer{}, err
		}
		return t.tell("%s", t.c.overview(s.role, t.in.Place))
	case more != "":
		return t.tell("One command at a time: %s close.", t.word("help", 0))
	case g.words[word] != nil:
		return t.tell("%s", g.words[word].explained(t.bot()))
	}
	return t.tell("%s %s lists them all.", t.unknown("!", word), t.word("help", 0))
}

// overview is the list of commands for a role, as they are typed at the bot or at a chat.
func (c *Console) overview(role desk.Role, at Place) string {
	var b strings.Builder
	bot := at.bot()
	switch {
	case bot:
		b.WriteString("Here a command about a chat or a ticket takes its number first; the number alone takes a chat that waits, or opens a ticket: 42")
	case at.Ticket != 0:
		b.WriteString("What you type here is a draft, and !send mails it. The commands:")
	default:
		b.WriteString("What you type here goes to the patron. These commands do not:")
	}
	for i := range c.grammar.table {
		if row := &c.grammar.table[i]; !row.hidden && role >= row.role && row.belongs(at) {
			fmt.Fprintf(&b, "\n%s – %s", row.usage(bot), row.helpAt(at))
		}
	}
	if bot {
		b.WriteString("\nhelp COMMAND explains one. ! lists what is possible now.")
	} else {
		b.WriteString("\n! lists what is possible now, !!text sends \"!text\". !help COMMAND explains one.")
	}
	return b.String()
}

// belongs reports whether a command can be about what a place is.
func (row *command) belongs(at Place) bool {
	return at.bot() || row.about == noChat || at.Ticket == 0 && row.run != nil || at.Ticket != 0 && row.onTicket != nil
}

// helpAt is what a command does at a place.
func (row *command) helpAt(at Place) string {
	if at.Ticket != 0 && row.ticketHelp != "" {
		return row.ticketHelp
	}
	return row.help
}

// usage is how a command is typed.
func (row *command) usage(bot bool) string {
	parts := []string{"!" + row.name}
	if bot {
		parts[0] = row.name
		switch row.about {
		case thisChat:
			parts = append(parts, "42")
		case mayChat:
			parts = append(parts, "[42]")
		}
	}
	if row.args != "" {
		parts = append(parts, row.args)
	}
	return strings.Join(parts, " ")
}

// explained is the help of one command.
func (row *command) explained(bot bool) string {
	s := fmt.Sprintf("%s – %s.", row.usage(bot), row.help)
	if row.more != "" {
		s += " " + row.more
		if !strings.HasSuffix(s, ".") {
			s += "."
		}
	}
	if len(row.aliases) > 0 {
		s += fmt.Sprintf(" Short: !%s.", strings.Join(row.aliases, ", !"))
	}
	if row.role > desk.RoleTrainee {
		s += fmt.Sprintf(" For %ss and above.", row.role)
	}
	return s
}
