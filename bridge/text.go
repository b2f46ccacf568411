// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"html"
	"strings"
	"time"
)

// texts are the sentences that the desk itself writes to patrons, in one language.
type texts struct {
	subject string // of what goes to an address that has proved nothing: not a word of the question
	ack     string
	foot    string // %n is the number, %l the library, %r the line that leads back
	wrote   string // %d is the date
	date    string
}

// textsFor picks the language of a locale such as "de-AT"; English is everybody's second.
func textsFor(locale string) texts {
	language, _, _ := strings.Cut(strings.ToLower(locale), "-")
	language, _, _ = strings.Cut(language, "_")
	if language == "de" {
		return texts{
			subject: "Ihre Frage an %l",
			ack: "Guten Tag,\n\nIhre Frage ist bei uns angekommen. Sie hat die Nummer %n. Wir antworten per E-Mail.\n\n" +
				"Möchten Sie etwas hinzufügen? Antworten Sie einfach auf diese Mail.\n\nWenn die Frage nicht von Ihnen kommt, brauchen Sie nichts zu tun.",
			foot:  "Frage %n, %l. Zum Antworten bitte diese Mail beantworten und die folgende Zeile stehen lassen:\n%r",
			wrote: "Am %d schrieben Sie:", date: "02.01.2006",
		}
	}
	return texts{
		subject: "Your question to %l",
		ack: "Hello,\n\nWe have got your question. Its number is %n. We answer by e-mail.\n\n" +
			"Is there anything to add? Simply reply to this mail.\n\nIf you have not asked us anything, there is nothing that you need to do.",
		foot:  "Question %n, %l. To answer, please reply to this mail and leave this line in it:\n%r",
		wrote: "On %d you wrote:", date: "2 January 2006",
	}
}

// fill puts the values in.
func fill(s string, values map[byte]string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if v, ok := values[at(s, i+1)]; s[i] == '%' && ok {
			b.WriteString(v)
			i++
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}

// quoted is an earlier text with the marks of a quotation, and the line that introduces it.
func quoted(t texts, when time.Time, text string) string {
	const most = 2000
	text = strings.TrimSpace(text)
	if cut := []rune(text); len(cut) > most {
		text = string(cut[:most]) + " …"
	}
	if text == "" {
		return ""
	}
	return fill(t.wrote, map[byte]string{'d': when.Format(t.date)}) + "\n> " + strings.ReplaceAll(text, "\n", "\n> ")
}

// asHTML is the same text for clients that show HTML only. Everything that people wrote is escaped.
func asHTML(text string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html><html><body>\n")
	for para := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		inQuote := false
		b.WriteString("<p>")
		for i, line := range strings.Split(para, "\n") {
			q, isQuote := strings.CutPrefix(line, ">")
			if isQuote != inQuote {
				b.WriteString(map[bool]string{true: `</p><blockquote type="cite"><p>`, false: "</p></blockquote><p>"}[isQuote])
			} else if i > 0 {
				b.WriteString("<br>\n")
			}
			inQuote = isQuote
			if isQuote {
				line = strings.TrimPrefix(q, " ")
			}
			b.WriteString(html.EscapeString(line))
		}
		b.WriteString("</p>")
		if inQuote {
			b.WriteString("</blockquote>")
		}
		b.WriteString("\n")
	}
	b.WriteString("</body></html>\n")
	return b.String()
}
