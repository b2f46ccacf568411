// SPDX-License-Identifier: Apache-2.0

package demo

import (
	_ "embed"
	"fmt"
	"strings"

	"refdesk/cluster/desk"
)

// faqText holds the made-up library's questions: a heading each, lines of further wordings and of topics, the answer.
//
//go:embed faqs.md
var faqText string

// faqs reads them.
func faqs() ([]desk.FAQ, error) {
	var out []desk.FAQ
	for part := range strings.SplitSeq("\n"+strings.TrimSpace(faqText), "\n# ") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		question, rest, _ := strings.Cut(part, "\n")
		q := desk.FAQ{Question: strings.TrimSpace(question), Slug: slug(question), Language: "en", State: desk.FAQPublished}
		for line := range strings.Lines(rest) {
			line = strings.TrimRight(line, "\n")
			if also, ok := strings.CutPrefix(line, "also: "); ok {
				q.Also = words(also)
			} else if topics, ok := strings.CutPrefix(line, "topics: "); ok {
				q.Topics = words(topics)
			} else {
				q.Answer += line + "\n"
			}
		}
		q.Answer = strings.TrimSpace(q.Answer)
		if q.Slug == "" || q.Answer == "" {
			return nil, fmt.Errorf("the demo's FAQ %q has no answer", question)
		}
		out = append(out, q)
	}
	return out, nil
}

func words(s string) (out []string) {
	for w := range strings.SplitSeq(s, ";") {
		out = append(out, strings.TrimSpace(w))
	}
	return out
}

// slug makes the last part of a page's address of a question.
func slug(question string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r == '\'':
			return -1
		}
		return '-'
	}, question)
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return strings.Trim(s, "-")
}
