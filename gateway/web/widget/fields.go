// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// chatField is something that a department asks for before a chat. Its answer goes under the question, on a line of its
// own: staff read it in whatever client they have, and it goes along into transcript, ticket and search.
type chatField struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Choices  []string `json:"choices,omitempty"`
	Required bool     `json:"required,omitempty"`
}

// FieldsSetting is the setting that holds a department's fields: a JSON list of {name, label, choices?, required?}.
const FieldsSetting = "chat_fields."

// The bounds of what is asked and answered.
const (
	maxFields  = 5
	maxAnswers = 10
	maxAnswer  = 200 // code points
	maxLabel   = 100
)

// parseFields reads a department's setting. What can't be asked is left out: a setting does not close a department.
func parseFields(setting string) []chatField {
	var raw, out []chatField
	if setting == "" || json.Unmarshal([]byte(setting), &raw) != nil {
		return nil
	}
	for _, f := range raw {
		f.Name, f.Label = cleanLine(f.Name), cleanLine(f.Label)
		if f.Label == "" {
			f.Label = f.Name
		}
		known := slices.ContainsFunc(out, func(o chatField) bool { return o.Name == f.Name })
		if f.Name == "" || known || tooLong(f.Name, maxLabel) || tooLong(f.Label, maxLabel) || len(out) == maxFields {
			continue
		}
		for i, c := range f.Choices {
			f.Choices[i] = cleanLine(c)
		}
		f.Choices = slices.DeleteFunc(f.Choices, func(c string) bool { return c == "" || tooLong(c, maxAnswer) })
		out = append(out, f)
	}
	return out
}

func tooLong(s string, most int) bool { return utf8.RuneCountInString(s) > most }

// withFields puts the answers under a question: those that were asked for in their order, then any others under their own
// names, so that nothing a page sends along is lost.
func withFields(question string, fields []chatField, answers map[string]string) (string, error) {
	if len(answers) > maxAnswers {
		return "", web.Invalid("fields", "There are too many fields.")
	}
	rest := maps.Clone(answers)
	var under strings.Builder
	add := func(label, name, value string) error {
		value, err := shortText("fields."+name, value, maxAnswer)
		if err == nil && value != "" {
			under.WriteString("\n" + label + ": " + value)
		}
		return err
	}
	for _, f := range fields {
		value := cleanLine(rest[f.Name])
		delete(rest, f.Name)
		switch {
		case value == "" && f.Required:
			return "", web.Invalid("fields."+f.Name, "The field has to be filled in.")
		case value != "" && len(f.Choices) > 0 && !slices.Contains(f.Choices, value):
			return "", web.Invalid("fields."+f.Name, "This is none of the choices.")
		}
		if err := add(f.Label, f.Name, value); err != nil {
			return "", err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		label, err := shortText("fields", name, maxLabel)
		if err != nil || label == "" {
			return "", web.Invalid("fields", "A field's name is too long or empty.")
		}
		if err := add(label, label, rest[name]); err != nil {
			return "", err
		}
	}
	if under.Len() == 0 {
		return question, nil
	}
	whole := question + "\n" + under.String()
	if tooLong(whole, desk.MaxText) {
		return "", web.Invalid("fields", "Question and fields together are too long.")
	}
	return whole, nil
}
