// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite"
)

// syncs counts what is synced to disk on each node while messages go: at one sender after the other, each message is a
// batch of its own; with many, messages share a batch. strace slows the nodes down, so that no time is measured with it.
func syncs(d *desk, sc scale, w io.Writer) error {
	if err := d.start(); err != nil {
		return err
	}
	defer d.stop()
	m := newMeter()
	lanes, err := d.lanes(0, m)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "strace -f -y -e trace=fsync,fdatasync; leader, follower, follower\n\n"+
		"| | messages | log entries | syncs of the log | other syncs |\n| --- | --- | --- | --- | --- |\n")
	for _, x := range []struct {
		title string
		run   func() (load, error)
	}{
		{"one sender, the next line after the ack", func() (load, error) { return m.flood(lanes[:1], sc.flood, nil) }},
		{fmt.Sprintf("%d a second", calmRate), func() (load, error) { return m.steady(lanes[:25], calmRate, sc.flood, nil) }},
		{fmt.Sprintf("%d a second", mustRate), func() (load, error) { return m.steady(lanes, mustRate, sc.flood, nil) }},
		{fmt.Sprintf("%d senders", len(lanes)), func() (load, error) { return m.flood(lanes, sc.flood, nil) }},
	} {
		before, err := d.entries()
		if err != nil {
			return err
		}
		var tracers []*tracer
		for _, pid := range d.pids() {
			t, err := trace(pid)
			if err != nil {
				return err
			}
			tracers = append(tracers, t)
		}
		l, err := x.run()
		if err != nil {
			return err
		}
		var logs, others []string
		for _, t := range tracers {
			log, other := t.end()
			logs, others = append(logs, strconv.Itoa(log)), append(others, strconv.Itoa(other))
		}
		after, err := d.entries()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %d | %d | %s | %s |\n", x.title, l.got, after-before, strings.Join(logs, ", "), strings.Join(others, ", "))
	}
	return nil
}

// tracer is an strace at work.
type tracer struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func trace(pid int) (*tracer, error) {
	t := &tracer{cmd: exec.Command("strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-p", strconv.Itoa(pid))}
	t.cmd.Stderr = &t.out
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("strace: %w", err)
	}
	time.Sleep(200 * time.Millisecond) // until it is attached
	return t, nil
}

// end returns how often files of the log were synced, and all others.
func (t *tracer) end() (log, other int) {
	_ = t.cmd.Process.Signal(syscall.SIGINT)
	_ = t.cmd.Wait()
	return callsIn(t.out.String())
}

// callsIn counts the calls by the file that they name. One that strace saw begin and end apart is counted at its beginning.
func callsIn(trace string) (log, other int) {
	for line := range strings.Lines(trace) {
		switch {
		case !strings.Contains(line, "sync("):
		case strings.Contains(line, "/data/log/"):
			log++
		default:
			other++
		}
	}
	return log, other
}

// entries is how many log entries the leader has applied, as its database says.
func (d *desk) entries() (n int, err error) {
	path := filepath.Join(d.run(), d.at(0).ID, "data", "desk.db")
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if err := db.QueryRow("SELECT idx FROM applied").Scan(&n); err != nil {
		return 0, fmt.Errorf("read how far the leader has applied: %w", err)
	}
	return n, nil
}
