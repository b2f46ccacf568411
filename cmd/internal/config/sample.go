// SPDX-License-Identifier: Apache-2.0

package config

import (
	_ "embed"
	"fmt"

	"github.com/pelletier/go-toml/v2"
)

//go:embed sample.toml
var sample string

// Sample is the commented sample file: every key with its default. It is the reference of the configuration.
func Sample() string { return sample }

// Encode writes c as a file that Parse reads back to the same value.
func (c *Config) Encode() ([]byte, error) {
	b, err := toml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	return append([]byte("# refdesk configuration. `refdesk check -c FILE` reads it; refdesk's sample explains every key.\n\n"), b...), nil
}
