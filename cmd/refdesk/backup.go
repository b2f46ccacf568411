// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"refdesk/cmd/internal/node"
)

// names parses flags and arguments in any order and refuses more arguments than there are words for.
func (in *invocation) names(words ...string) ([]string, error) {
	var got []string
	for {
		if err := in.parse(); err != nil {
			return nil, err
		}
		if len(in.args) == 0 {
			return got, nil
		}
		if len(got) == len(words) {
			return nil, usagef("what is %q?", in.args[0])
		}
		got, in.args = append(got, in.args[0]), in.args[1:]
	}
}

// runBackup saves the desk that runs on this machine.
func runBackup(ctx context.Context, in *invocation) error {
	dir := in.flags.String("dir", "data", "the node's data `DIR`ectory")
	key := in.flags.String("key", "", "the desk's key, `FILE` (default: desk.key in the data directory)")
	asJSON := in.flags.Bool("json", false, "print one JSON object")
	quiet := in.flags.Bool("quiet", false, "say nothing on the way")
	names, err := in.names("TARGET")
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return usagef("name the directory to write the backup to; it must not exist yet")
	}
	p := newProgress(in.stderr, *quiet)
	r, err := node.Backup(ctx, *dir, names[0], *key, p.tell)
	p.end()
	if err != nil {
		return err
	}
	for _, hash := range r.Missing {
		fmt.Fprintf(in.stderr, "no node has the file %s; it is not in the backup\n", hash)
	}
	if *asJSON {
		return json.NewEncoder(in.stdout).Encode(map[string]any{"dir": names[0], "bytes": r.Bytes, "manifest": r.Manifest})
	}
	fmt.Fprintf(in.stdout, "The desk as of event %d is in %s: %s, %d files. It opens with the desk's key alone; keep a copy of desk.key elsewhere.\n",
		r.Manifest.Seq, names[0], size(r.Bytes), r.Manifest.Files)
	return nil
}

// runRestore makes a new desk of a backup.
func runRestore(ctx context.Context, in *invocation) error {
	key := in.flags.String("key", "", "the key of the desk that was backed up, `FILE` (default: desk.key in DIR)")
	quiet := in.flags.Bool("quiet", false, "say nothing on the way")
	names, err := in.names("BACKUP", "DIR")
	if err != nil {
		return err
	}
	if len(names) < 2 {
		return usagef("name the backup, and the empty directory to restore it into")
	}
	p := newProgress(in.stderr, *quiet)
	r, err := node.Restore(ctx, names[0], names[1], *key, p.tell)
	p.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(in.stdout, "%s holds a new desk with the records of %s, event %d. Set desk.dir to it and start it with refdesk serve; other nodes join it.\n",
		names[1], r.Manifest.Made.Local().Format("2006-01-02 15:04:05"), r.Manifest.Seq)
	return nil
}

// runVerify proves the history of a running desk or of a backup.
func runVerify(ctx context.Context, in *invocation) error {
	dir := in.flags.String("dir", "data", "the node's data `DIR`ectory")
	key := in.flags.String("key", "", "of a backup: the desk's key, `FILE`; without it only the sums are compared")
	word := in.flags.String("erased", "", "look for `WORD` on this node's disk instead: nothing may hold it")
	asJSON := in.flags.Bool("json", false, "print one JSON object")
	quiet := in.flags.Bool("quiet", false, "say nothing on the way")
	names, err := in.names("BACKUP")
	if err != nil {
		return err
	}
	p := newProgress(in.stderr, *quiet)
	var r node.VerifyResult
	switch {
	case len(names) > 0 && *word != "":
		return usagef("--erased looks on a running node; backups keep what was erased after them")
	case len(names) > 0:
		r, err = node.VerifyBackup(ctx, names[0], *key, p.tell)
	default:
		r, err = node.Verify(ctx, *dir, node.VerifyArgs{Erased: *word}, p.tell)
	}
	p.end()
	if err != nil {
		return err
	}
	if *asJSON {
		if err := json.NewEncoder(in.stdout).Encode(r); err != nil {
			return err
		}
	} else {
		printVerdict(in.stdout, r)
	}
	switch n := len(r.Objections); {
	case n == 0:
		return nil
	case r.Erased:
		return fmt.Errorf("the word is still there; places: %d", n)
	default:
		return fmt.Errorf("%s does not prove itself; objections: %d", r.Of, n)
	}
}

func printVerdict(w io.Writer, r node.VerifyResult) {
	for _, s := range r.Nodes {
		digest := "no answer"
		if len(s.Digest) > 16 {
			digest = s.Digest[:16] + "…"
		}
		fmt.Fprintf(w, "%-20s applied %-10d digest %s\n", s.ID, s.Applied, digest)
	}
	if !r.Erased && !r.Sealed {
		for _, row := range []struct {
			what string
			n    uint64
		}{{"records", r.Records}, {"chats", r.Chats}, {"lines", r.Lines}, {"events kept", r.Events}, {"keys", r.Keys}, {"files", uint64(r.Files)}, {"last event", r.Seq}, {"epoch", r.Epoch}} {
			fmt.Fprintf(w, "%-20s %d\n", row.what, row.n)
		}
	}
	for _, o := range r.Objections {
		fmt.Fprintf(w, "objection: %s\n", o)
	}
	switch {
	case len(r.Objections) > 0:
	case r.Erased:
		fmt.Fprintf(w, "%s: the word stands nowhere on this node's disk. Backups made before and staff's devices were not looked at.\n", r.Of)
	case r.Sealed:
		fmt.Fprintf(w, "%s: its parts are what its manifest says. To prove what is in it, give the desk's key with --key.\n", r.Of)
	default:
		fmt.Fprintf(w, "%s: no objections\n", r.Of)
	}
}

// progress tells on one line how far something is, at most four times a second.
type progress struct {
	w    io.Writer
	last time.Time
	what string
	said bool
}

// newProgress tells people; where nobody looks on, such as in a timer's log, it says nothing.
func newProgress(w io.Writer, quiet bool) *progress {
	f, ok := w.(*os.File)
	if ok {
		info, err := f.Stat()
		ok = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if quiet || !ok {
		w = io.Discard
	}
	return &progress{w: w}
}

func (p *progress) tell(what string, done, total int64) {
	if what == p.what && time.Since(p.last) < 250*time.Millisecond {
		return
	}
	p.last, p.said = time.Now(), true
	if what != p.what && p.what != "" {
		fmt.Fprintln(p.w)
	}
	p.what = what
	if total > 0 {
		fmt.Fprintf(p.w, "\r%s: %d %%", what, 100*done/total)
	} else {
		fmt.Fprintf(p.w, "\r%s …", what)
	}
}

func (p *progress) end() {
	if p.said {
		fmt.Fprintln(p.w)
	}
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
