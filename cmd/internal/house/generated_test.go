// SPDX-License-Identifier: Apache-2.0

package house

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What generators write is committed, so that building needs no generator. Here each runs again, in a copy of its
// folder, and has to write the same bytes.
func TestGeneratedFilesAreFresh(t *testing.T) {
	top := root(t)
	var folders []string
	files(t, func(name string, text []byte) {
		if dir := filepath.Dir(name); strings.HasSuffix(name, ".go") && bytes.Contains(text, []byte("\n//go:"+"generate ")) && len(dir) > 1 {
			folders = append(folders, dir)
		}
	})
	for _, dir := range folders {
		t.Run(dir, func(t *testing.T) {
			tmp := t.TempDir()
			for _, part := range []string{"go.mod", "go.sum", ".tools/go.mod", ".tools/go.sum", dir} {
				if err := copyTree(filepath.Join(tmp, part), filepath.Join(top, part)); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("go", "generate", "./"+dir)
			cmd.Dir = tmp
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("go generate: %v\n%s", err, out)
			}
			if d := cmp.Diff(tree(t, filepath.Join(top, dir)), tree(t, filepath.Join(tmp, dir))); d != "" {
				t.Errorf("run make generate and commit what it writes (-here +generated):\n%.4000s", d)
			}
		})
	}
}

func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o644)
	})
}

// tree maps the name of each file below dir to its text.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, file)
			if err != nil {
				return err
			}
			m[rel] = string(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
