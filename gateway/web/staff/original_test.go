// SPDX-License-Identifier: Apache-2.0

package staff

import "testing"

// TestFileNames: what a stranger calls a file can't lead out of a directory, hide it, or make a program look like a picture.
func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"a.pdf": "a.pdf", "../../etc/passwd": "passwd", `C:\x\y.doc`: "y.doc", "": "", "..": "", "/": "", ".bashrc": "bashrc",
		"a\r\nb.txt": "a b.txt", "\u202ecod.exe": "cod.exe", "photo\u202egpj.exe": "photogpj.exe", "\xff.txt": "\uFFFD.txt",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
