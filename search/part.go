// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/index/scorch/mergeplan"
	index "github.com/blevesearch/bleve_index_api"
)

// part is one scorch index: the documents of one year.
type part struct {
	name  string
	dir   string
	ix    *scorch.Scorch
	noted uint64 // highest number written into it

	mu   sync.Mutex
	cols map[uint64]*columns // by segment
}

var appliedKey = []byte("applied")

// openPart opens or makes the part at dir.
func openPart(dir string, queue *index.AnalysisQueue) (*part, error) {
	config := map[string]any{
		"path": dir,
		// A batch is answered before it is on disk: the number inside tells what has to be followed again.
		"unsafe_batch": true,
		// A second program on the same directory is told so instead of waiting for ever.
		"bolt_timeout": "2s",
		// Each segment costs every search a look into its dictionary: half as many as scorch keeps by itself make
		// searches a quarter faster and loading a tenth slower.
		"scorchMergePlanOptions": map[string]any{"MaxSegmentsPerTier": 5},
	}
	ix, err := scorch.NewScorch(scorch.Name, config, queue)
	if err != nil {
		return nil, fmt.Errorf("open search index %s: %w", dir, err)
	}
	if err := ix.Open(); err != nil {
		return nil, fmt.Errorf("open search index %s: %w", dir, err)
	}
	p := &part{name: filepath.Base(dir), dir: dir, ix: ix.(*scorch.Scorch), cols: map[uint64]*columns{}}
	if p.noted, err = p.stored(); err != nil {
		return nil, errors.Join(err, p.ix.Close())
	}
	return p, nil
}

// stored reads the number that came with the last batch.
func (p *part) stored() (uint64, error) {
	snap, err := p.snapshot()
	if err != nil {
		return 0, err
	}
	defer snap.Close()
	v, err := snap.GetInternal(appliedKey)
	if err != nil || len(v) != 8 {
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

func (p *part) snapshot() (*scorch.IndexSnapshot, error) {
	r, err := p.ix.Reader()
	if err != nil {
		return nil, fmt.Errorf("read search index %s: %w", p.name, err)
	}
	snap, ok := r.(*scorch.IndexSnapshot)
	if !ok || snap == nil {
		return nil, fmt.Errorf("read search index %s: it is closed", p.name)
	}
	return snap, nil
}

// write applies a batch with its number.
func (p *part) write(b *index.Batch, seq uint64) error {
	b.SetInternal(appliedKey, binary.BigEndian.AppendUint64(nil, seq))
	if err := p.ix.Batch(b); err != nil {
		return fmt.Errorf("write search index %s: %w", p.name, err)
	}
	p.noted = seq
	return nil
}

// settle writes a batch and waits until it and all before it are on disk.
func (p *part) settle(ctx context.Context, b *index.Batch, seq uint64) error {
	done := make(chan error, 1)
	b.SetPersistedCallback(func(err error) { done <- err })
	if err := p.write(b, seq); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// holds keeps those of the ids that are in the part.
func (p *part) holds(ids []string) ([]string, error) {
	snap, err := p.snapshot()
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	var out []string
	for _, id := range ids {
		found, err := snap.InternalID(id)
		if err != nil {
			return nil, fmt.Errorf("look up a document in search index %s: %w", p.name, err)
		}
		if found != nil {
			out = append(out, id)
		}
	}
	return out, nil
}

// tombstone is a document without content. Scorch merges two segments or more: a part whose text is in one would keep
// it, were there not a second.
const tombstone = "\x00erased"

// erase removes documents so that nothing of them stays in the files.
func (p *part) erase(ctx context.Context, ids []string) error {
	b := index.NewBatch()
	for _, id := range ids {
		b.Delete(id)
	}
	b.Update(newTombstone())
	if err := p.settle(ctx, b, p.noted); err != nil {
		return err
	}
	for {
		if err := p.ix.ForceMerge(ctx, &mergeplan.SingleSegmentMergePlanOptions); err != nil {
			return fmt.Errorf("merge search index %s: %w", p.name, err)
		}
		// The old files go when a later state is on disk and nobody reads the earlier ones.
		if err := p.settle(ctx, index.NewBatch(), p.noted); err != nil {
			return err
		}
		clean, err := p.clean()
		if err != nil || clean {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// clean tells whether no segment holds deleted documents and no file outlives its segment.
func (p *part) clean() (bool, error) {
	snap, err := p.snapshot()
	if err != nil {
		return false, err
	}
	defer snap.Close()
	live := map[string]bool{}
	for _, s := range snap.Segments() {
		file, ok := s.Segment().(interface{ Path() string })
		if !ok || s.Deleted() != nil && !s.Deleted().IsEmpty() {
			return false, nil
		}
		live[filepath.Base(file.Path())] = true
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return false, fmt.Errorf("list search index %s: %w", p.name, err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".zap") && !live[e.Name()] {
			return false, nil
		}
	}
	return true, nil
}

func (p *part) close() error {
	if err := p.ix.Close(); err != nil {
		return fmt.Errorf("close search index %s: %w", p.name, err)
	}
	return nil
}
