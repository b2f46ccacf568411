// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"refdesk/cluster"
	"refdesk/cluster/backup"
	"refdesk/cluster/blob"
	"refdesk/cluster/desk"
	"refdesk/cluster/store"
	"refdesk/cmd/internal/ctl"
)

// VerifyArgs say what to look for.
type VerifyArgs struct {
	Erased string `json:",omitempty"` // look for this word instead of proving the history
}

// VerifyResult is what was found. It has no objections where all is well.
type VerifyResult struct {
	Of         string   `json:"of"` // the node's id, or the backup's directory
	Desk       string   `json:"desk,omitempty"`
	Epoch      uint64   `json:"epoch,omitempty"`
	Seq        uint64   `json:"seq,omitempty"`
	Digest     string   `json:"digest,omitempty"`
	Records    uint64   `json:"records"`
	Chats      uint64   `json:"chats"`
	Lines      uint64   `json:"lines"`
	Events     uint64   `json:"events"`
	Keys       uint64   `json:"keys"`
	Files      int      `json:"files"`
	Nodes      []Said   `json:"nodes,omitempty"`
	Sealed     bool     `json:"sealed,omitempty"` // a backup of which only the sums were compared, for want of its key
	Erased     bool     `json:"erased,omitempty"` // a word was looked for
	Objections []string `json:"objections"`
}

// Said is what a node said of its records, all of them at the same entry of the log.
type Said struct {
	ID      string `json:"id"`
	Applied uint64 `json:"applied"`
	Digest  string `json:"digest"` // "" = it didn't answer
}

func (r *VerifyResult) object(format string, args ...any) {
	r.Objections = append(r.Objections, fmt.Sprintf(format, args...))
}

// prove takes over what a look through the records found.
func (r *VerifyResult) prove(p *desk.Proof) {
	r.Epoch, r.Seq, r.Digest = p.Epoch, p.Seq, hex.EncodeToString(p.Digest)
	r.Records, r.Chats, r.Lines, r.Events, r.Keys = p.Records, p.Chats, p.Lines, p.Events, p.Keys
	r.Objections = append(r.Objections, p.Objections...)
	if p.More > 0 {
		r.object("%d more objections", p.More)
	}
}

// startVerify has the node prove its history, and ask the others for their digests.
func (n *Node) startVerify(_ context.Context, a VerifyArgs) (JobState, error) {
	if a.Erased != "" && len(strings.TrimSpace(a.Erased)) < 3 {
		return JobState{}, &ctl.Error{Code: "invalid", Text: "a word of fewer than three letters stands everywhere; give a longer one"}
	}
	return n.jobs.start(func(ctx context.Context, tell note) (any, func(), error) {
		r := &VerifyResult{Of: n.cfg.Cluster.ID, Objections: []string{}}
		if a.Erased != "" {
			return r, nil, n.lookFor(ctx, a.Erased, r, tell)
		}
		return r, nil, n.verify(ctx, r, tell)
	})
}

func (n *Node) verify(ctx context.Context, r *VerifyResult, tell note) error {
	tell("ask the nodes for their digests", 0, 0)
	said, err := n.store.Witnesses(ctx)
	if err != nil {
		return err
	}
	for _, w := range said {
		r.Nodes = append(r.Nodes, Said{ID: w.ID, Applied: w.Applied, Digest: hex.EncodeToString(w.Digest)})
		if len(w.Digest) == 0 {
			r.object("%s doesn't say what its records are; verify again when it is up", w.ID)
		}
	}
	for _, id := range cluster.Differing(said) {
		r.object("%s has other records than %s", id, said[0].ID)
	}
	tell("look through the records", 0, 0)
	p, err := n.store.Prove(ctx)
	if err != nil {
		return err
	}
	r.prove(p)
	files, objections, err := n.store.ReadFiles(ctx, func(done, total int) { tell("read the files", done, total) })
	r.Files = files
	r.Objections = append(r.Objections, objections...)
	return err
}

// lookFor names the places where a word stands.
func (n *Node) lookFor(ctx context.Context, word string, r *VerifyResult, tell note) error {
	r.Erased = true
	tell("look through the disk", 0, 0)
	places, err := n.store.Holds(ctx, word)
	if err != nil {
		return err
	}
	held, err := n.seek.index.Holds(ctx, word)
	if err != nil {
		return err
	}
	if held {
		places = append(places, "search index")
	}
	for _, p := range places {
		r.object("%s: the word stands in it", p)
	}
	return nil
}

// Verify has the node that runs on dir prove its history, or look for an erased word.
func Verify(ctx context.Context, dir string, a VerifyArgs, tell Progress) (r VerifyResult, err error) {
	end, err := follow(ctx, dir, "verify", a, &r, tell)
	if err != nil {
		return r, err
	}
	end()
	return r, nil
}

// VerifyBackup compares a backup with its manifest and, with the desk's key, proves the history in it. The database is taken
// out into a temporary directory below tmp.
func VerifyBackup(ctx context.Context, dir, keyFile string, tell Progress) (r VerifyResult, err error) {
	r = VerifyResult{Of: dir, Objections: []string{}}
	b, err := openBackup(ctx, dir, tell)
	if err != nil {
		r.object("%v", err)
		return r, nil
	}
	m := b.Manifest
	r.Desk, r.Epoch, r.Seq, r.Digest, r.Files = m.Desk, m.Epoch, m.Seq, m.Digest, m.Files
	if keyFile == "" {
		r.Sealed = true
		return r, nil
	}
	key, err := readKey(keyFile)
	if err != nil {
		return r, err
	}
	if err := b.Unlock(key); err != nil {
		r.object("%v", err)
		return r, nil
	}
	tmp, err := os.MkdirTemp("", "refdesk-verify-") // 0700
	if err != nil {
		return r, fmt.Errorf("take the database out: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	return r, r.backup(ctx, b, tmp, tell)
}

// backup proves what is in a backup.
func (r *VerifyResult) backup(ctx context.Context, b *backup.Backup, tmp string, tell Progress) error {
	tell("take the database out", 0, 0)
	path := filepath.Join(tmp, store.File)
	if err := b.Database(ctx, path); errors.Is(err, backup.ErrDamaged) {
		r.object("%v", err)
		return nil
	} else if err != nil {
		return err
	}
	if _, err := store.Inspect(path); err != nil {
		r.object("%v", err)
		return nil
	}
	tell("look through the records", 0, 0)
	lacks := map[string]bool{}
	err := store.Read(path, func(src desk.Source) error {
		p, err := desk.Prove(src)
		if err != nil {
			return err
		}
		r.prove(p)
		return desk.EachFile(src, func(hash string) error { lacks[hash] = true; return nil })
	})
	if err != nil {
		return err
	}
	if r.Digest != b.Manifest.Digest || r.Seq != b.Manifest.Seq || r.Epoch != b.Manifest.Epoch {
		r.object("the database is at seq %d of epoch %d, and its records are others than those of the manifest", r.Seq, r.Epoch)
	}
	err = b.Files(ctx, func(ref blob.Ref, content io.Reader) error {
		tell("read the files", 0, 0)
		h, err := blob.Sum(content)
		if err == nil && h != ref.Hash {
			r.object("file %s is damaged", ref.Hash)
		}
		delete(lacks, ref.Hash.String())
		return err
	})
	if errors.Is(err, backup.ErrDamaged) {
		r.object("%v", err)
		return nil
	}
	for hash := range lacks {
		r.object("file %.70s is missing: no node had it when the backup was made", hash)
	}
	return err
}
