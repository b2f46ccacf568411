// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/node"
)

func options(dir string) InitOptions {
	o := InitDefaults()
	o.Dir, o.Name, o.XMPP, o.HTTP = dir, "Willowmere Library", "", "127.0.0.1:0"
	return o
}

func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "desk")
	o := options(dir)
	o.Domain, o.URL = "desk.example", "https://desk.example"
	link, file, err := Init(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if file != filepath.Join(dir, configFile) || !strings.HasPrefix(link, "https://staff.desk.example/link/") {
		t.Errorf("file %s, link %s", file, link)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Desk.Name != o.Name || cfg.HTTP.StaffHost != "staff.desk.example" {
		t.Errorf("configuration: %+v", cfg)
	}
	for name, mode := range map[string]os.FileMode{"data/desk.key": 0o600, "node.key": 0o600, "door.key": 0o600, "refdesk.toml": 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	text, _ := os.ReadFile(file)
	if !strings.Contains(string(text), "# this node's name, for ever") {
		t.Error("the configuration has no comments")
	}
	if _, _, err := Init(t.Context(), o); err == nil || !strings.Contains(err.Error(), "holds a node already") {
		t.Errorf("a second time: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the desk: %v, %v", left, err)
	}
}

func TestInitRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.odt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "thesis.odt")
	for want, change := range map[string]func(*InitOptions){
		"is not empty (thesis.odt is there)": func(o *InitOptions) { o.Dir = dir },
		"choose another":                     func(o *InitOptions) { o.Dir = filepath.Join(file, "desk") },
		"desk.domain":                        func(o *InitOptions) { o.Domain = "No Domain" },
		"cluster.id":                         func(o *InitOptions) { o.ID = "N 0" },
		"cluster.address":                    func(o *InitOptions) { o.Cluster = ":7400" },
		"there is no such key":               func(o *InitOptions) { o.Set = []string{"desk.nam=x"} },
		"the account":                        func(o *InitOptions) { o.Admin = "no account" },
	} {
		t.Run(want, func(t *testing.T) {
			o := options(filepath.Join(t.TempDir(), "desk"))
			change(&o)
			if _, _, err := Init(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(o.Dir); err == nil && o.Dir != dir {
				t.Error("half a desk is left")
			}
		})
	}
}

func TestJoin(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := options(filepath.Join(t.TempDir(), "desk"))
	o.Cluster = l.Addr().String()
	l.Close()
	_, file, err := Init(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if err := node.WaitReady(ctx, cfg.Desk.Dir); err != nil {
		t.Fatal(err)
	}
	var token node.TokenResult
	if err := ctl.Call(ctx, cfg.Desk.Dir, "join token", nil, &token); err != nil {
		t.Fatal(err)
	}
	join := func(change func(*JoinOptions)) (Joined, error) {
		j := JoinOptions{Token: token.Token, Dir: filepath.Join(filepath.Dir(o.Dir), "second"), ID: "n1", Cluster: "127.0.0.1:0", Address: "127.0.0.1:1", HTTP: "127.0.0.1:0", Tell: io.Discard}
		if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
			j.Cluster = l.Addr().String()
			l.Close()
		}
		j.Address = j.Cluster
		change(&j)
		return Join(ctx, j)
	}
	broken, err := node.ParseToken(token.Token)
	if err != nil {
		t.Fatal(err)
	}
	broken.Secret = "guessed"
	for want, change := range map[string]func(*JoinOptions){
		"no whole token":       func(j *JoinOptions) { j.Token = token.Token[1:] },
		"knows no such token":  func(j *JoinOptions) { j.Token = broken.String() },
		"there is a node n0":   func(j *JoinOptions) { j.ID = "n0" },
		"holds a node already": func(j *JoinOptions) { j.Dir = o.Dir },
		"cluster.id":           func(j *JoinOptions) { j.ID = "N1" },
		"no node of the desk": func(j *JoinOptions) {
			x := broken
			x.Addresses = []string{"127.0.0.1:1"}
			j.Token, j.Dir = x.String(), filepath.Join(t.TempDir(), "x")
		},
		"not of the desk that the": func(j *JoinOptions) {
			x := broken
			x.Fingerprint = strings.Repeat("0", 64)
			j.Token, j.Dir = x.String(), filepath.Join(t.TempDir(), "x")
		},
	} {
		if _, err := join(change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	var address string
	r, err := join(func(j *JoinOptions) { address = j.Cluster })
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(r.File)
	if err != nil || got.Desk.Name != o.Name || got.Cluster.ID != "n1" || r.Nodes != 2 {
		t.Errorf("joined: %+v, %v, %+v", r, err, got.Cluster)
	}
	// The configuration was not written any more: the same words go on, and the token is taken from the same machine.
	if err := os.Remove(r.File); err != nil {
		t.Fatal(err)
	}
	if _, err := join(func(j *JoinOptions) { j.Cluster, j.Address = address, address }); err != nil {
		t.Errorf("after a crash: %v", err)
	}
	if _, err := join(func(j *JoinOptions) { j.Cluster, j.Address = address, address }); err != nil {
		t.Errorf("when all is done: %v", err)
	}
	if _, err := join(func(j *JoinOptions) { j.Dir, j.ID = filepath.Join(t.TempDir(), "x"), "n2" }); err == nil || !strings.Contains(err.Error(), "used by another machine") {
		t.Errorf("another machine with the token: %v", err)
	}
}
