// SPDX-License-Identifier: Apache-2.0

// Package setup makes the directory of a node: of the first one of a new desk, and of one that joins a desk that runs.
//
// A directory made here holds refdesk.toml, the certificates by which nodes know each other, and the data directory with
// desk.key. Everything can be repeated after a crash: a new desk appears under its name only when it is whole, and a
// machine that joins keeps its key from its first attempt.
package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// The names in a node's directory.
const (
	configFile  = "refdesk.toml"
	dataDir     = "data"
	caFile      = "ca.pem"
	certFile    = "node.pem"
	keyFile     = "node.key"
	doorFile    = "door.pem" // of web and XMPP, until the library gives them one that browsers trust
	doorKeyFile = "door.key"
	attemptFile = "join.json"
)

func save(file string, data []byte, mode fs.FileMode) error {
	if err := renameio.WriteFile(file, data, mode); err != nil {
		return fmt.Errorf("write %s: %w; choose another directory", file, err)
	}
	return nil
}

// empty says why a directory can't take something new. One that isn't there can.
func empty(dir string) error {
	files, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look into %s: %w; choose another directory", dir, err)
	case len(files) > 0:
		if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
			return fmt.Errorf("%s holds a node already; start it with refdesk serve -c %s, or choose another directory", dir, filepath.Join(dir, configFile))
		}
		return fmt.Errorf("%s is not empty (%s is there); choose another directory", dir, files[0].Name())
	}
	return nil
}
