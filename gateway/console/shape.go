// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// shape says what a command's arguments look like, to tell "close renewals" from "close the window".
type shape uint8

const (
	alone         shape = iota // nothing follows
	anyShape                   // any text
	numberShape                // a chat's number, or nothing
	tagShape                   // tags or numbers, or nothing
	whoShape                   // a colleague or a department, or nothing
	commandShape               // a command's word, or nothing
	cannedShape                // a canned reply's name
	faqShape                   // words, or a number and what to do with it; no address of a page
	waitShape                  // a number of minutes and nothing more: "wait 3 minutes, please" is for the patron
	nameShape                  // one to three words in capitals without a stop
	addressShape               // an e-mail address
	setShape                   // FIELD=VALUE
	figureShape                // one small number
	questionShape              // a text that asks
	wordShape                  // one word
	ticketShape                // nothing, a number, #DEPARTMENT or an address first
	replyShape                 // a number first
	mailShape                  // nothing, or a number
	spanShape                  // nothing, or a length of time
	findShape                  // one word, or one with an operator
	ticketsShape               // nothing, or which
	formShape                  // nothing: "form 42" may be a paper
)

// vocabulary is what the desk's state says about words.
type vocabulary struct {
	tags   []string
	anyTag bool              // the department takes any tag
	people []string          // accounts and names of colleagues, ids and names of departments
	canned []string          // names of canned replies
	waits  func(uint64) bool // a chat that could be claimed
}

// shaped reports whether rest has the shape of a command's arguments.
func (g *grammar) shaped(row *command, rest string, v vocabulary) bool {
	if rest == "" {
		return !row.needs
	}
	first, more := token(rest)
	first = plainWord(first)
	_, isNumber := number(first)
	switch row.shape {
	case anyShape:
		return true
	case numberShape:
		return isNumber && more == "" || row.name == "who" && more == "" && startsOne(v.people, first, 2)
	case tagShape:
		if v.anyTag && len(v.tags) == 0 {
			return len(strings.Fields(rest)) <= 2
		}
		found := splitTags(rest, v.tags, nil)
		return isNumber || found.ok() && len(found.tags) > 0 || startsOne(v.tags, first, 4)
	case whoShape:
		if first == "to" {
			first, _ = token(more)
			first = plainWord(first)
		}
		return isNumber || strings.HasPrefix(first, "#") || startsOne(v.people, strings.TrimPrefix(first, "@"), 2) || row.name == "assign" && first == "me"
	case commandShape:
		return more == "" && g.known(strings.TrimLeft(first, "!"))
	}
	return shapedText(row.shape, rest, v)
}

// shapedText is shaped for the commands that take words, whose own word is a common one: it holds back only what would be
// no sentence for a patron.
func shapedText(s shape, rest string, v vocabulary) bool {
	first, more := token(rest)
	plain := plainWord(first)
	_, isNumber := number(plain)
	switch s {
	case cannedShape:
		return slices.Contains(v.canned, plain) && (more == "" || plainWord(more) == "show") || isNumber && more == ""
	case faqShape:
		return !strings.Contains(rest, "://") && (isNumber || plain == first && len(strings.Fields(rest)) <= 8)
	case waitShape:
		_, ok := minutes(rest)
		return ok && (more == "" || plainWord(more) == "min" || plainWord(more) == "m")
	case nameShape:
		return looksLikeName(rest)
	case addressShape:
		return more == "" && strings.Count(first, "@") == 1 && !strings.HasPrefix(first, "@")
	case setShape:
		field, _, ok := strings.Cut(rest, "=")
		return ok && len(strings.Fields(field)) == 1
	case figureShape:
		return isNumber && more == "" && len(plain) == 1
	case questionShape:
		return strings.HasSuffix(strings.TrimRightFunc(rest, unseen), "?")
	case wordShape:
		return more == ""
	case ticketShape:
		return isNumber && more == "" || strings.HasPrefix(first, "#") || strings.Count(first, "@") == 1
	case replyShape:
		return isNumber && more != ""
	case mailShape:
		return isNumber && more == ""
	case spanShape:
		_, ok := timeSpan(rest)
		return ok
	case findShape:
		return seeks(rest)
	case ticketsShape:
		return more == "" && (strings.HasPrefix(first, "#") || slices.Contains([]string{"all", "closed", "mine"}, plain))
	}
	return false
}

// looksLikeName reports whether a text may be a person's name and nothing else.
func looksLikeName(rest string) bool {
	words := strings.Fields(rest)
	for _, w := range words {
		r, _ := utf8.DecodeRuneInString(w)
		if !unicode.IsUpper(r) || strings.ContainsAny(w, ",;:!?") {
			return false
		}
	}
	return len(words) <= 3 && !strings.HasSuffix(rest, ".")
}

// seeks reports whether a text is a search: an operator with its value, or one word that is no pronoun.
func seeks(rest string) bool {
	first, more := token(rest)
	name, value, ok := strings.Cut(first, ":")
	if ok && value != "" && !strings.HasPrefix(value, "//") && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == "" {
		return true
	}
	return more == "" && !strings.ContainsAny(first, ".,!?") &&
		!slices.Contains([]string{"it", "them", "this", "that", "these", "those", "out", "us", "me", "one", "here"}, strings.ToLower(first))
}

// minutes reads a number of minutes: "3", "3m", "3 min".
func minutes(text string) (uint64, bool) {
	first, more := token(strings.ToLower(strings.TrimSpace(text)))
	n, ok := number(strings.TrimRight(first, ".,"))
	if !ok {
		for _, unit := range []string{"minutes", "min", "m"} {
			if digits, found := strings.CutSuffix(first, unit); found && more == "" {
				n, ok = number(digits)
				break
			}
		}
		return uint64(n), ok
	}
	return uint64(n), more == "" || slices.Contains([]string{"m", "min", "minute", "minutes"}, strings.TrimRight(more, "."))
}

// timeSpan reads a length of time: "2h", "90 min", "1h30", "for 2 hours".
func timeSpan(text string) (time.Duration, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	text = strings.Join(strings.Fields(strings.TrimPrefix(text, "for ")), "")
	if text == "" || len(text) > 20 {
		return 0, false
	}
	for _, unit := range []struct{ long, short string }{
		{"hours", "h"}, {"hour", "h"}, {"std", "h"}, {"minutes", "m"}, {"minute", "m"}, {"min", "m"},
	} {
		text = strings.ReplaceAll(text, unit.long, unit.short)
	}
	if h := strings.IndexByte(text, 'h'); h > 0 && h < len(text)-1 && !strings.HasSuffix(text, "m") {
		text += "m" // "1h30"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute || strings.Trim(text, "0123456789hm.") != "" {
		return 0, false
	}
	return d, true
}

// startsOne reports whether word is one of the names, or at least least letters of the start of one.
func startsOne(names []string, word string, least int) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		n = strings.ToLower(n)
		return n == word || utf8.RuneCountInString(word) >= least && strings.HasPrefix(n, word)
	})
}
