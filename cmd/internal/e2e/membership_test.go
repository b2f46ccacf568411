// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// data is the data directory of node i.
func (r *running) data(i int) string { return filepath.Join(filepath.Dir(r.Nodes[i].Start[3]), "data") }

// words runs refdesk and returns what it prints; it has to succeed.
func (r *running) words(args ...string) string {
	r.t.Helper()
	code, out, errs := refdesk(r.t.(*testing.T), args...)
	if code != 0 {
		r.t.Fatalf("refdesk %q: exit %d: %s", args, code, errs)
	}
	return out
}

// standing is what `refdesk status --json` says, by the contract of the command line.
type standing struct {
	Leader string `json:"leader"`
	Term   uint64 `json:"term"`
	Quorum bool   `json:"quorum"`
	Words  string `json:"words"`
	Nodes  []struct {
		ID       string `json:"id"`
		Voter    bool   `json:"voter"`
		Up       bool   `json:"up"`
		Lag      uint64 `json:"lag"`
		Level    uint64 `json:"level"`
		DiskFree uint64 `json:"disk_free"`
	} `json:"nodes"`
}

// status asks node i.
func (r *running) status(i int) standing {
	r.t.Helper()
	var s standing
	if err := json.Unmarshal([]byte(r.words("status", "--json", "--dir", r.data(i))), &s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// growable is a demo of one node whose port to other nodes is open.
func growable(t testing.TB) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	return start(t, 1, append(generous(), "--set", "cluster.listen="+addr)...)
}

// join makes a node of a new machine by the command line, starts it, and waits until it votes.
func (r *running) join(id string) {
	r.t.Helper()
	base := freePorts(r.t, 1)
	addr := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(base+i)) }
	dir := filepath.Join(r.t.TempDir(), id)
	token := strings.TrimSpace(r.words("token", "--dir", r.data(0)))
	said := r.words("join", token, dir, "--id", id, "--cluster", addr(4), "--http", addr(0), "--xmpp", addr(2), "--url", "http://localhost:"+strconv.Itoa(base))
	start := regexp.MustCompile(`refdesk (serve -c \S+)`).FindStringSubmatch(said)
	if start == nil {
		r.t.Fatalf("refdesk join says %q", said)
	}
	r.Nodes = append(r.Nodes, node{
		ID: id, HTTP: "http://localhost:" + strconv.Itoa(base), XMPP: addr(2), Start: append([]string{binary(r.t)}, strings.Fields(start[1])...),
	})
	r.serve(len(r.Nodes) - 1)
	r.ready(len(r.Nodes) - 1)
	r.until(id+" votes", func() error {
		for _, n := range r.status(0).Nodes {
			if n.ID == id && n.Voter {
				return nil
			}
		}
		return errors.New("not yet")
	})
}

// serve starts node i, which the demo knows nothing of.
func (r *running) serve(i int) {
	r.t.Helper()
	n := r.Nodes[i]
	cmd := exec.Command(n.Start[0], n.Start[1:]...)
	cmd.Stdout, cmd.Stderr = r.log, r.log
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.own[n.ID] = cmd
}

// leave has node i leave in good order and waits until its process has ended.
func (r *running) leave(i int) {
	r.t.Helper()
	id := r.Nodes[i].ID
	if said := r.words("leave", "--dir", r.data(i)); !strings.Contains(said, id+" leaves the desk") {
		r.t.Errorf("refdesk leave says %q", said)
	}
	if err := r.own[id].Wait(); err != nil {
		r.t.Errorf("%s ended with %v", id, err)
	}
	delete(r.own, id)
	r.forget(i)
}

// bury kills node i and takes it out.
func (r *running) bury(i int) {
	r.t.Helper()
	id := r.Nodes[i].ID
	r.kill(i)
	r.words("leave", "--dir", r.data(0), "--node", id)
	r.forget(i)
}

func (r *running) forget(i int) { r.Nodes = slices.Delete(slices.Clone(r.Nodes), i, i+1) }

// voters objects as long as node i doesn't name these as the ones that vote and are up.
func (r *running) voters(i int, want ...string) {
	r.t.Helper()
	r.until(fmt.Sprint("the voters are ", want), func() error {
		s := r.status(i)
		var got []string
		for _, n := range s.Nodes {
			if n.Voter && n.Up {
				got = append(got, n.ID)
			}
		}
		if !slices.Equal(got, want) || !s.Quorum || s.Leader == "" {
			return fmt.Errorf("they are %v: %s", got, s.Words)
		}
		return nil
	})
}

// A desk of one becomes three by the command line while patrons write, and one again.
func TestMembershipOneThreeOne(t *testing.T) {
	r := growable(t)
	l := startLoad(t, r)
	l.more(r, chats)
	r.join("n1")
	l.more(r, chats)
	r.join("n2")
	r.voters(2, "n0", "n1", "n2")
	l.more(r, chats)
	late := newPatron([]string{r.Nodes[1].HTTP, r.Nodes[2].HTTP}, 0)
	if err := late.open(t.Context(), "reference", "Is this one desk?"); err != nil {
		t.Fatal(err)
	}
	l.patrons = append(l.patrons, late)
	r.until("patrons' pages know all nodes", func() error {
		page := get(t, r.Nodes[0].HTTP+"/chat/reference")
		for _, n := range r.Nodes[1:] {
			if !strings.Contains(page, n.HTTP) {
				return errors.New(n.ID + " is missing")
			}
		}
		return nil
	})
	for _, n := range r.status(1).Nodes {
		if n.Level == 0 || n.DiskFree == 0 {
			t.Errorf("n1 knows of %s: %+v", n.ID, n)
		}
	}

	gone := r.Nodes[1]
	r.bury(1)
	r.voters(1, "n0", "n2")
	l.more(r, chats)
	r.leave(1)
	r.voters(0, "n0")
	l.more(r, chats)
	l.verify(r)
	if code, _, errs := refdesk(t, gone.Start[1:]...); code != 1 || !strings.Contains(errs, "was removed from the desk") {
		t.Errorf("a node that was removed starts again: exit %d, %s", code, errs)
	}
	if code, _, errs := refdesk(t, "leave", "--dir", r.data(0)); code != 1 || !strings.Contains(errs, "last node") {
		t.Errorf("the last one may leave: exit %d, %s", code, errs)
	}
}

// One becomes three, five and three again, with kills in between, while patrons and staff write. Each acknowledged line is
// there once.
func TestMembershipOneThreeFiveThree(t *testing.T) {
	if os.Getenv("REFDESK_PROOF") == "" {
		t.Skip("a proof: set REFDESK_PROOF")
	}
	r := growable(t)
	l := startLoad(t, r)
	l.more(r, chats)
	l.answer(r)
	for _, id := range []string{"n1", "n2", "n3", "n4"} {
		r.join(id)
		l.more(r, chats*underLoad/2)
	}
	r.voters(4, "n0", "n1", "n2", "n3", "n4")
	for i := 1; i < 5; i++ {
		r.kill(i)
		l.more(r, chats*afterwards/2)
		r.serve(i)
		r.ready(i)
	}
	r.voters(0, "n0", "n1", "n2", "n3", "n4")
	r.leave(1)
	l.more(r, chats*afterwards/2)
	r.bury(1) // n2
	r.voters(2, "n0", "n3", "n4")
	l.more(r, chats*afterwards/2)
	killed := time.Now()
	r.kill(1)
	t.Logf("next line %s after a kill among the three", l.firstAfter(r, killed))
	r.serve(1)
	r.ready(1)
	l.more(r, chats*afterwards/2)
	l.verify(r)
}
