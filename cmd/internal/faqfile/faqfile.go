// SPDX-License-Identifier: Apache-2.0

// Package faqfile reads and writes FAQs as files that people edit: as text, in refdesk's own form, and as CSV, in which
// other systems export theirs.
//
// The text has a heading for each question, then lines "also: …; …", "topics: …; …", "slug: …", "language: …" and "state: …"
// as far as they are needed, then the answer in Markdown. A line of an answer that would be taken for a heading has a space
// in front of it.
package faqfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"refdesk/cluster/desk"
)

// maxFile bounds a file, in bytes.
const maxFile = 16 << 20

// read reads all of r, as UTF-8 with or without a byte order mark.
func read(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxFile:
		return "", fmt.Errorf("the file is larger than %d MiB; split it", maxFile>>20)
	case !utf8.Valid(data):
		return "", errors.New("the file is not in UTF-8; save it as UTF-8")
	}
	return strings.ReplaceAll(string(bytes.TrimPrefix(data, []byte("\ufeff"))), "\r\n", "\n"), nil
}

// ReadText reads FAQs in refdesk's own form. Errors name the line.
func ReadText(r io.Reader) ([]desk.FAQ, error) {
	text, err := read(r)
	if err != nil {
		return nil, err
	}
	var out []desk.FAQ
	var q *desk.FAQ
	head, began := false, 0
	finish := func() error {
		if q == nil {
			return nil
		}
		q.Answer = strings.TrimSpace(q.Answer)
		if q.Slug == "" {
			q.Slug = Slug(q.Question)
		}
		out = append(out, *q)
		return check(q, fmt.Sprintf("line %d", began))
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		if question, ok := strings.CutPrefix(line, "# "); ok {
			if err := finish(); err != nil {
				return nil, err
			}
			q, head, began = &desk.FAQ{Question: strings.TrimSpace(question), State: desk.FAQPublished}, true, n
			continue
		}
		if q == nil {
			if strings.TrimSpace(line) != "" {
				return nil, fmt.Errorf("line %d: a question comes first, as \"# How many books can I borrow?\"", n)
			}
			continue
		}
		if head = head && setHead(q, line); !head {
			q.Answer += unguard(line) + "\n"
		}
	}
	return out, finish()
}

// setHead takes one of the lines between a question and its answer.
func setHead(q *desk.FAQ, line string) bool {
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch name {
	case "also":
		q.Also = list(value, ";")
	case "topics":
		q.Topics = list(value, ";")
	case "slug":
		q.Slug = value
	case "language":
		q.Language = value
	case "state":
		q.State = desk.FAQState(value)
	default:
		return false
	}
	return true
}

// unguard takes the space away that keeps a line of an answer from being a heading.
func unguard(line string) string {
	if rest := strings.TrimLeft(line, " "); strings.HasPrefix(rest, "# ") && rest != line {
		return line[1:]
	}
	return line
}

func guard(line string) string {
	if strings.HasPrefix(strings.TrimLeft(line, " "), "# ") {
		return " " + line
	}
	return line
}

// list splits a list and drops what is empty.
func list(s, separators string) (out []string) {
	for w := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// WriteText writes FAQs so that ReadText reads the same.
func WriteText(w io.Writer, faqs []desk.FAQ) error {
	var b bytes.Buffer
	for i, q := range faqs {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s\n", q.Question)
		for _, h := range []struct{ name, value string }{
			{"also", strings.Join(q.Also, "; ")},
			{"topics", strings.Join(q.Topics, "; ")},
			{"slug", q.Slug},
			{"language", q.Language},
			{"state", string(q.State)},
		} {
			if h.value != "" {
				fmt.Fprintf(&b, "%s: %s\n", h.name, h.value)
			}
		}
		b.WriteString("\n")
		for line := range strings.SplitSeq(strings.TrimSpace(q.Answer), "\n") {
			b.WriteString(guard(line) + "\n")
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// columns are the names that a column of a CSV file may have.
func columns() map[string][]string {
	return map[string][]string{
		"question": {"question", "title"}, "answer": {"answer", "answers", "response"}, "also": {"also", "keywords", "variations"},
		"topics": {"topics", "topic", "tags", "category", "categories"}, "slug": {"slug", "short name", "friendly url"},
		"language": {"language", "lang"}, "state": {"state", "status", "published"},
	}
}

// ReadCSV reads a table whose first row names its columns; "question" and "answer" are needed. It returns the names of the
// columns that nothing is known about. Lists within a cell are separated by semicolons, bars or line breaks.
func ReadCSV(r io.Reader) (faqs []desk.FAQ, unknown []string, err error) {
	text, err := read(r)
	if err != nil {
		return nil, nil, err
	}
	rd := csv.NewReader(strings.NewReader(text))
	rd.FieldsPerRecord = -1
	if first, _, _ := strings.Cut(text, "\n"); strings.Count(first, ";") > strings.Count(first, ",") {
		rd.Comma = ';'
	}
	head, err := rd.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("the first row names the columns, question and answer among them: %w", err)
	}
	at := map[string]int{}
	for i, h := range head {
		name := columnOf(h)
		if _, taken := at[name]; name == "" || taken {
			unknown = append(unknown, strings.TrimSpace(h))
			continue
		}
		at[name] = i
	}
	for _, need := range []string{"question", "answer"} {
		if _, ok := at[need]; !ok {
			return nil, unknown, fmt.Errorf("there is no column %q; the first row has %q", need, head)
		}
	}
	for {
		row, err := rd.Read()
		if errors.Is(err, io.EOF) {
			return faqs, unknown, nil
		}
		if err != nil {
			return nil, unknown, err
		}
		q := fromRow(row, at)
		if q.Question == "" && q.Answer == "" {
			continue
		}
		line, _ := rd.FieldPos(0)
		if err := check(&q, fmt.Sprintf("line %d", line)); err != nil {
			return nil, unknown, err
		}
		faqs = append(faqs, q)
	}
}

func columnOf(head string) string {
	head = strings.ToLower(strings.TrimSpace(head))
	for name, all := range columns() {
		if slices.Contains(all, head) {
			return name
		}
	}
	return ""
}

func fromRow(row []string, at map[string]int) desk.FAQ {
	cell := func(name string) string {
		if i, ok := at[name]; ok && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	q := desk.FAQ{
		Question: strings.Join(strings.Fields(cell("question")), " "), Answer: cell("answer"), Also: list(cell("also"), ";|\n"),
		Topics: list(cell("topics"), ";|\n"), Slug: cell("slug"), Language: cell("language"), State: desk.FAQPublished,
	}
	switch strings.ToLower(cell("state")) {
	case "draft", "private", "unpublished", "no", "0", "false":
		q.State = desk.FAQDraft
	}
	if q.Slug == "" {
		q.Slug = Slug(q.Question)
	}
	return q
}

// check says what an FAQ lacks.
func check(q *desk.FAQ, where string) error {
	switch {
	case q.Question == "":
		return fmt.Errorf("%s: there is no question", where)
	case q.Answer == "":
		return fmt.Errorf("%s: «%s» has no answer", where, q.Question)
	case q.Slug == "":
		return fmt.Errorf("%s: «%s» makes no short name for the page's address; give it a line \"slug: some-name\"", where, q.Question)
	case q.State != desk.FAQDraft && q.State != desk.FAQPublished:
		return fmt.Errorf("%s: «%s» has the state %q; write draft or published", where, q.Question, q.State)
	}
	return nil
}

// Slug makes a short name out of a question: letters without their marks, dashes between words.
func Slug(question string) string {
	plain, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), strings.ToLower(question))
	if err != nil {
		plain = strings.ToLower(question)
	}
	plain = strings.NewReplacer("'", "", "’", "").Replace(plain)
	words := strings.FieldsFunc(plain, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	out := ""
	for _, w := range words {
		if len(out)+len(w) > 60 {
			break
		}
		out += "-" + w
	}
	return strings.TrimPrefix(out, "-")
}
