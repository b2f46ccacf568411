// SPDX-License-Identifier: Apache-2.0

package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/blevesearch/bleve/v2/document"
	index "github.com/blevesearch/bleve_index_api"

	"refdesk/search/analysis"
)

// Config says how an index is kept.
type Config struct {
	Dir       string   // made if it isn't there
	Languages []string // that questions are asked in, the usual one first; default en
}

// Index is an index on disk. Its methods may be called from several goroutines.
type Index struct {
	cfg   Config
	langs []*analysis.Language
	queue *index.AnalysisQueue

	write sync.Mutex // held while documents change
	mu    sync.Mutex // guards now
	now   *edition

	synonyms synonyms
	memory   sync.Pool // of *scratch
}

// edition is one complete set of parts. A rebuild makes the next one beside it.
type edition struct {
	number int
	dir    string
	use    sync.RWMutex // held for reading by whoever searches

	mu      sync.Mutex
	parts   map[string]*part // replaced, never changed
	applied uint64
	closed  bool
}

// version is the layout of documents; another one is built anew. It is part of the directory's name.
const version = 1

// currentFile makes an edition valid.
const currentFile = "complete"

// Open opens the index at cfg.Dir or makes an empty one. An index of another version, or one that can't be read, is
// thrown away: Applied is then 0. Only a directory that another program holds is an error.
func Open(cfg Config) (*Index, error) {
	if len(cfg.Languages) == 0 {
		cfg.Languages = []string{"en"}
	}
	x := &Index{cfg: cfg, queue: index.NewAnalysisQueue(runtime.GOMAXPROCS(0))}
	for _, tag := range cfg.Languages {
		x.langs = append(x.langs, analysis.NewLanguage(tag))
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		x.queue.Close()
		return nil, fmt.Errorf("make search directory %s: %w", cfg.Dir, err)
	}
	numbers, err := x.editions()
	if err != nil {
		x.queue.Close()
		return nil, err
	}
	for _, n := range numbers {
		if x.now, err = x.openEdition(n); err == nil {
			break
		}
		if isLocked(err) {
			x.queue.Close()
			return nil, fmt.Errorf("open search directory %s: another program has it open: %w", cfg.Dir, err)
		}
	}
	if x.now == nil {
		next := 1
		if len(numbers) > 0 {
			next = numbers[0] + 1
		}
		if x.now, err = x.newEdition(next); err == nil {
			err = x.now.complete()
		}
		if err != nil {
			x.queue.Close()
			return nil, err
		}
	}
	x.sweep()
	return x, nil
}

// isLocked knows the error of a directory in use: bbolt's time-out.
func isLocked(err error) bool { return err != nil && strings.Contains(err.Error(), "timeout") }

func editionName(n int) string { return fmt.Sprintf("v%d-%06d", version, n) }

// editions lists the complete editions of this version, the newest first.
func (x *Index) editions() ([]int, error) {
	entries, err := os.ReadDir(x.cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("list search directory %s: %w", x.cfg.Dir, err)
	}
	var out []int
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), fmt.Sprintf("v%d-", version))
		n, err := strconv.Atoi(rest)
		if !ok || err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(x.cfg.Dir, e.Name(), currentFile)); err == nil {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b int) int { return cmp.Compare(b, a) })
	return out, nil
}

// sweep removes every edition but the present one. What can't be removed now is tried again at the next start.
func (x *Index) sweep() {
	entries, err := os.ReadDir(x.cfg.Dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != editionName(x.now.number) && strings.HasPrefix(e.Name(), "v") {
			_ = os.RemoveAll(filepath.Join(x.cfg.Dir, e.Name()))
		}
	}
}

func (x *Index) newEdition(n int) (*edition, error) {
	e := &edition{number: n, dir: filepath.Join(x.cfg.Dir, editionName(n)), parts: map[string]*part{}}
	if err := os.RemoveAll(e.dir); err != nil {
		return nil, fmt.Errorf("clear search edition %s: %w", e.dir, err)
	}
	if err := os.Mkdir(e.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make search edition %s: %w", e.dir, err)
	}
	return e, nil
}

// complete marks the edition as one to open at the next start.
func (e *edition) complete() error {
	if err := os.WriteFile(filepath.Join(e.dir, currentFile), nil, 0o600); err != nil {
		return fmt.Errorf("complete search edition %s: %w", e.dir, err)
	}
	return nil
}

// openEdition opens all parts. What each of them has seen is the least that all have.
func (x *Index) openEdition(n int) (*edition, error) {
	e := &edition{number: n, dir: filepath.Join(x.cfg.Dir, editionName(n)), parts: map[string]*part{}}
	entries, err := os.ReadDir(e.dir)
	if err != nil {
		return nil, fmt.Errorf("list search edition %s: %w", e.dir, err)
	}
	first := true
	for _, d := range entries {
		if !d.IsDir() {
			continue
		}
		p, err := openPart(filepath.Join(e.dir, d.Name()), x.queue)
		if err != nil {
			return nil, errors.Join(err, e.close())
		}
		e.parts[p.name] = p
		if first || p.noted < e.applied {
			e.applied = p.noted
		}
		first = false
	}
	return e, nil
}

// closeWait bounds how long Close waits for the disk. What isn't there by then is followed again at the next start.
const closeWait = 10 * time.Second

// Close writes down how far every part has come and closes the index. It may be called twice.
func (x *Index) Close() error {
	x.write.Lock()
	defer x.write.Unlock()
	e := x.edition()
	if e.isClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	var err error
	for _, p := range e.all() {
		err = errors.Join(err, p.settle(ctx, index.NewBatch(), max(e.applied, p.noted)))
	}
	err = errors.Join(err, e.close())
	x.queue.Close()
	return err
}

func (x *Index) edition() *edition {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.now
}

// Applied is the number up to which the index has followed.
func (x *Index) Applied() uint64 {
	e := x.edition()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.applied
}

// language returns the language of a document.
func (x *Index) language(tag string) *analysis.Language {
	if tag == "" {
		return x.langs[0]
	}
	code, _, _ := strings.Cut(strings.ToLower(tag), "-")
	for _, l := range x.langs {
		if l.Code == code {
			return l
		}
	}
	return x.langs[0] // questions are never asked in it, so its stems would not be found
}

// all returns the parts as they are.
func (e *edition) all() map[string]*part {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.parts
}

func (e *edition) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// part returns a part, made if it isn't there. A new one first gets the number of the others on disk: were it lost
// after a crash, nothing but what followed would be missing.
func (e *edition) part(ctx context.Context, name string, queue *index.AnalysisQueue) (*part, error) {
	parts := e.all()
	if p := parts[name]; p != nil {
		return p, nil
	}
	p, err := openPart(filepath.Join(e.dir, name), queue)
	if err != nil {
		return nil, err
	}
	if err := p.settle(ctx, index.NewBatch(), e.applied); err != nil {
		return nil, errors.Join(err, p.close())
	}
	parts = maps.Clone(parts)
	parts[name] = p
	e.mu.Lock()
	e.parts = parts
	e.mu.Unlock()
	return p, nil
}

// lag is how far a part that nothing happens to may stay behind.
const lag = 1024

// note writes the applied number into the parts that are more than lag behind it.
func (e *edition) note(lag uint64) error {
	for _, p := range e.all() {
		if p.noted+lag < e.applied {
			if err := p.write(index.NewBatch(), e.applied); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *edition) close() error {
	e.use.Lock()
	defer e.use.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	var err error
	for _, p := range e.parts {
		err = errors.Join(err, p.close())
	}
	return err
}

func newTombstone() *document.Document { return document.NewDocument(tombstone) }
