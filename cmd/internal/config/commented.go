// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"regexp"
	"strings"
)

// sampleLine is a key of the sample with its value and what explains it.
var sampleLine = regexp.MustCompile(`^([a-z_]+) = ("[^"]*"|\[\]|[^ #]+)( *)(#.*)?$`)

// Commented writes c as the sample reads, with c's values in it. Parse reads it back to the same value.
func (c *Config) Commented() ([]byte, error) {
	plain, err := c.Encode()
	if err != nil {
		return nil, err
	}
	standard := Default()
	was, err := standard.Encode()
	if err != nil {
		return nil, err
	}
	values, peers := valuesOf(string(plain))
	defaults, _ := valuesOf(string(was))
	var out strings.Builder
	section := ""
	_, text, _ := strings.Cut(sample, "#\n") // the licence is the program's, not the file's
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "[") {
			section, _, _ = strings.Cut(strings.TrimPrefix(line, "["), "]")
		}
		m := sampleLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil || values[section+"."+m[1]] == defaults[section+"."+m[1]] {
			out.WriteString(line)
			continue
		}
		value := values[section+"."+m[1]]
		fmt.Fprintf(&out, "%-27s", m[1]+" = "+value)
		if m[4] != "" {
			out.WriteString(" " + m[4])
		}
		out.WriteString("\n")
	}
	if len(peers) > 0 {
		out.WriteString("\n" + strings.Join(peers, "\n") + "\n")
	}
	text = out.String()
	read, err := Parse("refdesk.toml", []byte(text))
	if err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	if again, err := read.Encode(); err != nil || string(again) != string(plain) {
		return nil, fmt.Errorf("the configuration reads otherwise than it was meant; %v", err)
	}
	return []byte(text), nil
}

// valuesOf reads what Encode wrote: the values by dotted key as they stand there, and the lines of the peers.
func valuesOf(encoded string) (values map[string]string, peers []string) {
	values = map[string]string{}
	section := ""
	for line := range strings.Lines(encoded) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
		}
		if strings.HasPrefix(section, "cluster.peers.") {
			peers = append(peers, line)
			continue
		}
		if key, value, ok := strings.Cut(line, " = "); ok {
			values[section+"."+key] = value
		}
	}
	return values, peers
}
