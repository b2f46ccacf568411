// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// schemas checks values against the subset of JSON Schema that docs/openapi.json uses. A keyword outside of it is an
// error, and so is a property that a schema does not name: the server sends what is documented, no more.
type schemas map[string]any // by name

type schema = map[string]any

// check returns what is wrong with a value, nil if nothing is. at is the value's place, for people.
func (s schemas) check(sc schema, v any, at string) error {
	if err := known(sc); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if ref, ok := sc["$ref"].(string); ok {
		name, _ := strings.CutPrefix(ref, "#/components/schemas/")
		target, ok := s[name].(schema)
		if !ok {
			return fmt.Errorf("%s: there is no schema %s", at, ref)
		}
		return s.check(target, v, at)
	}
	if any, ok := sc["oneOf"].([]any); ok {
		return s.oneOf(sc, any, v, at)
	}
	if c, ok := sc["const"]; ok && c != v {
		return fmt.Errorf("%s is %v, not %v", at, v, c)
	}
	if e, ok := sc["enum"].([]any); ok && !slices.Contains(e, v) {
		return fmt.Errorf("%s is %v, none of %v", at, v, e)
	}
	switch sc["type"] {
	case nil:
		return nil
	case "object":
		return s.object(sc, v, at)
	case "array":
		return s.array(sc, v, at)
	case "string":
		return text(sc, v, at)
	case "integer":
		return integer(sc, v, at)
	case "number":
		if _, ok := v.(float64); !ok {
			return fmt.Errorf("%s is no number", at)
		}
		return nil
	case "boolean":
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("%s is no boolean", at)
		}
		return nil
	}
	return fmt.Errorf("%s: type %v is not for this checker", at, sc["type"])
}

func known(sc schema) error {
	for k := range sc {
		switch k {
		case "$ref", "oneOf", "const", "enum", "type", "properties", "required", "additionalProperties", "items", "discriminator",
			"format", "pattern", "minLength", "maxLength", "minimum", "maximum", "description":
		default:
			return fmt.Errorf("keyword %s is not for this checker", k)
		}
	}
	return nil
}

// oneOf picks the branch by the discriminator, as a client would.
func (s schemas) oneOf(sc schema, branches []any, v any, at string) error {
	d, _ := sc["discriminator"].(schema)
	key, _ := d["propertyName"].(string)
	mapping, _ := d["mapping"].(schema)
	o, ok := v.(map[string]any)
	if !ok || key == "" || len(mapping) != len(branches) {
		return fmt.Errorf("%s is no object, or its schema has no full discriminator", at)
	}
	word, _ := o[key].(string)
	ref, ok := mapping[word].(string)
	if !ok {
		return fmt.Errorf("%s: the %s %q is not documented", at, key, word)
	}
	if !slices.ContainsFunc(branches, func(b any) bool { return b.(schema)["$ref"] == ref }) {
		return fmt.Errorf("%s: %s leads out of oneOf", at, ref)
	}
	return s.check(schema{"$ref": ref}, v, at+"<"+word+">")
}

func (s schemas) object(sc schema, v any, at string) error {
	o, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s is no object", at)
	}
	properties, _ := sc["properties"].(schema)
	required, _ := sc["required"].([]any)
	var errs []error
	for _, name := range required {
		if _, ok := o[name.(string)]; !ok {
			errs = append(errs, fmt.Errorf("%s lacks %s", at, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		p, ok := properties[name].(schema)
		if !ok {
			p, ok = sc["additionalProperties"].(schema)
		}
		if !ok {
			errs = append(errs, fmt.Errorf("%s.%s is not documented", at, name))
			continue
		}
		errs = append(errs, s.check(p, o[name], at+"."+name))
	}
	return errors.Join(errs...)
}

func (s schemas) array(sc schema, v any, at string) error {
	list, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%s is no array", at)
	}
	items, _ := sc["items"].(schema)
	var errs []error
	for i, x := range list {
		errs = append(errs, s.check(items, x, fmt.Sprintf("%s[%d]", at, i)))
	}
	return errors.Join(errs...)
}

func text(sc schema, v any, at string) error {
	t, ok := v.(string)
	if !ok {
		return fmt.Errorf("%s is no string", at)
	}
	n := float64(utf8.RuneCountInString(t))
	if least, ok := sc["minLength"].(float64); ok && n < least {
		return fmt.Errorf("%s is shorter than %v", at, least)
	}
	if most, ok := sc["maxLength"].(float64); ok && n > most {
		return fmt.Errorf("%s is longer than %v", at, most)
	}
	if p, ok := sc["pattern"].(string); ok {
		if matched, err := regexp.MatchString(p, t); err != nil || !matched {
			return fmt.Errorf("%s does not match %s (%w)", at, p, err)
		}
	}
	switch sc["format"] {
	case nil:
		return nil
	case "date-time":
		_, err := time.Parse(time.RFC3339, t)
		return err
	}
	return fmt.Errorf("%s: format %v is not for this checker", at, sc["format"])
}

func integer(sc schema, v any, at string) error {
	n, ok := v.(float64)
	if !ok || n != math.Trunc(n) {
		return fmt.Errorf("%s is no integer", at)
	}
	if least, ok := sc["minimum"].(float64); ok && n < least {
		return fmt.Errorf("%s is less than %v", at, least)
	}
	if most, ok := sc["maximum"].(float64); ok && n > most {
		return fmt.Errorf("%s is more than %v", at, most)
	}
	return nil
}

func TestSchemaChecker(t *testing.T) {
	var all schemas
	err := json.Unmarshal([]byte(`{
		"A": {"type": "object", "required": ["kind", "n"], "properties": {"kind": {"const": "a"}, "n": {"type": "integer", "minimum": 1, "maximum": 9}}},
		"B": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "b"}, "at": {"type": "string", "format": "date-time"}}},
		"One": {"oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}], "discriminator": {"propertyName": "kind",
			"mapping": {"a": "#/components/schemas/A", "b": "#/components/schemas/B"}}},
		"List": {"type": "array", "items": {"$ref": "#/components/schemas/One"}},
		"Half": {"type": "number"},
		"Word": {"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-zé]+$"},
		"Odd": {"anyOf": []}, "Lost": {"$ref": "#/components/schemas/None"}
	}`), &all)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, value, wrong string }{
		{"A", `{"kind":"a","n":1}`, ""},
		{"List", `[{"kind":"b","at":"2026-09-07T10:00:00.5Z"},{"kind":"a","n":9}]`, ""},
		{"Word", `"éa"`, ""},
		{"Half", `0.5`, ""},
		{"Half", `"0.5"`, "no number"},
		{"A", `{"kind":"a"}`, "lacks n"},
		{"A", `{"kind":"a","n":1,"m":1}`, "v.m is not documented"},
		{"A", `{"kind":"a","n":0}`, "less than"},
		{"A", `{"kind":"a","n":10}`, "more than"},
		{"A", `{"kind":"a","n":1.5}`, "no integer"},
		{"A", `{"kind":"x","n":1}`, "not a"},
		{"A", `[]`, "no object"},
		{"B", `{"kind":"b","at":"yesterday"}`, "cannot parse"},
		{"One", `{"kind":"c"}`, "not documented"},
		{"List", `[{"kind":"b"},7]`, "v[1] is no object"},
		{"Word", `"a"`, "shorter"},
		{"Word", `"aaaa"`, "longer"},
		{"Word", `"A1"`, "does not match"},
		{"Word", `1`, "no string"},
		{"Odd", `1`, "keyword anyOf"},
		{"Lost", `1`, "no schema"},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.value), &v); err != nil {
			t.Fatal(err)
		}
		err := all.check(all[c.name].(schema), v, "v")
		if got := fmt.Sprint(err); (c.wrong == "") != (err == nil) || !strings.Contains(got, c.wrong) {
			t.Errorf("%s %s: %s, want %q", c.name, c.value, got, c.wrong)
		}
	}
}
