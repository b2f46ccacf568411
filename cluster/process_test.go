// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// processEnv makes this test's program a desk of one node that writes and says what was acknowledged, until it is killed.
const processEnv = "REFDESK_CLUSTER_PROCESS"

func process(dir string) {
	c, err := Open(Config{ID: "n0", Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-c.Ready()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("p%d-%d-%d", os.Getpid(), w, n)
				if _, err := c.Do(context.Background(), setting(name, "x")); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Println(name)
			}
		})
	}
	wg.Wait()
}

// A node that is killed in the middle of writing has everything it acknowledged when it starts again, once.
func TestKilledProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n0")
	acked := map[string]bool{}
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), processEnv+"="+dir)
		var complaints strings.Builder
		cmd.Stderr = &complaints
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for said := 0; lines.Scan(); said++ {
			acked[lines.Text()] = true
			if said == 150+37*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		if complaints.Len() > 0 {
			t.Fatalf("round %d: %s", round, complaints.String())
		}
	}
	d := newDesk(t, 1, nil)
	if err := os.CopyFS(filepath.Join(d.dir, "n0"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	d.open("n0")
	d.ready()
	got := d.changes("n0")
	for name := range acked {
		if got[name] != 1 {
			t.Errorf("%s was acknowledged and set %d times", name, got[name])
		}
	}
	for name, n := range got {
		if n != 1 {
			t.Errorf("%s was set %d times", name, n)
		}
	}
	t.Log(strconv.Itoa(len(acked)), "commands acknowledged")
}
