// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// TestTypes has tsc check the scripts, strictly, together with the samples of what the server sends (src/samples.ts).
func TestTypes(t *testing.T) {
	const compiler = "node_modules/typescript/bin/tsc"
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(compiler)
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the scripts' types can't be checked, npm ci in gateway/web/ui installs what is missing: %v", err)
		}
		t.Skip("node or typescript is not installed: npm ci in gateway/web/ui")
	}
	if out, err := exec.CommandContext(t.Context(), node, compiler, "--noEmit", "-p", ".").CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}

// TestLockNamesNoRegistry keeps the addresses of whatever registry was used out of the lock file.
func TestLockNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{`"resolved"`, "http:", "https:"} {
		if bytes.Contains(lock, []byte(word)) {
			t.Errorf("package-lock.json has %s; it is written with omit-lockfile-registry-resolved=true", word)
		}
	}
	if !bytes.Contains(lock, []byte(`"integrity": "sha512-`)) {
		t.Error("package-lock.json has no digests")
	}
}
