// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// How much is put on a server.
const (
	accounts  = 200 // people who can sign in
	senders   = 128 // of messages
	receivers = 16  // each has as many senders
)

// subject is a server that is measured. Every visit starts it anew on the same data, alone on the machine, so that no
// server pays for another.
type subject interface {
	name() string
	prepare() error // once: make the data that every visit begins with
	start() error
	stop()
	kill() error  // all of its processes at once, SIGKILL
	again() error // start with the data that the kill has left
	pids() []int
	people() []*account

	// sides are the places where senders and receivers can be; what is measured on the first is compared.
	sides() []string
	// lanes connects senders and receivers. Each lane's messages go to m.
	lanes(side int, m *meter) ([]*lane, error)
	// stored calls found for each message that the senders of a side find kept after again.
	stored(side int, found func(int)) error
	// reach is where the i-th staff client connects, and its domain.
	reach(i int) (addr, domain string)
}

// child is one process that we started.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// launch starts a program with room for many connections; what it says goes to a file.
func launch(log string, env []string, argv ...string) (*child, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", `ulimit -n 65536; exec "$0" "$@"`}, argv...)...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", argv[0], err)
	}
	c := &child{cmd, make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// end asks the process to end, and kills it when it doesn't.
func (c *child) end() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(10 * time.Second):
		c.kill()
	}
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// answers waits until something listens.
func (c *child) answers(addr string) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-c.done:
			return errors.New("it ended at once")
		default:
		}
	}
	return fmt.Errorf("nothing listens on %s", addr)
}

// freePort finds a port that nothing listens on now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// fresh makes run a copy of seed.
func fresh(seed, run string) error {
	if err := os.RemoveAll(run); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", seed, run).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", seed, err, out)
	}
	return nil
}
