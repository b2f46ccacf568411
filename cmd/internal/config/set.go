// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"refdesk/cluster/desk"
)

// Set applies one override KEY=VALUE to c: the key dotted ("clocks.transfer", "cluster.peers.n1.address"), the value
// as it stands in the file, quotes optional, lists as a TOML array or separated by commas. It does not validate; Parse
// does. The error is a Problem.
func Set(c *Config, override string) error {
	key, value, ok := strings.Cut(override, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !ok || key == "" {
		return Problem{Key: override, Text: "write KEY=VALUE, for example clocks.transfer=30s"}
	}
	leaf := leafOf(key)
	if leaf == nil {
		return Problem{Key: key, Text: unknownText(key)}
	}
	var one map[string]any
	err := toml.Unmarshal([]byte("v = "+literal(leaf, value)), &one)
	if v, ok := one["v"]; err == nil && ok && len(one) == 1 {
		if p, ok := assign(c, strings.Split(key, "."), v); !ok {
			return p
		}
		return nil
	}
	return Problem{Key: key, Text: "write " + wanted(key)}
}

// Keys lists every key of a configuration, sorted. Keys of peers stand for each node's with "ID" in its place.
func Keys() []string {
	var keys []string
	for name, t := range leaves() {
		if t != nil {
			keys = append(keys, name)
		}
	}
	slices.Sort(keys)
	return keys
}

// leaves maps each dotted key to the type of its value.
func leaves() map[string]reflect.Type {
	m := map[string]reflect.Type{}
	var walk func(prefix string, t reflect.Type)
	walk = func(prefix string, t reflect.Type) {
		for f := range t.Fields() {
			name := prefix + f.Tag.Get("toml")
			switch {
			case name == "clocks":
				for _, i := range desk.Clocks() {
					m[name+"."+i.Name] = f.Type.Elem()
				}
			case f.Type.Kind() == reflect.Map:
				walk(name+".ID.", f.Type.Elem())
			case f.Type.Kind() == reflect.Struct:
				walk(name+".", f.Type)
			default:
				m[name] = f.Type
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
	return m
}

// leafOf is the type of the value at a dotted key, nil if there is no such key.
func leafOf(key string) reflect.Type {
	if parts := strings.Split(key, "."); len(parts) == 4 && parts[1] == "peers" {
		parts[2] = "ID"
		key = strings.Join(parts, ".")
	}
	return leaves()[key]
}

// isTable says whether a dotted key is a table that holds keys.
func isTable(key string) bool {
	if parts := strings.Split(key, "."); len(parts) == 3 && parts[1] == "peers" {
		key = "cluster.peers.ID"
	}
	for k := range leaves() {
		if strings.HasPrefix(k, key+".") {
			return true
		}
	}
	return false
}

// wanted says in words what the value of a key looks like; "" for an unknown key.
func wanted(key string) string {
	t := leafOf(key)
	switch {
	case t == nil:
		return ""
	case t == reflect.TypeFor[Duration]():
		return `a duration such as "20s", "5m" or "1h30m"`
	case t.Kind() == reflect.String:
		return "a text in quotes"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	}
	return `a list of texts such as ["a", "b"]`
}

// literal writes a value of type t as TOML, adding the quotes that a command line tends to lose.
func literal(t reflect.Type, value string) string {
	switch {
	case t.Kind() == reflect.Slice:
		if strings.HasPrefix(value, "[") {
			return value
		}
		var items []string
		for _, v := range strings.Split(value, ",") {
			if v = strings.TrimSpace(v); v != "" {
				items = append(items, quote(v))
			}
		}
		return "[" + strings.Join(items, ", ") + "]"
	case t.Kind() == reflect.String || t == reflect.TypeFor[Duration]():
		if strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'") {
			return value
		}
		return quote(value)
	case t.Kind() == reflect.Float64 && !strings.ContainsAny(value, ".eE"):
		return value + ".0"
	}
	return value
}

// quote writes s as a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
