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
	return p.texts[base]
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
		if name == "widget" { // the launcher's own few, built into widget.js
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
