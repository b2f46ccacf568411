// SPDX-License-Identifier: Apache-2.0

// Package ctl is the local admin socket, both ends: how `refdesk staff add` reaches the node that runs on the same
// machine.
//
// The socket lies in the data directory with mode 0600: who may open it may read the desk's data anyway, so there is no
// further sign-in. A connection carries one request and one response, each one JSON object on a line of bounded size:
//
//	{"cmd":"staff list","args":{…}}
//	{"result":{…}}  or  {"error":"one sentence","code":"not-found"}
//
// A slow or silent peer is cut off by deadlines on either end.
package ctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Name is the socket's file name in the data directory.
const Name = "admin.sock"

// Sizes and times of the protocol.
const (
	maxRequest  = 64 << 10         // bytes, newline included
	maxResponse = 1 << 20          // bytes, newline included
	maxConns    = 16               // served at once; others wait to be accepted
	readTime    = 5 * time.Second  // for the whole request
	workTime    = 30 * time.Second // for the handler
	writeTime   = 5 * time.Second  // for the whole response
)

// ErrNotRunning says that no node answers on the data directory.
var ErrNotRunning = errors.New("no desk is running there")

// Error is a refusal by a handler, as the caller gets it.
type Error struct {
	Code string // stable, "" when there is none
	Text string // one sentence
}

// Error is the sentence.
func (e *Error) Error() string { return e.Text }

type request struct {
	Cmd  string          `json:"cmd"`
	Args json.RawMessage `json:"args,omitempty"`
}

type response struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
	Code   string          `json:"code,omitempty"`
}

// place is an open data directory. The address of a Unix socket holds 107 bytes; where the path is longer, the
// directory is addressed through its descriptor.
type place struct {
	dir  *os.File
	path string
}

func open(dir string) (*place, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	p := &place{f, dir}
	if len(filepath.Join(dir, Name))+16 > 107 { // 16: room for the name while the socket is being made
		p.path = fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	}
	return p, nil
}

func (p *place) join(name string) string { return filepath.Join(p.path, name) }

func (p *place) close() error { return p.dir.Close() }
