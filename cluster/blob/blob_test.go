// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newStore(t testing.TB) *Store {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "blobs"))
}

func reopen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.free = func(string) (int64, error) { return 1 << 40, nil }
	return s
}

func put(t testing.TB, s *Store, text string) Ref {
	t.Helper()
	ref, err := s.Put(t.Context(), strings.NewReader(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// content reads a file; "" and an error when it isn't there.
func content(s *Store, h Hash) (string, error) {
	f, size, err := s.Get(h)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err == nil && int64(len(data)) != size {
		err = fmt.Errorf("%d bytes of %d", len(data), size)
	}
	return string(data), err
}

// lies lists what the store's directory holds, without the empty directories that belong there.
func lies(t *testing.T, s *Store) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != scrubbed {
			name, _ := filepath.Rel(s.dir, path)
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPut(t *testing.T) {
	s := newStore(t)
	for name, text := range map[string]string{
		"empty": "", "short": "How many books?", "one chunk": strings.Repeat("x", chunk), "one more": strings.Repeat("y", chunk+1),
	} {
		t.Run(name, func(t *testing.T) {
			ref := put(t, s, text)
			if want := sha256.Sum256([]byte(text)); ref.Hash != want || ref.Size != int64(len(text)) {
				t.Errorf("got %s, %d bytes", ref.Hash, ref.Size)
			}
			if got, err := content(s, ref.Hash); err != nil || got != text {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
			if size, ok := s.Has(ref.Hash); !ok || size != ref.Size {
				t.Errorf("Has: %d, %v", size, ok)
			}
			if err := s.Verify(t.Context(), ref.Hash); err != nil {
				t.Error(err)
			}
			name := ref.Hash.String()
			info, err := os.Stat(filepath.Join(s.dir, name[:2], name[2:]))
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("it lies there as %v, %v", info, err)
			}
		})
	}
}

func TestGetSeeks(t *testing.T) {
	s := newStore(t)
	f, _, err := s.Get(put(t, s, "0123456789").Hash)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "789" {
		t.Errorf("%q, %v", got, err)
	}
}

// A Put that doesn't succeed leaves nothing.
func TestPutFails(t *testing.T) {
	broken := errors.New("the line broke")
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tc := range []struct {
		rule  string
		ctx   context.Context
		r     io.Reader
		limit int64
		want  error
	}{
		{"one byte more than the limit", nil, strings.NewReader("12345"), 4, ErrTooLarge},
		{"endless input", nil, endless{}, 3 * chunk, ErrTooLarge},
		{"input that breaks off", nil, io.MultiReader(strings.NewReader("12"), iotest.ErrReader(broken)), 0, broken},
		{"input cut short by its sender", nil, io.MultiReader(strings.NewReader("12"), iotest.ErrReader(io.ErrUnexpectedEOF)), 0, io.ErrUnexpectedEOF},
		{"an end that is wrapped is no end", nil, io.MultiReader(strings.NewReader("12"), iotest.ErrReader(fmt.Errorf("tls: %w", io.EOF))), 0, io.EOF},
		{"a caller who has gone", stopped, strings.NewReader("12"), 0, context.Canceled},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			s := newStore(t)
			ctx := tc.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			if _, err := s.Put(ctx, tc.r, tc.limit); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if got := lies(t, s); len(got) > 0 {
				t.Errorf("left %v", got)
			}
		})
	}
	s := newStore(t)
	if _, err := s.Put(t.Context(), strings.NewReader("1234"), 4); err != nil {
		t.Errorf("as large as the limit: %v", err)
	}
}

// endless gives zeros for ever.
type endless struct{}

func (endless) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A reader that gives nothing and no error doesn't hold a caller who has gone.
func TestPutOfNothing(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := s.Put(ctx, idle(cancel), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type idle context.CancelFunc

func (f idle) Read([]byte) (int, error) { f(); return 0, nil }

func TestPutInSmallPieces(t *testing.T) {
	s := newStore(t)
	text := strings.Repeat("pieces", chunk/4)
	ref, err := s.Put(t.Context(), iotest.HalfReader(iotest.DataErrReader(strings.NewReader(text))), 0)
	if err != nil || ref.Hash != sha256.Sum256([]byte(text)) {
		t.Errorf("%v, %v", ref, err)
	}
}

func TestTake(t *testing.T) {
	text := "from another node"
	right := Ref{Hash: sha256.Sum256([]byte(text)), Size: int64(len(text))}
	for _, tc := range []struct {
		rule string
		ref  Ref
		text string
		want error
	}{
		{"what the hash says", right, text, nil},
		{"cut short", right, text[:5], ErrDamaged},
		{"longer than said", right, text + "!", ErrDamaged},
		{"another letter", right, "f" + strings.ToUpper(text[1:]), ErrDamaged},
		{"right hash, other size", Ref{right.Hash, right.Size + 1}, text, ErrDamaged},
		{"larger than any file", Ref{right.Hash, MaxSize + 1}, text, ErrTooLarge},
		{"a negative size", Ref{right.Hash, -1}, text, ErrTooLarge},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			s := newStore(t)
			if err := s.Take(t.Context(), tc.ref, strings.NewReader(tc.text)); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if _, ok := s.Has(right.Hash); ok != (tc.want == nil) {
				t.Errorf("it is here: %v", ok)
			}
			if got := lies(t, s); tc.want != nil && len(got) > 0 {
				t.Errorf("left %v", got)
			}
		})
	}
}

func TestSameContentAtOnceIsOneFile(t *testing.T) {
	s := newStore(t)
	text := strings.Repeat("the same ", chunk)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			ref, err := s.Put(context.Background(), strings.NewReader(text), 0)
			if err == nil {
				var got string
				if got, err = content(s, ref.Hash); err == nil && got != text {
					err = errors.New("other content")
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := lies(t, s); len(got) != 1 {
		t.Errorf("there lie %v", got)
	}
}

func TestOpenRemovesWhatACrashLeft(t *testing.T) {
	s := newStore(t)
	kept := put(t, s, "kept")
	half := filepath.Join(s.dir, incoming, "123456")
	if err := os.WriteFile(half, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := reopen(t, s.dir)
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a file is still there: %v", err)
	}
	if got, err := content(again, kept.Hash); err != nil || got != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOpenMakesWhatACopyLacks(t *testing.T) {
	s := newStore(t)
	ref := put(t, s, "kept")
	for _, name := range directories() { // copying programs may leave empty directories out
		_ = os.Remove(filepath.Join(s.dir, name))
	}
	again := reopen(t, s.dir)
	if got, err := content(again, ref.Hash); err != nil || got != "kept" {
		t.Errorf("%q, %v", got, err)
	}
	put(t, again, "something else")
}

func TestOpenOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blobs")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "change the owner of "+path) {
		t.Errorf("got %v", err)
	}
}

func hashes() []string {
	good := hex.EncodeToString(make([]byte, 32))
	return []string{
		"", good[1:], good + "0", strings.ToUpper("ab" + good[2:]), "../../../../etc/passwd" + good[22:], good[:62] + "/.", "..", "/etc/passwd",
		good[:32] + "/" + good[33:], good[:63] + "\x00", good[:63] + "g", " " + good[1:], good + "\n", strings.Repeat("é", 32), strings.Repeat("0", 1<<20),
	}
}

func TestParseHash(t *testing.T) {
	want := Hash(sha256.Sum256([]byte("x")))
	if h, err := ParseHash(want.String()); err != nil || h != want {
		t.Errorf("%s, %v", h, err)
	}
	for _, bad := range hashes() {
		if h, err := ParseHash(bad); !errors.Is(err, ErrHash) || h != (Hash{}) {
			t.Errorf("%.80q is read as %s, %v", bad, h, err)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	for _, s := range hashes() {
		f.Add(s[:min(len(s), 100)])
	}
	f.Add(Hash{1, 2, 3}.String())
	s := &Store{dir: "/base"}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHash(text)
		if err != nil {
			return
		}
		if h.String() != text {
			t.Errorf("%q is read as %s", text, h)
		}
		if dir, name := filepath.Split(s.path(h)); dir != "/base/"+text[:2]+"/" || name != text[2:] {
			t.Errorf("%q lies at %s", text, s.path(h))
		}
	})
}

// Something else than a file at a file's place is no file, and doesn't hold whoever opens it.
func TestWhatIsNoFile(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, make := range map[string]func(path string) error{
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":      func(path string) error { return os.Symlink(outside, path) },
		"a pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(what, func(t *testing.T) {
			s := newStore(t)
			h := Hash(sha256.Sum256([]byte("secret")))
			if err := make(s.path(h)); err != nil {
				t.Fatal(err)
			}
			if _, ok := s.Has(h); ok {
				t.Error("Has takes it for a file")
			}
			if got, err := content(s, h); !errors.Is(err, ErrNotFound) {
				t.Errorf("read %q, %v", got, err)
			}
			if err := s.Walk(func(r Ref) error { return fmt.Errorf("found %s", r.Hash) }); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWalk(t *testing.T) {
	s := newStore(t)
	want := map[Ref]bool{}
	for i := range 300 {
		want[put(t, s, fmt.Sprint("file ", i))] = true
	}
	if err := os.WriteFile(filepath.Join(s.dir, "ab", "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := map[Ref]bool{}
	last := ""
	if err := s.Walk(func(r Ref) error {
		if r.Hash.String() <= last {
			t.Errorf("%s after %s", r.Hash, last)
		}
		last, got[r] = r.Hash.String(), true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stop, n := errors.New("enough"), 0
	if err := s.Walk(func(Ref) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
}

func TestRemove(t *testing.T) {
	s := newStore(t)
	ref := put(t, s, "to be erased")
	if err := s.Remove(ref.Hash); !errors.Is(err, ErrPinned) {
		t.Fatalf("a file that was just put: %v", err)
	}
	f, _, err := s.Get(ref.Hash)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := s.Unpin(ref.Hash); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.quarantined(ref.Hash), []byte("to be er"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Remove(ref.Hash), s.Remove(ref.Hash)); err != nil {
		t.Fatal(err)
	}
	if got := lies(t, s); len(got) > 0 {
		t.Errorf("left %v", got)
	}
	if _, err := content(s, ref.Hash); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "to be erased" {
		t.Errorf("whoever was reading got %q, %v", got, err)
	}
}

func TestPins(t *testing.T) {
	s := newStore(t)
	base := time.Now()
	at := func(d time.Duration) { s.now = func() time.Time { return base.Add(d) } }
	at(0)
	ref := put(t, s, "pinned")
	for _, step := range []struct {
		rule string
		at   time.Duration
		do   func() error
		want bool
	}{
		{"from the start", 0, nil, true},
		{"until the hour is over", PinTime - time.Minute, nil, true},
		{"after a start too", PinTime - time.Minute, func() error { s = reopen(t, s.dir); return nil }, true},
		{"not longer", PinTime + time.Minute, nil, false},
		{"again by Pin", PinTime + time.Minute, func() error { return s.Pin(ref.Hash) }, true},
		{"for another hour", 2 * PinTime, nil, true},
		{"which ends", 2*PinTime + 2*time.Minute, nil, false},
		{"again by Put", 3 * PinTime, func() error { put(t, s, "pinned"); return nil }, true},
		{"not after Unpin", 3 * PinTime, func() error { return s.Unpin(ref.Hash) }, false},
		{"not for years, by a clock that was wrong", 3 * PinTime, func() error {
			ahead := base.AddDate(9, 0, 0)
			return os.Chtimes(s.path(ref.Hash), ahead, ahead)
		}, false},
	} {
		at(step.at)
		if step.do != nil {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			at(step.at)
		}
		if got := s.Pinned(ref.Hash); got != step.want {
			t.Errorf("%s: %v", step.rule, got)
		}
	}
	if err := s.Pin(Hash{1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("pin what isn't here: %v", err)
	}
	if err := s.Unpin(Hash{1}); err != nil {
		t.Errorf("unpin what isn't here: %v", err)
	}
}

func TestPinsThatHaveEndedAreForgotten(t *testing.T) {
	s := newStore(t)
	ref := put(t, s, "pinned")
	base := time.Now()
	for i := range 1000 {
		s.now = func() time.Time { return base.Add(time.Duration(i) * PinTime) }
		s.pins[Hash{byte(i), byte(i >> 8), 1}] = s.now().Add(PinTime)
		if err := s.Pin(ref.Hash); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.pins) > 200 {
		t.Errorf("%d pins are kept", len(s.pins))
	}
}

func TestDamagedFilesAreSetAside(t *testing.T) {
	for how, harm := range map[string]func(data []byte) []byte{
		"cut short":    func(d []byte) []byte { return d[:len(d)-1] },
		"emptied":      func([]byte) []byte { return nil },
		"longer":       func(d []byte) []byte { return append(d, 0) },
		"a bit turned": func(d []byte) []byte { d[len(d)/2] ^= 4; return d },
	} {
		t.Run(how, func(t *testing.T) {
			s := newStore(t)
			text := strings.Repeat("good ", chunk)
			good, bad := put(t, s, "good"), put(t, s, text)
			data, err := os.ReadFile(s.path(bad.Hash))
			if err != nil {
				t.Fatal(err)
			}
			data = harm(data)
			if err := os.WriteFile(s.path(bad.Hash), data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(t.Context(), bad.Hash); !errors.Is(err, ErrDamaged) {
				t.Errorf("Verify: %v", err)
			}
			before := s.Scrubbed()
			s.now = func() time.Time { return before.Add(time.Hour) }
			var found []Ref
			if err := s.Scrub(t.Context(), 0, func(r Ref) { found = append(found, r) }); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Ref{{bad.Hash, int64(len(data))}}, found); diff != "" {
				t.Errorf("found: %s", diff)
			}
			if !s.Scrubbed().After(before) {
				t.Error("the time of the scrub was not kept")
			}
			if _, err := content(s, bad.Hash); !errors.Is(err, ErrNotFound) {
				t.Errorf("it is still read: %v", err)
			}
			if aside, err := os.ReadFile(s.quarantined(bad.Hash)); err != nil || !bytes.Equal(aside, data) {
				t.Errorf("it was not kept aside: %v", err)
			}
			if got, err := content(s, good.Hash); err != nil || got != "good" {
				t.Errorf("the good one: %q, %v", got, err)
			}
			put(t, s, text)
			if err := s.Verify(t.Context(), bad.Hash); err != nil {
				t.Errorf("put again: %v", err)
			}
		})
	}
}

func TestPutMendsADamagedFile(t *testing.T) {
	s := newStore(t)
	ref := put(t, s, "text")
	if err := os.WriteFile(s.path(ref.Hash), []byte("tex"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, s, "text")
	if err := s.Check(t.Context(), ref.Hash); err != nil {
		t.Error(err)
	}
}

// A file that is put anew while its damaged predecessor is read isn't set aside.
func TestCheckSparesANewerFile(t *testing.T) {
	s := newStore(t)
	ref := put(t, s, "text")
	if err := os.WriteFile(s.path(ref.Hash), []byte("tex"), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := s.verify(t.Context(), ref.Hash, 0)
	if !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	put(t, s, "text")
	if err := s.setAside(ref.Hash, read); err != nil {
		t.Fatal(err)
	}
	if got, err := content(s, ref.Hash); err != nil || got != "text" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestScrubStops(t *testing.T) {
	s := newStore(t)
	put(t, s, "text")
	before := s.Scrubbed()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, rest := range []time.Duration{0, time.Hour} {
		if err := s.Scrub(ctx, rest, func(Ref) { t.Error("found something") }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if !s.Scrubbed().Equal(before) {
		t.Error("it counts as done")
	}
}

// The log needs room on the same disk.
func TestReserve(t *testing.T) {
	s := newStore(t)
	ref := put(t, s, "already here")
	s.free = func(string) (int64, error) { return Reserve + 1<<20, nil }
	put(t, s, "small")
	err := s.Take(t.Context(), Ref{Hash{1}, 2 << 20}, endless{})
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), s.dir) {
		t.Errorf("larger than what is free: %v", err)
	}
	s.free = func(string) (int64, error) { return Reserve - 1, nil }
	if _, err := s.Put(t.Context(), strings.NewReader("x"), 0); !errors.Is(err, ErrFull) {
		t.Errorf("into the reserve: %v", err)
	}
	if got, err := content(s, ref.Hash); err != nil || got != "already here" {
		t.Errorf("reading on a full disk: %q, %v", got, err)
	}
	left := int64(Reserve + 6<<20)
	s.free = func(string) (int64, error) { left -= 3 << 20; return left, nil }
	if _, err := s.Put(t.Context(), endless{}, 0); !errors.Is(err, ErrFull) {
		t.Errorf("that fills up on the way: %v", err)
	}
	if !errors.Is(explain(&fs.PathError{Err: syscall.ENOSPC}), ErrFull) || errors.Is(explain(syscall.EIO), ErrFull) {
		t.Error("a full disk isn't told from a broken one")
	}
}

func TestFreeSpace(t *testing.T) {
	if n, err := Free(t.TempDir()); err != nil || n <= 0 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := Free(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nowhere: %v", err)
	}
}

func BenchmarkPut1MB(b *testing.B) {
	s := newStore(b)
	data := bytes.Repeat([]byte("benchmark "), 1<<20/10)
	b.SetBytes(int64(len(data)))
	for i := range b.N {
		copy(data, fmt.Sprintf("%09d", i))
		if _, err := s.Put(context.Background(), bytes.NewReader(data), 0); err != nil {
			b.Fatal(err)
		}
	}
}
