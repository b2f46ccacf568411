// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// Texts are the sentences of one language by key; "dir" is its direction of writing, ltr or rtl.
type Texts map[string]string

// base is the language that is shown when no better one is there, and whose keys the others must have.
const base = "en"

// The locales for tests, made of the English texts: longer and with marks on the letters, and from right to left. They are
// given only to those who ask for one by its name.
const (
	pseudoLocale = "en-XA"
	mirrorLocale = "ar-XB"
)

// locales in the order of preference among equals.
func (p *Pages) locales() []string {
	var names []string
	for name := range p.texts {
		if name != base {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return append([]string{base}, names...)
}

// Locale picks the best language there is for a list of wishes in the form of Accept-Language, or single tags.
func (p *Pages) Locale(wishes ...string) string {
	names := p.locales()
	var tags []language.Tag
	for _, n := range names {
		tags = append(tags, language.Make(n))
	}
	matcher := language.NewMatcher(tags)
	for _, w := range wishes {
		if w == pseudoLocale || w == mirrorLocale {
			return w
		}
		want, _, err := language.ParseAcceptLanguage(w)
		if err != nil || len(want) == 0 {
			continue
		}
		if _, i, confidence := matcher.Match(want...); confidence > language.No {
			return names[i]
		}
	}
	return base
}

// Texts gives the table of a locale that Locale returned.
func (p *Pages) Texts(locale string) Texts {
	if t, ok := p.texts[locale]; ok {
		return t
	}
	if locale == pseudoLocale || locale == mirrorLocale {
		return pseudo(p.texts[base], locale == mirrorLocale)
	}
	return p.texts[base]
}

// pseudo makes a table for tests: what is not translated, too narrow or on the wrong side shows at a glance.
func pseudo(t Texts, mirror bool) Texts {
	marks := strings.NewReplacer("a", "á", "e", "ë", "i", "ï", "o", "õ", "u", "ü", "n", "ñ", "c", "ç", "A", "Å", "E", "É", "S", "Š")
	out := make(Texts, len(t))
	for key, text := range t {
		var b strings.Builder
		for text != "" { // outside of {places}
			i := strings.IndexByte(text, '{')
			if i < 0 {
				i = len(text)
			}
			b.WriteString(marks.Replace(text[:i]))
			j := strings.IndexByte(text[i:], '}') + 1
			b.WriteString(text[i : i+j])
			text = text[i+j:]
		}
		if mirror {
			out[key] = "شبه " + b.String()
			continue
		}
		out[key] = "[" + b.String() + strings.Repeat(" ·", b.Len()/6) + "]"
	}
	out["dir"] = t["dir"]
	if mirror {
		out["dir"] = "rtl"
	}
	return out
}

// Fill returns the text with its {name} places filled: pairs of name and value.
func (t Texts) Fill(key string, pairs ...string) string {
	for i := range pairs {
		if i%2 == 0 {
			pairs[i] = "{" + pairs[i] + "}"
		}
	}
	return strings.NewReplacer(pairs...).Replace(t[key])
}

func loadTexts() (map[string]Texts, error) {
	data, err := files.ReadFile("texts.json")
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	tables := make(map[string]Texts)
	for name, body := range raw {
		if name == "widget" || name == "faq" { // the few of the scripts for other pages, built into them
			continue
		}
		var t Texts
		if err := json.Unmarshal(body, &t); err != nil {
			return nil, fmt.Errorf("read texts %s: %w", name, err)
		}
		tables[name] = t
	}
	return tables, nil
}
