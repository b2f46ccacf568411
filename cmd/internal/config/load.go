// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile is the largest configuration file that is read, in bytes.
const maxFile = 1 << 20

// Load reads, completes and validates the file, then applies overrides of the form KEY=VALUE (dotted keys). Paths come
// back absolute, relative ones taken from the file's folder. The error is Problems, or names the file that could not
// be read.
func Load(file string, overrides ...string) (Config, error) {
	info, err := os.Stat(file)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	if info.Size() > maxFile {
		return Config{}, fmt.Errorf("read configuration %s: larger than 1 MiB, so it is no configuration", file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	c, err := Parse(file, data, overrides...)
	if err != nil {
		return Config{}, err
	}
	base, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return Config{}, fmt.Errorf("read configuration %s: %w", file, err)
	}
	c.resolve(base)
	return c, nil
}

// Parse decodes data over the defaults, applies the overrides and validates. Name stands for the file in Problems.
// Paths stay as they are written.
func Parse(name string, data []byte, overrides ...string) (Config, error) {
	c := Default()
	at := lines(data)
	problems := decode(&c, name, data, at)
	for _, o := range overrides {
		if err := Set(&c, o); err != nil {
			var p Problem
			if !errors.As(err, &p) {
				return Config{}, err
			}
			problems = append(problems, p)
		}
	}
	told := map[string]bool{}
	for _, p := range problems {
		told[p.Key] = true
	}
	for _, p := range c.check() {
		if !told[p.Key] { // a value that couldn't be read still has its default
			problems = append(problems, Problem{File: name, Line: lineOf(at, p.Key), Key: p.Key, Text: p.Text})
		}
	}
	if len(problems) > 0 {
		return Config{}, problems.sorted()
	}
	return c, nil
}

// decode reads data into c, value by value, so that one wrong value doesn't hide the next.
func decode(c *Config, name string, data []byte, at map[string]int) Problems {
	var all map[string]any
	if err := toml.Unmarshal(data, &all); err != nil {
		p := Problem{File: name, Text: err.Error()}
		var wrong *toml.DecodeError
		if errors.As(err, &wrong) {
			p.Line, _ = wrong.Position()
			p.Text = strings.TrimPrefix(wrong.Error(), "toml: ")
		}
		return Problems{p}
	}
	var problems Problems
	each(nil, all, func(path []string, value any) {
		if p, ok := assign(c, path, value); !ok {
			p.File, p.Line = name, at[p.Key]
			for n := len(path); p.Line == 0 && n > 0; n-- { // in an inline table, or an empty one
				p.Line = at[strings.Join(path[:n], ".")]
			}
			problems = append(problems, p)
		}
	})
	return problems
}

// each calls f for each value that is no table, and for each empty table.
func each(path []string, v any, f func(path []string, value any)) {
	table, ok := v.(map[string]any)
	if !ok || len(table) == 0 && len(path) > 0 {
		f(path, v)
		return
	}
	for _, k := range slices.Sorted(maps.Keys(table)) {
		each(append(slices.Clone(path), k), table[k], f)
	}
}

// assign sets one value of c; on a mistake it leaves c alone and returns it.
func assign(c *Config, path []string, value any) (Problem, bool) {
	key := strings.Join(path, ".")
	if _, ok := value.(map[string]any); ok && isTable(key) {
		return Problem{}, true
	}
	if leafOf(key) == nil {
		return Problem{Key: key, Text: unknownText(key)}, false
	}
	doc := value
	for _, k := range slices.Backward(path) {
		doc = map[string]any{k: doc}
	}
	b, err := toml.Marshal(doc)
	n := c.Clone()
	if err == nil {
		d := toml.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		err = d.Decode(&n)
	}
	if err != nil {
		return Problem{Key: key, Text: "write " + wanted(key)}, false
	}
	*c = n
	return Problem{}, true
}

// lineOf is the line of a key, of the first key below it, or 0.
func lineOf(at map[string]int, key string) int {
	line := at[key]
	for k, n := range at {
		if at[key] == 0 && strings.HasPrefix(k, key+".") && (line == 0 || n < line) {
			line = n
		}
	}
	return line
}

// lines tells on which line each dotted key stands. What can't be parsed is left out.
func lines(data []byte) map[string]int {
	at := map[string]int{}
	var p unstable.Parser
	p.Reset(data)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind != unstable.KeyValue && e.Kind != unstable.Table && e.Kind != unstable.ArrayTable {
			continue
		}
		var parts []string
		line := 0
		for it := e.Key(); it.Next(); {
			k := it.Node()
			parts = append(parts, string(k.Data))
			line = p.Shape(k.Raw).Start.Line
		}
		key := strings.Join(parts, ".")
		if e.Kind != unstable.KeyValue {
			table = key + "."
			at[key] = line
			continue
		}
		at[table+key] = line
	}
	return at
}

func unknownText(key string) string {
	if n := nearest(key, Keys()); n != "" {
		return fmt.Sprintf("there is no such key; did you mean %s?", n)
	}
	return "there is no such key"
}
