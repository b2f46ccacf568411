// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"refdesk/cluster/blob"
	"refdesk/cluster/wire"
)

// withFiles starts three nodes that have files.
func withFiles(t testing.TB, hello time.Duration) (*net3, map[string]*blob.Store) {
	n, stores, _ := withFilesIn(t, hello)
	return n, stores
}

// withFilesIn says too where they lie.
func withFilesIn(t testing.TB, hello time.Duration) (*net3, map[string]*blob.Store, map[string]string) {
	stores, dirs := map[string]*blob.Store{}, map[string]string{}
	n := startWith(t, hello, func(c *Config) {
		dirs[c.ID] = filepath.Join(t.TempDir(), "blobs")
		s, err := blob.Open(dirs[c.ID])
		if err != nil {
			t.Fatal(err)
		}
		stores[c.ID], c.Blobs = s, s
	})
	return n, stores, dirs
}

func putFile(t *testing.T, s *blob.Store, text string) blob.Ref {
	t.Helper()
	ref, err := s.Put(t.Context(), strings.NewReader(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestPushBlob(t *testing.T) {
	n, stores := withFiles(t, helloTime)
	for _, size := range []int{0, 1, blobChunk, 3*blobChunk + 1} {
		ref := putFile(t, stores["n0"], strings.Repeat("f", size))
		for range 2 { // the second time it is there already
			if err := n.ports["n0"].PushBlob(t.Context(), "n1", ref.Hash); err != nil {
				t.Fatal(err)
			}
		}
		if err := stores["n1"].Verify(t.Context(), ref.Hash); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if !stores["n1"].Pinned(ref.Hash) {
			t.Errorf("%d bytes: not pinned where it was pushed to", size)
		}
		if got, ok, err := n.ports["n2"].HasBlob(t.Context(), "n1", ref.Hash); err != nil || !ok || got != ref.Size {
			t.Errorf("n1 has it: %d, %v, %v", got, ok, err)
		}
		if _, ok, err := n.ports["n0"].HasBlob(t.Context(), "n2", ref.Hash); err != nil || ok {
			t.Errorf("n2 has it: %v, %v", ok, err)
		}
	}
	if err := n.ports["n0"].PushBlob(t.Context(), "n1", blob.Hash{1}); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("a file that isn't here: %v", err)
	}
}

func TestPushBlobToANodeThatHasIt(t *testing.T) {
	n, stores, dirs := withFilesIn(t, helloTime)
	ref := putFile(t, stores["n0"], "a file")
	push := func() {
		t.Helper()
		if err := n.ports["n0"].PushBlob(t.Context(), "n1", ref.Hash); err != nil {
			t.Fatal(err)
		}
	}
	push()
	if err := stores["n1"].Unpin(ref.Hash); err != nil {
		t.Fatal(err)
	}
	push()
	if !stores["n1"].Pinned(ref.Hash) {
		t.Error("it was not pinned again")
	}
	// One that was cut short on its disk is exchanged.
	name := ref.Hash.String()
	if err := os.Truncate(filepath.Join(dirs["n1"], name[:2], name[2:]), 3); err != nil {
		t.Fatal(err)
	}
	push()
	if err := stores["n1"].Verify(t.Context(), ref.Hash); err != nil {
		t.Error(err)
	}
}

func TestPullBlob(t *testing.T) {
	n, stores := withFiles(t, helloTime)
	text := strings.Repeat("0123456789", blobChunk/4)
	ref := putFile(t, stores["n0"], text)
	for _, offset := range []int64{0, 1, blobChunk, ref.Size - 1, ref.Size} {
		r, size, err := n.ports["n1"].PullBlob(t.Context(), "n0", ref.Hash, offset)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || size != ref.Size || string(got) != text[offset:] {
			t.Errorf("from %d: %d bytes of %d, %v", offset, len(got), size, err)
		}
		r.Close()
	}
	for _, offset := range []int64{ref.Size + 1, -1} {
		if _, _, err := n.ports["n1"].PullBlob(t.Context(), "n0", ref.Hash, offset); !errors.Is(err, ErrRefused) {
			t.Errorf("from %d: %v", offset, err)
		}
	}
	if _, _, err := n.ports["n1"].PullBlob(t.Context(), "n2", ref.Hash, 0); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("what isn't there: %v", err)
	}
}

// A pull whose reader stops or whose caller goes ends at both sides; goleak sees the rest.
func TestPullBlobGivenUp(t *testing.T) {
	n, stores := withFiles(t, helloTime)
	ref := putFile(t, stores["n0"], strings.Repeat("x", 8<<20))
	ctx, cancel := context.WithCancel(t.Context())
	r, _, err := n.ports["n1"].PullBlob(ctx, "n0", ref.Hash, 0)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.Close()
	if r, _, err = n.ports["n1"].PullBlob(t.Context(), "n0", ref.Hash, 0); err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := n.ports["n1"].Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err == nil {
		t.Error("it goes on after the port was closed")
	}
}

// ask sends bytes for files to n0 and returns the answer's verdict.
func askRaw(t *testing.T, n *net3, question []byte) (*tls.Conn, byte, error) {
	t.Helper()
	conn, err := n.ports["n1"].dial(t.Context(), "n0", blobByte)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.NetConn().Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(question); err != nil {
		t.Fatal(err)
	}
	verdict, _, err := readAnswer(conn)
	return conn, verdict, err
}

func question(version, what byte, h blob.Hash, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{version, what}, h[:]...), number)
}

func TestBadQuestions(t *testing.T) {
	n, stores := withFiles(t, 200*time.Millisecond)
	text := "what was announced"
	h := blob.Hash(sha256.Sum256([]byte(text)))
	push := question(blobVersion, pushBlob, h, uint64(len(text)))
	for _, tc := range []struct {
		rule string
		send []byte
		body string
		want byte // 0: none
	}{
		{"a later version", question(2, pushBlob, h, 1), "", blobUnknown},
		{"another question", question(blobVersion, 'X', h, 1), "", blobUnknown},
		{"a file larger than any", question(blobVersion, pushBlob, h, blob.MaxSize+1), "", blobLarge},
		{"a size beyond all numbers", question(blobVersion, pushBlob, h, 1<<63+5), "", blobLarge},
		{"an offset beyond all numbers", question(blobVersion, pullBlob, h, 1<<63+5), "", blobMissing},
		{"other bytes than the hash says", push, strings.ToUpper(text), blobWrong},
		{"half a question", push[:20], "", 0},
		{"half a file, then silence", push, text[:5], blobFailed},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			conn, verdict, err := askRaw(t, n, tc.send)
			if err == nil && verdict == blobSend {
				if _, err := io.WriteString(conn, tc.body); err != nil {
					t.Fatal(err)
				}
				verdict, _, err = readAnswer(conn)
			}
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatal("was kept waiting")
			}
			if verdict != tc.want || (err == nil) != (tc.want != 0) {
				t.Errorf("got %d, %v", verdict, err)
			}
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("the connection goes on")
			}
			if _, ok := stores["n0"].Has(h); ok {
				t.Error("it was kept")
			}
		})
	}
}

// A peer may hold so many exchanges and no more; others are served as before.
func TestBlobLimit(t *testing.T) {
	n, stores := withFiles(t, helloTime)
	for i := range blobLimit {
		if _, verdict, err := askRaw(t, n, question(blobVersion, pushBlob, blob.Hash{byte(i)}, 5)); err != nil || verdict != blobSend {
			t.Fatalf("%d: %d, %v", i, verdict, err)
		}
	}
	ref := putFile(t, stores["n1"], "one more")
	if err := n.ports["n1"].PushBlob(t.Context(), "n0", ref.Hash); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "busy") {
		t.Errorf("one more: %v", err)
	}
	ref = putFile(t, stores["n2"], "from somebody else")
	if err := n.ports["n2"].PushBlob(t.Context(), "n0", ref.Hash); err != nil {
		t.Errorf("another node: %v", err)
	}
}

// fake is a node whose side of files is the test's.
func fake(t *testing.T, n *net3, id string, serve func(net.Conn)) {
	t.Helper()
	if err := n.ports[id].Close(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", n.addrs[id])
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	config := n.ports[id].cfg.Identity.server(func(string) bool { return true })
	go func() {
		defer close(done)
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			conn := tls.Server(raw, config)
			_ = conn.SetDeadline(time.Now().Add(patience))
			if _, err := io.ReadFull(conn, make([]byte, 1+questionSize)); err == nil {
				serve(conn)
			}
			conn.Close()
		}
	}()
}

func answer(v byte, size uint64) []byte { return binary.BigEndian.AppendUint64([]byte{v}, size) }

func TestPeersThatMisbehave(t *testing.T) {
	for _, tc := range []struct {
		rule string
		say  []byte
		want string
	}{
		{"hangs", nil, "i/o timeout"},
		{"stops in its answer", answer(blobHere, 5)[:4], "i/o timeout"},
		{"has a file larger than any", answer(blobHere, blob.MaxSize+1), "no answer about a file"},
		{"has no room", answer(blobFull, 0), "has no room"},
		{"is of an earlier program", wire.AppendRefusal(nil, "upgrade it"), `refused: "upgrade it"`},
		{"sends another frame", wire.AppendHint(nil, wire.Hint{Kind: "typing"}), "no answer about a file"},
		{"sends a broken frame", []byte("RDRDRDRDRDRDRDRDRDRD"), "damaged frame"},
		{"says something unknown", answer(77, 0), "answered 77"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			n, stores := withFiles(t, 200*time.Millisecond)
			over := make(chan struct{})
			fake(t, n, "n2", func(c net.Conn) {
				_, _ = c.Write(tc.say)
				<-over
			})
			ref := putFile(t, stores["n0"], "a file")
			err := n.ports["n0"].PushBlob(t.Context(), "n2", ref.Hash)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("PushBlob: %v, want %q", err, tc.want)
			}
			close(over)
			if _, _, err := n.ports["n0"].PullBlob(t.Context(), "n2", ref.Hash, 1); err == nil {
				t.Error("PullBlob has no error")
			}
			if _, ok, err := n.ports["n0"].HasBlob(t.Context(), "n2", ref.Hash); err == nil || ok {
				t.Errorf("HasBlob: %v, %v", ok, err)
			}
			if err := n.ports["n0"].PushBlob(t.Context(), "n1", ref.Hash); err != nil {
				t.Errorf("meanwhile n1: %v", err)
			}
		})
	}
}

// One who sends a byte now and then is not making progress.
func TestTricklingPull(t *testing.T) {
	n, _ := withFiles(t, 100*time.Millisecond)
	over := make(chan struct{})
	defer close(over)
	fake(t, n, "n2", func(c net.Conn) {
		_, _ = c.Write(answer(blobHere, 1<<20))
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if _, err := c.Write([]byte{'.'}); err != nil {
					return
				}
			case <-over:
				return
			}
		}
	})
	r, _, err := n.ports["n0"].PullBlob(t.Context(), "n2", blob.Hash{1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestPullThatBreaksOff(t *testing.T) {
	n, _ := withFiles(t, helloTime)
	fake(t, n, "n2", func(c net.Conn) { _, _ = c.Write(append(answer(blobHere, 10), "only"...)) })
	r, _, err := n.ports["n0"].PullBlob(t.Context(), "n2", blob.Hash{1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "only" {
		t.Errorf("%q, %v", got, err)
	}
}

// A node without files refuses questions about them as any purpose that it doesn't know.
func TestNodeWithoutFiles(t *testing.T) {
	n := start(t, helloTime)
	conn, err := n.ports["n1"].dial(t.Context(), "n0", blobByte)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, _, err := readAnswer(conn); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "upgrade it") {
		t.Errorf("got %v", err)
	}
}

func FuzzReadAnswer(f *testing.F) {
	for _, b := range [][]byte{
		answer(blobHere, 5), answer(blobSend, 0), answer(blobHere, blob.MaxSize+1), answer(255, 1<<63),
		wire.AppendRefusal(nil, "upgrade it"), []byte("RD"), []byte("RDRDRDRDRDRD"), nil,
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		verdict, size, err := readAnswer(bytes.NewReader(data))
		if err == nil && (size < 0 || size > blob.MaxSize || verdict == 'R' || !bytes.HasPrefix(data, answer(verdict, uint64(size)))) {
			t.Errorf("%x is read as %d, %d", data, verdict, size)
		}
	})
}

// Whatever a peer sends about files, the port goes on, and no file comes to be that isn't what its hash says.
func FuzzServeBlob(f *testing.F) {
	h := blob.Hash(sha256.Sum256([]byte("abc")))
	f.Add(question(blobVersion, pushBlob, h, 3), []byte("abc"))
	f.Add(question(blobVersion, pushBlob, h, 3), []byte("abd"))
	f.Add(question(blobVersion, pullBlob, h, 1<<63), []byte{})
	f.Add(question(blobVersion, hasBlob, h, 0), []byte("more"))
	f.Add(question(9, 0, h, 0)[:7], []byte{})
	store, err := blob.Open(filepath.Join(f.TempDir(), "blobs"))
	if err != nil {
		f.Fatal(err)
	}
	p := &Port{
		cfg:      Config{Blobs: store, Log: slog.New(slog.DiscardHandler)},
		blobTime: patience, peers: map[string]*way{"n1": {blobs: make(chan struct{}, 1)}}, ctx: context.Background(),
	}
	f.Fuzz(func(t *testing.T, question, body []byte) {
		near := &pipe{in: bytes.NewReader(append(bytes.Clone(question), body...))}
		p.serveBlob(near, "n1")
		if len(p.way("n1").blobs) != 0 {
			t.Error("the exchange is still counted")
		}
		if err := store.Walk(func(r blob.Ref) error { return store.Verify(t.Context(), r.Hash) }); err != nil {
			t.Error(err)
		}
	})
}

// pipe is a connection whose other side has said all that it will say.
type pipe struct {
	net.Conn
	in *bytes.Reader
}

func (p *pipe) Read(b []byte) (int, error)       { return p.in.Read(b) }
func (p *pipe) Write(b []byte) (int, error)      { return len(b), nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// BenchmarkHasBlob is one question over a connection of its own.
func BenchmarkHasBlob(b *testing.B) {
	n, _ := withFiles(b, helloTime)
	for range b.N {
		if _, _, err := n.ports["n0"].HasBlob(context.Background(), "n1", blob.Hash{1}); err != nil {
			b.Fatal(err)
		}
	}
}
