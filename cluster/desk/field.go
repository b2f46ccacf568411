// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// MaxFields is how many closing fields a department may have.
const MaxFields = 3

// ClosingField is something that a department wants to know of each chat that is closed.
type ClosingField struct {
	Name     string   // a word: letters, digits, dot, dash, underscore
	Label    string   // as staff read it; "" = Name
	Choices  []string // none = any text
	Required bool
}

func (f *ClosingField) code(c *coder) {
	c.str(&f.Name)
	c.str(&f.Label)
	c.strs(&f.Choices)
	c.flag(&f.Required)
}

// Field is the value of one closing field of a chat.
type Field struct{ Name, Value string }

func (f *Field) code(c *coder) {
	c.str(&f.Name)
	c.str(&f.Value)
}

func codeFields(c *coder, p *[]Field) { list(c, p, func(c *coder, f *Field) { f.code(c) }) }

// checkFields refuses closing fields that can't be asked.
func checkFields(fields []ClosingField) error {
	var names []string
	for _, f := range fields {
		choices := slices.ContainsFunc(f.Choices, func(v string) bool { return !plain(v, 100) })
		if !name(f.Name) || slices.Contains(names, f.Name) || checkShort(f.Label, "", 100) != nil || choices || len(f.Choices) > 50 {
			return refuseField(Invalid, "fields")
		}
		names = append(names, f.Name)
	}
	if len(fields) > MaxFields {
		return refuseField(Invalid, "fields")
	}
	return nil
}

// fill keeps the values of closing fields. An empty value takes one back. The caller puts the chat.
func (s *state) fill(h *Chat, fields []Field) error {
	d := get[Department](s, departmentKey(h.Department))
	for _, f := range fields {
		i := -1
		if d != nil {
			i = slices.IndexFunc(d.Fields, func(c ClosingField) bool { return c.Name == f.Name })
		}
		if i < 0 || checkShort(f.Value, "", 200) != nil {
			return fieldRefusal(h, f.Name)
		}
		if c := d.Fields[i].Choices; f.Value != "" && len(c) > 0 && !slices.Contains(c, f.Value) {
			return fieldRefusal(h, f.Name)
		}
		h.Fields = slices.DeleteFunc(h.Fields, func(o Field) bool { return o.Name == f.Name })
		if f.Value != "" {
			h.Fields = append(h.Fields, f)
		}
	}
	return nil
}

// filled refuses a chat that lacks a required closing field.
func filled(d *Department, h *Chat) error {
	if d == nil {
		return nil
	}
	for _, c := range d.Fields {
		if c.Required && !slices.ContainsFunc(h.Fields, func(f Field) bool { return f.Name == c.Name }) {
			return fieldRefusal(h, c.Name)
		}
	}
	return nil
}

func fieldRefusal(h *Chat, name string) *Error {
	return &Error{Code: Invalid, Field: "field." + name, Chat: h.Number}
}
