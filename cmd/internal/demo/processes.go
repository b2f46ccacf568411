// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTime is how long a node may take to stop before it is killed.
const stopTime = 10 * time.Second

// spawn starts a process per node. They end when this process does, however it ends: each holds the reading end of a
// pipe whose writing end is here alone. A node that ends by itself is not restarted; the demo ends when all have.
func (p *plan) spawn(ctx context.Context, ended chan<- error) error {
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	var all sync.WaitGroup
	lost := make([]error, len(p.members))
	for i := range p.members {
		cmd, err := p.node(ctx, &p.members[i], read)
		if err != nil {
			write.Close()
			all.Wait()
			return err
		}
		all.Go(func() { lost[i] = p.wait(ctx, cmd, p.members[i]) })
	}
	read.Close()
	go func() {
		all.Wait()
		write.Close()
		for _, err := range lost {
			if err != nil && ctx.Err() == nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	return nil
}

// node starts one node; what it logs goes to node.log in its directory.
func (p *plan) node(ctx context.Context, m *member, pipe *os.File) (*exec.Cmd, error) {
	log, err := os.OpenFile(filepath.Join(m.dir, "node.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", m.id, err)
	}
	defer log.Close()
	argv := p.start(*m)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{pipe}
	cmd.Env = append(os.Environ(), ParentEnv+"=3")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches the nodes through us alone
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", m.id, err)
	}
	m.pid = cmd.Process.Pid
	return cmd, nil
}

// wait returns what a node said last, if it ended by itself with an error.
func (p *plan) wait(ctx context.Context, cmd *exec.Cmd, m member) error {
	err := cmd.Wait()
	if err == nil || ctx.Err() != nil {
		return nil
	}
	said, readErr := os.ReadFile(filepath.Join(m.dir, "node.log"))
	if readErr != nil {
		return fmt.Errorf("node %s: %w", m.id, err)
	}
	lines := bytes.Split(bytes.TrimSpace(said), []byte("\n"))
	return fmt.Errorf("node %s: %s", m.id, strings.TrimPrefix(string(lines[len(lines)-1]), "refdesk serve: "))
}
