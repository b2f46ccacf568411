// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"refdesk/cluster"
	"refdesk/cluster/backup"
	"refdesk/cluster/blob"
	"refdesk/cmd/internal/ctl"
)

// startBackup has the node make a copy of the desk in its own directory, for whoever asked to seal and carry away.
func (n *Node) startBackup(context.Context, struct{}) (JobState, error) {
	return n.jobs.start(func(ctx context.Context, tell note) (any, func(), error) {
		s, err := n.store.Save(ctx, tell)
		if err != nil {
			return nil, nil, err
		}
		r := savedCopy{Node: n.cfg.Cluster.ID, Desk: s.Desk, Dir: s.Dir, Database: s.Database, Epoch: s.Epoch, Seq: s.Seq, Digest: hex.EncodeToString(s.Digest), Files: len(s.Files), Missing: s.Missing}
		return r, func() { _ = os.RemoveAll(s.Dir) }, nil // what stays the next start takes
	})
}

// savedCopy is where the copy lies and what it is. The files stand beside the database by their hashes.
type savedCopy struct {
	Node, Desk, Dir, Database string
	Epoch, Seq                uint64
	Digest                    string
	Files                     int
	Missing                   []string
}

// Progress is told to whoever waits.
type Progress func(what string, done, total int64)

// BackupResult says what a backup holds.
type BackupResult struct {
	Manifest backup.Manifest
	Bytes    int64
	Missing  []string // hashes of files that no node had
}

// Backup saves the desk that runs on the data directory to target, sealed with the key in keyFile (the desk's own, "" = that
// in the data directory).
func Backup(ctx context.Context, data, target, keyFile string, tell Progress) (r BackupResult, err error) {
	if keyFile == "" {
		keyFile = filepath.Join(data, KeyFile)
	}
	key, err := readKey(keyFile)
	if err != nil {
		return r, err
	}
	var c savedCopy
	end, err := follow(ctx, data, "backup", nil, &c, tell)
	if err != nil {
		return r, err
	}
	defer end()
	from, err := c.source()
	if err != nil {
		return r, err
	}
	facts := backup.Manifest{
		Program: Version, Desk: c.Desk, Node: c.Node, Made: time.Now().UTC().Truncate(time.Second), Epoch: c.Epoch, Seq: c.Seq, Digest: c.Digest, Missing: len(c.Missing),
	}
	m, err := backup.Write(ctx, target, key, facts, from, func(done, total int64) { tell("write", done, total) })
	if err != nil {
		return r, err
	}
	r = BackupResult{Manifest: *m, Missing: c.Missing}
	for _, p := range m.Parts {
		r.Bytes += p.Size
	}
	return r, nil
}

// source is the copy as a backup is written from it.
func (c savedCopy) source() (backup.Source, error) {
	s := backup.Source{Database: c.Database, Open: func(h blob.Hash) (io.ReadCloser, error) {
		return os.Open(filepath.Join(c.Dir, h.String()))
	}}
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return s, fmt.Errorf("read the node's copy: %w; run this as the user who owns the directory", err)
	}
	for _, e := range entries {
		h, err := blob.ParseHash(e.Name())
		if err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return s, fmt.Errorf("read the node's copy: %w", err)
		}
		s.Files = append(s.Files, blob.Ref{Hash: h, Size: info.Size()})
	}
	if len(s.Files) != c.Files {
		return s, fmt.Errorf("the node's copy has %d files, not %d; try again", len(s.Files), c.Files)
	}
	return s, nil
}

// How often a job is asked for: while it runs, and while its result is in use.
const (
	askEvery  = 150 * time.Millisecond
	keepEvery = lease / 6
)

// follow starts a job on the node that runs on dir and waits for its result. End gives the result back; until then it is
// kept.
func follow(ctx context.Context, dir, cmd string, args, result any, tell Progress) (end func(), err error) {
	var s JobState
	if err := ctl.Call(ctx, dir, cmd, args, &s); err != nil {
		return nil, err
	}
	ask := JobArgs{ID: s.ID}
	stop := func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		_ = ctl.Call(last, dir, "job", JobArgs{ID: ask.ID, End: true}, nil) // the node ends it by itself after a minute
	}
	for !s.Over {
		if s.What != "" {
			tell(s.What, int64(s.Done), int64(s.Total))
		}
		err := rest(ctx, askEvery)
		if err == nil {
			err = ctl.Call(ctx, dir, "job", ask, &s)
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			stop()
			return nil, err
		}
	}
	if s.Error != "" {
		stop()
		return nil, errors.New(s.Error)
	}
	if err := json.Unmarshal(s.Result, result); err != nil {
		stop()
		return nil, fmt.Errorf("the node's answer: %w", err)
	}
	keep, done := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		for rest(keep, keepEvery) == nil {
			_ = ctl.Call(keep, dir, "job", ask, nil)
		}
	}()
	return func() { done(); <-kept; stop() }, nil
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RestoreResult says what was restored.
type RestoreResult struct {
	Manifest backup.Manifest
	Desk     string // the new desk's id
}

// Restore makes a new desk of a backup in dir. The key is that of the desk that was backed up ("" = the one in dir).
func Restore(ctx context.Context, from, dir, keyFile string, tell Progress) (r RestoreResult, err error) {
	b, err := openBackup(ctx, from, tell)
	if err != nil {
		return r, err
	}
	if keyFile == "" {
		keyFile = filepath.Join(dir, KeyFile)
	}
	key, err := readKey(keyFile)
	if err != nil {
		return r, fmt.Errorf("the backup can't be opened without the desk's key: %w", err)
	}
	if err := b.Unlock(key); err != nil {
		return r, err
	}
	r.Manifest = b.Manifest
	r.Desk, err = cluster.Restore(ctx, b, dir, key, func(step string) { tell(step, 0, 0) })
	return r, err
}

// openBackup reads a backup's manifest and compares its sums.
func openBackup(ctx context.Context, dir string, tell Progress) (*backup.Backup, error) {
	b, err := backup.Open(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return nil, err
	}
	return b, b.CheckSums(ctx, func(done, total int64) { tell("compare the sums", done, total) })
}
