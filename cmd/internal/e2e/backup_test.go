// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A desk is saved while its patrons write, restored on another machine as a new one, and goes on there: nothing that was
// acknowledged before the backup began is missing, and both desks prove their histories.
func TestBackupRestoreVerify(t *testing.T) {
	r := start(t, 3)
	l := startLoad(t, r)
	l.more(r, 5*chats)
	data := func(id string) string { return filepath.Join(r.Dir, id, "data") }
	saved := filepath.Join(t.TempDir(), "saved")
	began := time.Now()
	code, out, errs := refdesk(t, "backup", saved, "--dir", data("n1"), "--json")
	if code != 0 || errs != "" {
		t.Fatalf("backup: exit %d, %s%s", code, out, errs)
	}
	var got struct {
		Manifest struct{ Seq, Epoch uint64 }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Manifest.Seq == 0 || got.Manifest.Epoch != 1 {
		t.Fatalf("backup prints %s: %v", out, err)
	}
	proves(t, "--dir", data("n2")) // while it is written to
	l.more(r, chats)
	l.verify(r)
	proves(t, "--dir", data("n0"))
	proves(t, saved)
	proves(t, saved, "--key", filepath.Join(data("n0"), "desk.key"))
	if code, out, _ := refdesk(t, "verify", "--dir", data("n0"), "--erased", "pâté-neverwritten"); code != 0 {
		t.Errorf("a word that nobody wrote: %s", out)
	}
	if code, out, _ := refdesk(t, "verify", "--dir", data("n0"), "--erased", "Willowmere"); code != 1 || !strings.Contains(out, "records of the table") {
		t.Errorf("the desk's name: exit %d, %s", code, out)
	}

	url, home := restored(t, r, saved, filepath.Join(data("n0"), "desk.key"))
	for i, p := range l.patrons {
		var before []ack
		for _, a := range p.acked {
			if a.got.Before(began) {
				before = append(before, a)
			}
		}
		p.nodes, p.at = []string{url}, 0
		if err := p.post(context.Background(), "after the restore"); err != nil {
			t.Fatalf("patron %d: %v", i, err)
		}
		after := p.acked[len(p.acked)-1]
		if after.seq < got.Manifest.Seq+1_000_000 {
			t.Errorf("patron %d: seq %d after the restore, %d before", i, after.seq, got.Manifest.Seq)
		}
		events, err := p.history(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		for _, objection := range checkHistory(append(before, after), events) {
			t.Errorf("patron %d on the new desk: %s", i, objection)
		}
	}
	proves(t, "--dir", home)
}

// proves has refdesk verify something.
func proves(t *testing.T, args ...string) {
	t.Helper()
	code, out, errs := refdesk(t, append([]string{"verify", "--json"}, args...)...)
	var r struct {
		Objections []string
		Lines      int
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Objections == nil || len(r.Objections) > 0 {
		t.Errorf("verify %q: exit %d, %v, %s%s", args, code, err, out, errs)
	}
}

// restored starts a new desk of a backup, with a configuration of its own, and returns its URL and data directory.
func restored(t *testing.T, r *running, saved, key string) (url, home string) {
	t.Helper()
	dir := t.TempDir()
	home = filepath.Join(dir, "data")
	if code, out, errs := refdesk(t, "restore", saved, home, "--key", key); code != 0 {
		t.Fatalf("restore: exit %d, %s%s", code, out, errs)
	}
	if code, _, errs := refdesk(t, "restore", saved, home, "--key", key); code != 1 || !strings.Contains(errs, "is not empty") {
		t.Errorf("restore over it: exit %d, %s", code, errs)
	}
	base := freePorts(t, 1)
	addr := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i)) }
	config := filepath.Join(dir, "refdesk.toml")
	url = "http://" + addr(0)
	text := fmt.Sprintf("[desk]\nname = %q\ndomain = %q\ndir = \"data\"\n[http]\nlisten = %q\npublic_url = %q\n[xmpp]\nlisten = %q\nallow_login_without_tls = true\n[cluster]\nid = \"m0\"\n",
		"Willowmere Library", r.Domain, addr(0), "http://localhost:"+strconv.Itoa(base), addr(2))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary(t), "serve", "-c", config)
	log := &lockedFile{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of the new desk:\n%s", log.tail())
		}
	})
	new := running{t: t, desk: desk{Nodes: []node{{ID: "m0", HTTP: url}}}}
	new.ready(0)
	return url, home
}
