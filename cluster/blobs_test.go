// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
)

// random is content that takes no memory.
func random(seed, size int64) io.Reader {
	var key [32]byte
	key[0] = byte(seed)
	return io.LimitReader(rand.NewChaCha8(key), size)
}

func (d *testDesk) put(id string, seed, size int64) blob.Ref {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	ref, err := d.nodes[id].PutBlob(ctx, random(seed, size), size)
	if err != nil {
		d.t.Fatalf("put on %s: %v", id, err)
	}
	return ref
}

// disk opens a node's files as they lie there, past the node.
func (d *testDesk) disk(id string) *blob.Store {
	d.t.Helper()
	s, err := blob.Open(filepath.Join(d.dir, id, "blobs"))
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// have names the nodes, running or not, on whose disks a file is whole.
func (d *testDesk) have(h blob.Hash) (out []string) {
	d.t.Helper()
	name := h.String()
	for _, id := range d.ids {
		data, err := os.ReadFile(filepath.Join(d.dir, id, "blobs", name[:2], name[2:]))
		if err == nil && sha256.Sum256(data) == h {
			out = append(out, id)
		}
	}
	return out
}

func (d *testDesk) get(id string, h blob.Hash) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	f, size, err := d.nodes[id].OpenBlob(ctx, h.String())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err == nil && int64(len(data)) != size {
		err = fmt.Errorf("%d bytes of %d", len(data), size)
	}
	return data, err
}

// same fails unless a node gives a file as it was put.
func (d *testDesk) same(id string, ref blob.Ref) {
	d.t.Helper()
	data, err := d.get(id, ref.Hash)
	if err != nil || int64(len(data)) != ref.Size || sha256.Sum256(data) != ref.Hash {
		d.t.Errorf("open on %s: %d bytes of %d, %v", id, len(data), ref.Size, err)
	}
}

// owed is how many files a node still means to bring to another.
func (d *testDesk) owed(from, to string) int {
	k := d.nodes[from].files.courier(to)
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.loads)
}

func TestPutBlobIsOnAMajority(t *testing.T) {
	d := started(t, 3, nil)
	for i, id := range d.ids {
		for _, size := range []int64{0, 1, 300_000} {
			ref := d.put(id, int64(i), size)
			if got := d.have(ref.Hash); len(got) < 2 || ref.Size != size {
				t.Errorf("put on %s: acknowledged with %d bytes on %v", id, ref.Size, got)
			}
			for _, other := range d.ids {
				d.same(other, ref)
			}
		}
	}
	ref := d.put("n0", 9, 1000)
	d.until("the third node gets it too", func() bool { return len(d.have(ref.Hash)) == 3 && d.nodes["n2"].HasBlob(ref.Hash.String()) })
}

func TestPutBlobAlone(t *testing.T) {
	d := started(t, 1, nil)
	ref := d.put("n0", 1, 300_000)
	d.same("n0", ref)
	c := d.nodes["n0"]
	if _, _, err := c.OpenBlob(t.Context(), strings.Repeat("0", 64)); !isCode(err, desk.NotFound) {
		t.Errorf("a file that nobody has: %v", err)
	}
	if _, err := c.PutBlob(t.Context(), random(2, 5), 4); !isCode(err, desk.Invalid) {
		t.Errorf("larger than the limit: %v", err)
	}
	d.kill("n0")
	if _, err := c.PutBlob(t.Context(), random(2, 5), 5); !isCode(err, desk.Stopping) {
		t.Errorf("after Close: %v", err)
	}
	d.open("n0")
	d.same("n0", ref)
}

func TestBlobDoor(t *testing.T) {
	d := started(t, 1, nil)
	var door interface { // as doors declare it
		Put(ctx context.Context, r io.Reader, limit int64) (hash string, size int64, err error)
		Open(ctx context.Context, hash string) (io.ReadCloser, int64, error)
	} = d.nodes["n0"].Blobs()
	hash, size, err := door.Put(t.Context(), strings.NewReader("How many books can I borrow?"), 100)
	if err != nil || size != 28 {
		t.Fatalf("%d bytes, %v", size, err)
	}
	if !d.nodes["n0"].HasBlob(hash) {
		t.Error("HasBlob doesn't know it")
	}
	f, size, err := door.Open(t.Context(), hash)
	if err != nil || size != 28 {
		t.Fatalf("%d bytes, %v", size, err)
	}
	defer f.Close()
	if at, err := f.(io.Seeker).Seek(-7, io.SeekEnd); err != nil || at != 21 {
		t.Errorf("seek: %d, %v", at, err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "borrow?" {
		t.Errorf("%q, %v", got, err)
	}
	if hash, size, err := door.Put(t.Context(), strings.NewReader("12345"), 4); !isCode(err, desk.Invalid) || hash != "" || size != 0 {
		t.Errorf("larger than the limit: %q, %d, %v", hash, size, err)
	}
	for _, bad := range []string{"", "..", "../../../../../../../etc/passwd", strings.ToUpper(hash), hash + "/", "/" + hash[1:], hash[:63] + "\x00"} {
		if f, _, err := door.Open(t.Context(), bad); !isCode(err, desk.Invalid) || f != nil {
			t.Errorf("open %q: %v, %v", bad, f, err)
		}
		if d.nodes["n0"].HasBlob(bad) {
			t.Errorf("has %q", bad)
		}
	}
}

func TestPutBlobWithOneNodeDead(t *testing.T) {
	d := started(t, 3, nil)
	d.kill("n2")
	var refs []blob.Ref
	for i := range int64(5) {
		refs = append(refs, d.put("n0", i, 100_000))
	}
	for _, ref := range refs {
		if got := d.have(ref.Hash); len(got) != 2 {
			t.Errorf("acknowledged and on %v", got)
		}
	}
	if n := d.owed("n0", "n2"); n != 5 {
		t.Errorf("n0 owes n2 %d files, want 5", n)
	}
	d.open("n2")
	for _, ref := range refs {
		d.until("it is brought to the node that is back", func() bool { return len(d.have(ref.Hash)) == 3 })
	}
	d.until("nothing is owed any more", func() bool { return d.owed("n0", "n2") == 0 })
}

// A node that takes connections and then says nothing doesn't delay what the other two can do.
func TestPutBlobWithOneNodeHung(t *testing.T) {
	d := newDesk(t, 3, nil)
	hung := d.listen["n2"]
	defer hung.Close()
	d.open("n0")
	d.open("n1")
	d.ready()
	for i := range int64(3 * courierHands) {
		ref := d.put("n0", i, 1000)
		if n := d.owed("n0", "n2"); n != int(i)+1 {
			t.Fatalf("the hung node is owed %d files after %d", n, i+1)
		}
		d.same("n1", ref)
	}
}

func TestPutBlobWithTwoNodesDead(t *testing.T) {
	d := started(t, 3, nil)
	d.kill("n1")
	d.kill("n2")
	c := d.nodes["n0"]
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if ref, err := c.PutBlob(ctx, random(1, 1000), 1000); !isCode(err, desk.NoQuorum) || ref != (blob.Ref{}) {
		t.Errorf("got %v, %v", ref, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.PutBlob(gone, random(1, 1000), 1000); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has gone: %v", err)
	}
	d.until("nobody is owed what was not acknowledged", func() bool { return d.owed("n0", "n1")+d.owed("n0", "n2") == 0 })
	if _, err := d.get("n0", blob.Hash{1}); !isCode(err, desk.NoQuorum) {
		t.Errorf("a file that the dead may have: %v", err)
	}
	d.open("n1")
	ref := d.put("n0", 1, 1000) // the same content
	if got := d.have(ref.Hash); len(got) != 2 {
		t.Errorf("acknowledged and on %v", got)
	}
}

// A node that comes back while a file is put is counted.
func TestPutBlobWaitsForAMajority(t *testing.T) {
	d := started(t, 3, nil)
	d.kill("n1")
	d.kill("n2")
	done := make(chan error, 1)
	var ref blob.Ref
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		var err error
		ref, err = d.nodes["n0"].PutBlob(ctx, random(1, 1000), 1000)
		done <- err
	}()
	d.until("it is under way", func() bool { return d.owed("n0", "n1") == 1 })
	d.open("n1")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := d.have(ref.Hash); len(got) != 2 {
		t.Errorf("acknowledged and on %v", got)
	}
}

func TestOpenBlobPullsOnDemand(t *testing.T) {
	d := started(t, 3, nil)
	d.kill("n2")
	ref := d.put("n0", 1, 300_000)
	d.kill("n0") // with it goes what it owed
	d.open("n2")
	if d.nodes["n2"].HasBlob(ref.Hash.String()) {
		t.Fatal("it is there already")
	}
	var wg sync.WaitGroup
	for range 20 { // all wait for the same pull
		wg.Go(func() { d.same("n2", ref) })
	}
	wg.Wait()
	if got := d.have(ref.Hash); len(got) != 3 {
		t.Errorf("it is on %v", got)
	}
	if _, err := d.get("n2", blob.Hash{1}); !isCode(err, desk.NoQuorum) {
		t.Errorf("a file that the dead node may have: %v", err)
	}
	d.open("n0")
	d.until("a file that nobody has is known not to be", func() bool {
		_, err := d.get("n2", blob.Hash{1})
		return isCode(err, desk.NotFound)
	})
}

// What breaks off at one node goes on at the next, from there.
func TestSourceGoesOnElsewhere(t *testing.T) {
	const text = "0123456789"
	broken := errors.New("the line broke")
	gives := map[string]func(offset int64) (io.ReadCloser, int64, error){
		"breaks": func(at int64) (io.ReadCloser, int64, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(text[at:at+4]), iotest.ErrReader(broken))), 10, nil
		},
		"ends": func(at int64) (io.ReadCloser, int64, error) {
			return io.NopCloser(strings.NewReader(text[at : at+1])), 10, nil
		},
		"is dead": func(int64) (io.ReadCloser, int64, error) { return nil, 0, broken },
		"is another size by now": func(int64) (io.ReadCloser, int64, error) {
			return io.NopCloser(strings.NewReader("xxxxxxxxxxxxxx")), 14, nil
		},
		"is well": func(at int64) (io.ReadCloser, int64, error) {
			return io.NopCloser(strings.NewReader(text[at:])), 10, nil
		},
	}
	for _, tc := range []struct {
		nodes []holder
		want  string
		err   error
	}{
		{[]holder{{"is well", 10}}, text, nil},
		{[]holder{{"breaks", 10}, {"ends", 10}, {"is well", 10}}, text, nil},
		{[]holder{{"breaks", 10}, {"is dead", 10}, {"is another size by now", 10}, {"breaks", 10}, {"is well", 10}}, text, nil},
		{[]holder{{"ends", 10}, {"is well", 12}}, "0", errBrokeOff},
		{[]holder{{"breaks", 10}, {"is dead", 10}}, "0123", broken},
		{[]holder{{"is dead", 10}}, "", errBrokeOff},
		{[]holder{{"is well", 0}}, "", nil},
	} {
		rest := tc.nodes[1:]
		s := &source{size: tc.nodes[0].size, from: tc.nodes[0], next: func() (holder, bool) {
			if len(rest) == 0 {
				return holder{}, false
			}
			x := rest[0]
			rest = rest[1:]
			return x, true
		}, open: func(id string, offset int64) (io.ReadCloser, int64, error) { return gives[id](offset) }}
		if got, err := io.ReadAll(s); string(got) != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%v: %q, %v", tc.nodes, got, err)
		}
		s.close()
	}
}

// A node that sends rubbish and breaks off doesn't spoil what the others send.
func TestGather(t *testing.T) {
	const text = "0123456789"
	sends := map[string]string{"rubbish and dies": "xxxx", "dies": text[:4], "well": text, "rubbish": "xxxxxxxxxx"}
	for _, tc := range []struct {
		nodes []string
		want  error
	}{
		{[]string{"well"}, nil},
		{[]string{"dies", "well"}, nil},
		{[]string{"rubbish", "well"}, nil},
		{[]string{"rubbish and dies", "well"}, nil},
		{[]string{"rubbish and dies", "dies", "well"}, nil},
		{[]string{"rubbish and dies", "dies"}, io.ErrUnexpectedEOF},
		{[]string{"rubbish"}, blob.ErrDamaged},
		{[]string{"rubbish", "rubbish"}, blob.ErrDamaged},
		{nil, nil},
	} {
		left := tc.nodes
		met, err := gather(func() (holder, bool) {
			if len(left) == 0 {
				return holder{}, false
			}
			x := holder{left[0], int64(len(text))}
			left = left[1:]
			return x, true
		}, func(first holder, rest func() (holder, bool)) error {
			s := &source{size: first.size, from: first, next: rest, open: func(id string, offset int64) (io.ReadCloser, int64, error) {
				sent := strings.NewReader(sends[id])
				if _, err := sent.Seek(min(offset, sent.Size()), io.SeekStart); err != nil {
					return nil, 0, err
				}
				return io.NopCloser(io.MultiReader(sent, iotest.ErrReader(io.ErrUnexpectedEOF))), first.size, nil
			}}
			defer s.close()
			got, err := io.ReadAll(s)
			if err == nil && string(got) != text {
				err = blob.ErrDamaged
			}
			return err
		})
		if !errors.Is(err, tc.want) || met != len(tc.nodes) {
			t.Errorf("%q: met %d, %v", tc.nodes, met, err)
		}
	}
	calls := 0
	_, err := gather(func() (holder, bool) { return holder{"n1", 1}, true }, func(holder, func() (holder, bool)) error {
		calls++
		return blob.ErrFull
	})
	if !errors.Is(err, blob.ErrFull) || calls != 1 {
		t.Errorf("no room here: asked %d nodes, %v", calls, err)
	}
}

// What comes from a peer is kept only when it is what the hash says; then the next one is asked.
func TestOpenBlobFromADamagedNode(t *testing.T) {
	for how, harm := range map[string]func(data []byte) []byte{
		"a bit turned": func(data []byte) []byte { data[len(data)/2] ^= 1; return data },
		"cut short":    func(data []byte) []byte { return data[:1000] },
	} {
		t.Run(how, func(t *testing.T) {
			d := started(t, 3, nil)
			d.kill("n2")
			ref := d.put("n0", 1, 300_000)
			name := ref.Hash.String()
			path := filepath.Join(d.dir, "n0", "blobs", name[:2], name[2:])
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, harm(data), 0o600); err != nil {
				t.Fatal(err)
			}
			c := d.open("n2")
			d.ready()
			d.until("the others answer it", func() bool {
				f, _, err := c.OpenBlob(t.Context(), ref.Hash.String())
				return err == nil && f.Close() == nil
			})
			k := c.files // whichever is asked first
			for range 4 {
				d.same("n2", ref)
				if err := errors.Join(k.store.Unpin(ref.Hash), k.store.Remove(ref.Hash)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestScrubGetsDamagedFilesAnew(t *testing.T) {
	d := started(t, 3, nil)
	ref, other := d.put("n0", 1, 300_000), d.put("n0", 2, 1000)
	d.until("all have them", func() bool { return len(d.have(ref.Hash)) == 3 && len(d.have(other.Hash)) == 3 })
	name := ref.Hash.String()
	if err := os.Truncate(filepath.Join(d.dir, "n1", "blobs", name[:2], name[2:]), 299_999); err != nil {
		t.Fatal(err)
	}
	if err := d.nodes["n1"].scrub(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if got := d.have(ref.Hash); len(got) != 3 {
		t.Errorf("after the scrub it is whole on %v", got)
	}
}

// Files don't go through memory: 25 MB cost all three nodes together less than 8 MiB.
func TestLargeFilesTakeLittleMemory(t *testing.T) {
	const size = 25_000_000
	d := started(t, 3, nil)
	d.put("n0", 1, 1000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ref := d.put("n0", 2, size)
	d.until("all have it", func() bool { return d.owed("n0", "n1")+d.owed("n0", "n2") == 0 })
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("putting took %d KiB of memory in all", n>>10)
	}
	d.kill("n2")
	s := d.disk("n2")
	if err := errors.Join(s.Unpin(ref.Hash), s.Remove(ref.Hash)); err != nil {
		t.Fatal(err)
	}
	c := d.open("n2")
	<-c.Ready()
	runtime.ReadMemStats(&before)
	f, n, err := c.OpenBlob(t.Context(), ref.Hash.String())
	if err != nil || n != size {
		t.Fatalf("%d bytes, %v", n, err)
	}
	f.Close()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("pulling took %d KiB of memory in all", n>>10)
	}
	if got := d.have(ref.Hash); len(got) != 3 {
		t.Errorf("it is on %v", got)
	}
}

// A node that stops while files come and go lets all who wait go.
func TestCloseWhileFilesMove(t *testing.T) {
	d := started(t, 3, nil)
	var wg sync.WaitGroup
	c := d.nodes["n1"]
	begun := make(chan struct{}, 100)
	for i := range int64(20) {
		wg.Go(func() {
			begun <- struct{}{}
			ref, err := c.PutBlob(context.Background(), random(i, 2_000_000), 2_000_000)
			if err != nil && !isCode(err, desk.Stopping) {
				t.Errorf("put: %v", err)
			}
			if err == nil && len(d.have(ref.Hash)) < 2 {
				t.Error("acknowledged and not on a majority")
			}
		})
		wg.Go(func() {
			_, _, err := c.OpenBlob(context.Background(), blob.Hash{byte(i)}.String())
			if !isCode(err, desk.Stopping) && !isCode(err, desk.NotFound) && !isCode(err, desk.NoQuorum) {
				t.Errorf("open: %v", err)
			}
		})
	}
	for range 20 {
		<-begun
	}
	d.kill("n1")
	wg.Wait()
}

// newTestCourier has nobody who works.
func newTestCourier(t *testing.T) *courier {
	c := &Cluster{log: slog.New(slog.DiscardHandler)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	t.Cleanup(c.cancel)
	return newCourier(c, "n1")
}

func TestCourierCarriesSoMuch(t *testing.T) {
	k := newTestCourier(t)
	name := func(i int) blob.Hash { return blob.Hash{byte(i), byte(i >> 8), 1} }
	there := make(chan struct{}, 2*courierLoad)
	for i := range courierLoad {
		if !k.bring(name(i), there) {
			t.Fatalf("file %d is refused", i)
		}
	}
	if k.bring(name(courierLoad), there) {
		t.Error("one more is taken, though somebody waits for each")
	}
	k.leave(name(7), there, true)
	if !k.bring(name(courierLoad), there) {
		t.Error("one more is refused, though nobody waits for one")
	}
	if k.loads[name(7)] != nil || len(k.loads) != courierLoad || len(k.line) != courierLoad {
		t.Errorf("%d files wait, %d in line", len(k.loads), len(k.line))
	}
}

func TestCourierTakesFirstWhatSomebodyWaitsFor(t *testing.T) {
	k := newTestCourier(t)
	there := make(chan struct{}, 3)
	for i := range byte(3) {
		k.bring(blob.Hash{i}, there)
	}
	k.leave(blob.Hash{0}, there, true)
	var order []byte
	for range 3 {
		l := k.next()
		order = append(order, l.hash[0])
		k.done(l, nil)
	}
	if !bytes.Equal(order, []byte{1, 2, 0}) {
		t.Errorf("order %v", order)
	}
	if len(there) != 2 {
		t.Errorf("%d are told, want the two who wait", len(there))
	}
}

func TestCourierKeepsTrying(t *testing.T) {
	broken := &net.OpError{Op: "dial", Err: errors.New("refused")}
	for _, tc := range []struct {
		rule  string
		leave func(*courier, chan struct{})
		err   error
		again bool
	}{
		{"while somebody waits", nil, broken, true},
		{"what a majority has", func(k *courier, there chan struct{}) { k.leave(blob.Hash{1}, there, true) }, broken, true},
		{"not what nobody wants", func(k *courier, there chan struct{}) { k.leave(blob.Hash{1}, there, false) }, broken, false},
		{"not what was removed here", nil, blob.ErrNotFound, false},
		{"not what is damaged", nil, fmt.Errorf("n1: %w", blob.ErrDamaged), false},
		{"not what is there", nil, nil, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			k := newTestCourier(t)
			there := make(chan struct{}, 1)
			k.bring(blob.Hash{1}, there)
			l := k.next()
			if tc.leave != nil {
				tc.leave(k, there)
			}
			if k.done(l, tc.err) == tc.again || (len(k.line) == 1) != tc.again || (len(k.loads) == 1) != tc.again {
				t.Errorf("%d in line, %d in all", len(k.line), len(k.loads))
			}
			if (len(there) == 1) != (tc.err == nil) {
				t.Errorf("%d are told", len(there))
			}
		})
	}
}

// Whoever comes with a file shortens the rest after a failed attempt.
func TestCourierIsWokenByAFile(t *testing.T) {
	k := newTestCourier(t)
	k.bring(blob.Hash{1}, make(chan struct{}, 1))
	if !k.rest(time.Hour) {
		t.Error("the node goes on, and rest says that it stops")
	}
	k.c.cancel()
	if k.rest(time.Hour) {
		t.Error("the node stops, and rest says that it goes on")
	}
}

// A file in somebody's hand that nobody wants any more and then somebody wants again is still carried once.
func TestCourierCarriesAFileOnce(t *testing.T) {
	k := newTestCourier(t)
	first, second := make(chan struct{}, 1), make(chan struct{}, 1)
	k.bring(blob.Hash{1}, first)
	l := k.next()
	k.leave(blob.Hash{1}, first, false)
	k.bring(blob.Hash{1}, second)
	if len(k.line) != 0 || len(k.loads) != 1 {
		t.Errorf("%d in line, %d in all", len(k.line), len(k.loads))
	}
	k.done(l, nil)
	if len(first) != 0 || len(second) != 1 {
		t.Errorf("told: %d of those who left, %d of those who wait", len(first), len(second))
	}
}

// BenchmarkPutBlob is files of 1 MB, one after the other and eight at once, over desks of one and three nodes here.
func BenchmarkPutBlob(b *testing.B) {
	for _, nodes := range []int{1, 3} {
		for _, writers := range []int64{1, 8} {
			b.Run(fmt.Sprintf("nodes=%d/writers=%d", nodes, writers), func(b *testing.B) {
				d := started(b, nodes, nil)
				c := d.nodes[d.leader()]
				b.SetBytes(1_000_000)
				b.ResetTimer()
				var wg sync.WaitGroup
				for w := range writers {
					wg.Go(func() {
						var key [32]byte
						key[0] = byte(w)
						r := rand.NewChaCha8(key)
						for range (int64(b.N) + writers - 1 - w) / writers {
							if _, err := c.PutBlob(context.Background(), io.LimitReader(r, 1_000_000), 0); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
			})
		}
	}
}
