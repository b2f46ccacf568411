// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/raft"

	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
)

// Prove looks through all records of this node for what no run of commands can have left.
func (c *Cluster) Prove(ctx context.Context) (p *desk.Proof, err error) {
	err = c.read(ctx, func(src desk.Source) (err error) {
		p, err = desk.Prove(src)
		return err
	})
	return p, err
}

// ReadFiles reads every file that a record refers to, here or, if it isn't here, from another node. It returns how many there
// are and what it objects to.
func (c *Cluster) ReadFiles(ctx context.Context, note func(done, total int)) (n int, objections []string, err error) {
	seen := map[blob.Hash]bool{}
	var all []blob.Hash
	err = c.read(ctx, func(src desk.Source) error {
		return desk.EachFile(src, func(hash string) error {
			h, err := blob.ParseHash(hash)
			if err != nil {
				objections = append(objections, fmt.Sprintf("a record refers to %.70q, which names no file", hash))
			} else if !seen[h] {
				seen[h] = true
				all = append(all, h)
			}
			return nil
		})
	})
	for i, h := range all {
		if err != nil || ctx.Err() != nil {
			break
		}
		note(i, len(all))
		err := c.here(ctx, h)
		if err == nil {
			err = c.files.store.Verify(ctx, h)
		}
		if err != nil {
			objections = append(objections, fmt.Sprintf("file %s can't be read: %v", h, err))
		}
	}
	return len(all), objections, errors.Join(err, ctx.Err())
}

// Holds looks for a word in everything that this node keeps on its disk, whatever the case of its Latin letters: the bytes of
// all files under its directory, and what they hold in another form (records whose encoding is spread over pages, entries of
// the log). It returns where the word stands.
func (c *Cluster) Holds(ctx context.Context, word string) (places []string, err error) {
	found := map[string]bool{}
	add := func(place string) {
		if !found[place] {
			found[place] = true
			places = append(places, place)
		}
	}
	err = c.read(ctx, func(src desk.Source) error {
		return desk.EachWord(src, word, func(t desk.Table) { add("records of the table " + string(t)) })
	})
	if err == nil {
		err = c.logHolds(ctx, word, add)
	}
	if err == nil {
		err = filesHold(ctx, c.cfg.Dir, word, add)
	}
	return places, err
}

// logHolds reads the log's entries, also those that were cut off at the front as long as they can be read.
func (c *Cluster) logHolds(ctx context.Context, word string, add func(string)) error {
	last, err := c.disk.LastIndex()
	if err != nil {
		return err
	}
	want := []byte(strings.ToLower(word))
	for i := last; i > 0; i-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		var l raft.Log
		if err := c.disk.peek(i, &l); errors.Is(err, raft.ErrLogNotFound) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read entry %d of the log: %w", i, err)
		}
		if bytes.Contains(bytes.ToLower(l.Data), want) {
			add("log")
			return nil
		}
	}
	return nil
}

// filesHold reads the bytes of all files below a directory. Where a file stands in it by its hash, the directory is named.
func filesHold(ctx context.Context, dir, word string, add func(string)) error {
	want := []byte(strings.ToLower(word))
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !e.Type().IsRegular():
			return nil
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if bytes.Contains(bytes.ToLower([]byte(name)), want) {
			add("the name of " + name)
		}
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		held, err := holds(f, want)
		if held {
			add(name)
		}
		return err
	})
}

// holds looks for a word in lower case in what r gives.
func holds(r io.Reader, want []byte) (bool, error) {
	buf := make([]byte, 0, 256<<10+len(want))
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		lower(buf[len(buf) : len(buf)+n])
		buf = buf[:len(buf)+n]
		if bytes.Contains(buf, want) {
			return true, nil
		}
		if keep := len(want) - 1; len(buf) > keep {
			buf = buf[:copy(buf, buf[len(buf)-keep:])]
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// lower makes the Latin letters among any bytes small.
func lower(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
}
