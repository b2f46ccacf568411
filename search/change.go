// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"errors"
	"fmt"

	index "github.com/blevesearch/bleve_index_api"
)

// ErrClosed is the answer of an index that was closed.
var ErrClosed = errors.New("the search index is closed")

// Put adds documents or replaces those with the same IDs, and notes that everything up to seq is in. The documents
// are found as soon as it returns. An empty batch only notes the number.
func (x *Index) Put(ctx context.Context, docs []Doc, seq uint64) error {
	return x.Change(ctx, docs, nil, seq)
}

// Delete takes documents out of every search and notes that everything up to seq is in. Their text stays in the files
// until segments merge; Erase is what removes it.
func (x *Index) Delete(ctx context.Context, ids []string, seq uint64) error {
	return x.Change(ctx, nil, ids, seq)
}

// Change puts and deletes in one. What happens up to one seq belongs into one call: were it two, a crash between them
// could keep the number and lose the second.
func (x *Index) Change(ctx context.Context, docs []Doc, gone []string, seq uint64) error {
	x.write.Lock()
	defer x.write.Unlock()
	return x.change(ctx, x.edition(), docs, gone, seq)
}

func (x *Index) change(ctx context.Context, e *edition, docs []Doc, gone []string, seq uint64) error {
	if e.isClosed() {
		return ErrClosed
	}
	batches := map[string]*index.Batch{}
	batch := func(name string) *index.Batch {
		if batches[name] == nil {
			batches[name] = index.NewBatch()
		}
		return batches[name]
	}
	for name, p := range e.all() {
		held, err := p.holds(gone)
		if err != nil {
			return err
		}
		for _, id := range held {
			batch(name).Delete(id)
		}
	}
	for _, d := range docs {
		if d.ID == "" || len(d.ID) > maxID || d.ID == tombstone {
			return fmt.Errorf("put %s into the search index: bad id %q", d.Kind, d.ID)
		}
		batch(partOf(d.Time)).Update(x.convert(d))
	}
	for name, b := range batches {
		p, err := e.part(ctx, name, x.queue)
		if err != nil {
			return err
		}
		if err := p.write(b, max(seq, p.noted)); err != nil {
			return err
		}
	}
	return e.advance(seq)
}

// advance notes a number once everything up to it is in.
func (e *edition) advance(seq uint64) error {
	e.mu.Lock()
	e.applied = max(e.applied, seq)
	e.mu.Unlock()
	return e.note(lag)
}

// Erase removes documents so that nothing of them is left in the files when it returns. It rewrites the parts that
// hold any of them, and those that held them lately, so it also completes an earlier Delete of the same years.
func (x *Index) Erase(ctx context.Context, ids []string) error {
	x.write.Lock()
	defer x.write.Unlock()
	e := x.edition()
	if e.isClosed() {
		return ErrClosed
	}
	for _, p := range e.all() {
		held, err := p.holds(ids)
		if err != nil {
			return err
		}
		clean, err := p.clean()
		if err != nil {
			return err
		}
		if len(held) == 0 && clean {
			continue
		}
		if err := p.erase(ctx, held); err != nil {
			return err
		}
	}
	return nil
}

// Rebuild fills a new edition beside the present one and swaps it in. Searches go on meanwhile, on the old one; Put
// and Delete wait. fill calls put as often as it likes; seq is what the documents it puts correspond to.
func (x *Index) Rebuild(ctx context.Context, seq uint64, fill func(put func([]Doc) error) error) error {
	x.write.Lock()
	defer x.write.Unlock()
	old := x.edition()
	if old.isClosed() {
		return ErrClosed
	}
	next, err := x.newEdition(old.number + 1)
	if err != nil {
		return err
	}
	err = fill(func(docs []Doc) error { return x.change(ctx, next, docs, nil, 0) })
	if err == nil {
		next.applied = seq
		for _, p := range next.all() {
			err = errors.Join(err, p.settle(ctx, index.NewBatch(), seq))
		}
	}
	if err == nil {
		err = next.complete()
	}
	if err != nil {
		return errors.Join(err, next.close())
	}
	x.mu.Lock()
	x.now = next
	x.mu.Unlock()
	err = old.close()
	x.sweep()
	return err
}
