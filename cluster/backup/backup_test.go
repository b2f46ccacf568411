// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/blob"
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// saved is what a test saves: a database and files in memory.
type saved struct {
	db    []byte
	files map[blob.Hash][]byte
}

func draw(db int, files ...int) saved {
	r := rand.NewChaCha8([32]byte{1})
	content := func(n int) []byte { b := make([]byte, n); r.Read(b); return b }
	s := saved{content(db), map[blob.Hash][]byte{}}
	for _, n := range files {
		c := content(n)
		s.files[sha256.Sum256(c)] = c
	}
	return s
}

func (s saved) source(t *testing.T) Source {
	path := filepath.Join(t.TempDir(), "desk.db")
	if err := os.WriteFile(path, s.db, 0o600); err != nil {
		t.Fatal(err)
	}
	src := Source{Database: path, Open: func(h blob.Hash) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.files[h])), nil }}
	for h, c := range s.files {
		src.Files = append(src.Files, blob.Ref{Hash: h, Size: int64(len(c))})
	}
	return src
}

func facts() Manifest {
	return Manifest{Program: "test", Desk: "d", Made: time.Unix(1, 0).UTC(), Digest: strings.Repeat("0", 64)}
}

func nobody(int64, int64) {}

func (s saved) write(t *testing.T, dir string) {
	t.Helper()
	if _, err := Write(t.Context(), dir, key(1), facts(), s.source(t), nobody); err != nil {
		t.Fatal(err)
	}
}

// read is all that is in a backup.
func read(dir string, k []byte) (saved, error) {
	out := saved{files: map[blob.Hash][]byte{}}
	b, err := Open(dir)
	if err == nil {
		err = b.CheckSums(context.Background(), nobody)
	}
	if err == nil {
		err = b.Unlock(k)
	}
	if err != nil {
		return out, err
	}
	tmp, err := os.MkdirTemp("", "backup-test-")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(tmp)
	if err := b.Database(context.Background(), filepath.Join(tmp, "db")); err != nil {
		return out, err
	}
	if out.db, err = os.ReadFile(filepath.Join(tmp, "db")); err != nil {
		return out, err
	}
	return out, b.Files(context.Background(), func(ref blob.Ref, r io.Reader) error {
		c, err := io.ReadAll(r)
		out.files[ref.Hash] = c
		return err
	})
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		saved saved
	}{
		{"nothing but a database", draw(5000)},
		{"an empty database", draw(0)},
		{"exactly one chunk", draw(chunkSize, chunkSize)},
		{"one byte more than a chunk", draw(chunkSize+1, chunkSize-1, 1, 0)},
		{"many chunks and files", draw(3*chunkSize+17, 1, 2, 100, chunkSize*2, 70000)},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "b")
			tc.saved.write(t, dir)
			got, err := read(dir, key(1))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.db, tc.saved.db) || len(got.files) != len(tc.saved.files) {
				t.Errorf("%d bytes and %d files are read", len(got.db), len(got.files))
			}
			for h, c := range tc.saved.files {
				if !bytes.Equal(got.files[h], c) {
					t.Errorf("file %s differs", h)
				}
			}
			if _, err := read(dir, key(2)); !errors.Is(err, ErrKey) {
				t.Errorf("with another key: %v", err)
			}
			if there, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(there) != 1 {
				t.Errorf("beside it stand %v, %v", there, err)
			}
		})
	}
}

func TestABackupShowsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	s := draw(10, 10)
	s.db = bytes.Repeat([]byte("needle "), 20000)
	s.write(t, dir)
	for _, name := range append(partNames(), manifestName) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || bytes.Contains(data, []byte("needle")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is changed in a backup is found: by its sums, and without regard to them by its seals.
func TestHarmIsFound(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "b")
	draw(3*chunkSize, 100, chunkSize).write(t, whole)
	cut := func(n int) func([]byte) []byte { return func(d []byte) []byte { return d[:len(d)-n] } }
	flip := func(at int) func([]byte) []byte { return func(d []byte) []byte { d[at] ^= 4; return d } }
	for rule, harm := range map[string]func([]byte) []byte{
		"a flipped bit at the start":  flip(7),
		"a flipped bit in the middle": flip(chunkSize),
		"a flipped version":           flip(4),
		"a flipped magic":             flip(0),
		"the last byte cut off":       cut(1),
		"cut off at a chunk": func(d []byte) []byte {
			return d[:5+(len(d)-5-1)/(chunkSize+16)*(chunkSize+16)]
		},
		"emptied":        func([]byte) []byte { return nil },
		"a chunk longer": func(d []byte) []byte { return append(d, make([]byte, chunkSize+16)...) },
		"a byte longer":  func(d []byte) []byte { return append(d, 0) },
		"chunks exchanged": func(d []byte) []byte {
			n := chunkSize + 16
			if len(d) < 5+2*n { // of the smaller part: some other harm
				return d[:9]
			}
			return bytes.Join([][]byte{d[:5], d[5+n : 5+2*n], d[5 : 5+n], d[5+2*n:]}, nil)
		},
	} {
		for _, name := range partNames() {
			t.Run(rule+" in "+name, func(t *testing.T) {
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(filepath.Join(dir, name))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, name), harm(data), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := read(dir, key(1)); err == nil || !strings.Contains(err.Error(), "is damaged") {
					t.Errorf("its sum: %v", err)
				}
				b, err := Open(dir)
				if err == nil {
					err = b.Unlock(key(1))
				}
				if err != nil {
					t.Fatal(err)
				}
				err = errors.Join(
					b.Database(t.Context(), filepath.Join(t.TempDir(), "db")),
					b.Files(t.Context(), func(blob.Ref, io.Reader) error { return nil }),
				)
				if err == nil {
					t.Error("its seal doesn't tell")
				}
			})
		}
	}
	t.Run("a manifest with another seq", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, manifestName)
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, bytes.Replace(data, []byte(`"seq": 0`), []byte(`"seq": 9`), 1), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(dir, key(1)); !errors.Is(err, ErrKey) {
			t.Errorf("got %v", err)
		}
	})
}

// A backup that is interrupted isn't there, and the next one to the same place is.
func TestInterruptedBackup(t *testing.T) {
	s := draw(20*chunkSize, 5*chunkSize, 100)
	for _, steps := range []int{0, 1, 7, 20, 26} {
		t.Run(fmt.Sprint("after ", steps, " writes"), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "b")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if steps == 0 {
				cancel()
			}
			n := 0
			_, err := Write(ctx, dir, key(1), facts(), s.source(t), func(int64, int64) {
				if n++; n == steps {
					cancel()
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			if there, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(there) > 0 {
				t.Errorf("there stand %v, %v", there, err)
			}
			s.write(t, dir)
			if _, err := read(dir, key(1)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("by kill -9", func(t *testing.T) {
		base := t.TempDir()
		partial := filepath.Join(base, ".b.partial")
		if err := errors.Join(os.Mkdir(partial, 0o700), os.WriteFile(filepath.Join(partial, databasePart), []byte("half"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(filepath.Join(base, "b")); err == nil || !strings.Contains(err.Error(), "is no backup") {
			t.Errorf("half a backup: %v", err)
		}
		s.write(t, filepath.Join(base, "b"))
		if _, err := read(filepath.Join(base, "b"), key(1)); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusedPlaces(t *testing.T) {
	s := draw(10)
	write := func(dir string) error {
		_, err := Write(t.Context(), dir, key(1), facts(), s.source(t), nobody)
		return err
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(full); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("a directory with something in it: %v", err)
	}
	if err := write(filepath.Join(full, "x")); err == nil || !strings.Contains(err.Error(), "name a directory") {
		t.Errorf("a file: %v", err)
	}
	if err := write(filepath.Join(full, "x", "y")); err == nil {
		t.Error("below a file")
	}
	if err := write(filepath.Join(t.TempDir(), "new", "b")); err != nil {
		t.Errorf("below what isn't there yet: %v", err)
	}
	empty := t.TempDir()
	if err := write(empty); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	if err := write(empty); err == nil {
		t.Error("a backup is written over")
	}
	_, release, err := begin(filepath.Join(full, "b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := write(filepath.Join(full, "b")); err == nil || !strings.Contains(err.Error(), "another backup") {
		t.Errorf("two at once: %v", err)
	}
	release()
}

// A file whose content isn't what its name says ends the backup.
func TestADamagedFileIsNotSaved(t *testing.T) {
	s := draw(10, 100)
	for h := range s.files {
		s.files[h][3] ^= 1
	}
	if _, err := Write(t.Context(), filepath.Join(t.TempDir(), "b"), key(1), facts(), s.source(t), nobody); err == nil {
		t.Error("it is saved")
	}
}

func FuzzParseManifest(f *testing.F) {
	m := facts()
	m.Version, m.Salt, m.Seal = 1, strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	for _, n := range partNames() {
		m.Parts = append(m.Parts, Part{n, 1, strings.Repeat("ef", 32)})
	}
	good, err := m.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"parts":[{"name":"../x"}]}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseManifest(data)
		if err != nil {
			return
		}
		for i, p := range m.Parts {
			if p.Name != partNames()[i] {
				t.Errorf("a part is named %q", p.Name)
			}
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseManifest(again); err != nil {
			t.Errorf("what was read isn't read again: %v", err)
		}
	})
}

// What is opened was sealed: any bytes give their plain text or an error, and never more than is there.
func FuzzOpen(f *testing.F) {
	var sealed bytes.Buffer
	s, err := newSealer(&sealed, key(3))
	if err == nil {
		_, err = s.Write(bytes.Repeat([]byte("text"), 30000))
	}
	if err := errors.Join(err, s.Close()); err != nil {
		f.Fatal(err)
	}
	want := bytes.Repeat([]byte("text"), 30000)
	f.Add(sealed.Bytes())
	f.Add(sealed.Bytes()[:100])
	f.Add([]byte("RDBK\x01"))
	f.Add([]byte("RDBK\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := newOpener(bytes.NewReader(data), key(3))
		if err != nil {
			return
		}
		got, err := io.ReadAll(o)
		if !bytes.HasPrefix(want, got) {
			t.Error("it gives what was not sealed")
		}
		if err == nil && !bytes.Equal(data, sealed.Bytes()) {
			t.Error("other bytes pass for what was sealed")
		}
	})
}

func FuzzReadFiles(f *testing.F) {
	f.Add(append(make([]byte, 39), 3, 'a', 'b', 'c'))
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var total int64
		_, err := readFiles(bytes.NewReader(data), func(ref blob.Ref, r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			if n != ref.Size && err == nil {
				return io.ErrUnexpectedEOF
			}
			total += n + 40
			return err
		})
		if err == nil && total != int64(len(data)) {
			t.Errorf("%d bytes of %d are files", total, len(data))
		}
	})
}
