// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// moduleRoot is where go.mod lies, seen from this package.
const moduleRoot = "../../.."

// capable skips a test, by the name of what is missing, where the machine lacks a capability. On the gate's machine
// (CI=true) a capability listed in .ci/capabilities must be there.
func capable(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		why := lacks(name)
		if why == "" {
			continue
		}
		listed, err := os.ReadFile(filepath.Join(moduleRoot, ".ci", "capabilities"))
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("CI") == "true" && slices.Contains(strings.Fields(string(listed)), name) {
			t.Fatalf(".ci/capabilities lists %s: %s", name, why)
		}
		t.Skipf("this machine lacks %s: %s", name, why)
	}
}

// lacks says what of a capability is missing, "" if it is there.
func lacks(name string) string {
	program := func(names ...string) string {
		for _, n := range names {
			if _, err := exec.LookPath(n); err != nil {
				return n + " is not installed"
			}
		}
		return ""
	}
	device := func(path string) string {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err.Error()
		}
		f.Close()
		return ""
	}
	if os.Geteuid() != 0 {
		return "it needs root"
	}
	switch name {
	case "netns": // network namespaces and TUN devices
		return first(program("ip"), device("/dev/net/tun"))
	case "loop": // file systems in files; ext4 can be frozen and shut down
		return first(program("mkfs.ext4", "mount", "umount", "losetup"), device("/dev/loop-control"))
	case "strace": // a process killed at a chosen system call
		return program("strace")
	}
	return "nobody knows what that is"
}

func first(why ...string) string {
	for _, w := range why {
		if w != "" {
			return w
		}
	}
	return ""
}
