// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
	"github.com/hashicorp/raft"
)

// Files in the directory of epochs, beside a file per key.
const (
	stateFile = "state.json"
	cleanFile = "clean.json" // only while no process has the log open, and the last one closed it in order
	keySuffix = ".key"
)

// state is what is known of a log for good.
type state struct {
	Version int
	Plain   uint64 // entries with a lower index were written before entries were sealed
}

// rest is what a process leaves to the next one, so that it need not read the whole log.
type rest struct {
	Version     int
	First, Last uint64
	High        map[uint64]uint64 // by epoch: the highest index sealed under it
}

const layout = 1

// A key's file: magic (8) · epoch (8) · nonce (12) · sealed key (32) · tag (16).
const (
	keyMagic    = "RDEPOCH1"
	keyFileSize = len(keyMagic) + 8 + 12 + 32 + tagSize
)

// epoch is one key.
type epoch struct {
	id   uint64
	aead cipher.AEAD
	high uint64 // the highest index sealed under it; what was cut off at the end counts
	used uint64 // how many entries were sealed under it by this process
}

// Epochs are the keys of one node's log. They are made here and never leave the node.
type Epochs struct {
	dir  string
	wrap cipher.AEAD // seals the keys' files

	mu      sync.RWMutex
	state   state
	byID    map[uint64]*epoch
	current *epoch // nil = the next entry makes one
	rest    *rest
}

// OpenEpochs reads the keys in dir, or makes the directory. They are sealed with secret, the desk's key. last is the last
// entry that the log has; a log from before entries were sealed goes on, and its entries up to there may be open ones.
func OpenEpochs(dir string, secret []byte, last uint64) (*Epochs, error) {
	wrapping, err := hkdf.Key(sha256.New, secret, nil, "refdesk epoch keys", 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	e := &Epochs{dir: dir, byID: map[uint64]*epoch{}}
	if e.wrap, err = newAEAD(wrapping); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the log's keys: %w; change the owner of %s", err, filepath.Dir(dir))
	}
	if err := errors.Join(e.readState(last), e.readKeys(), e.readRest()); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Epochs) path(name string) string { return filepath.Join(e.dir, name) }

func (e *Epochs) readState(last uint64) error {
	data, err := os.ReadFile(e.path(stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		e.state = state{Version: layout, Plain: last + 1}
		return e.save(stateFile, e.state)
	}
	if err == nil {
		err = json.Unmarshal(data, &e.state)
	}
	if err == nil && e.state.Version > layout {
		err = fmt.Errorf("it is of version %d, this program knows up to %d; start a later refdesk", e.state.Version, layout)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", e.path(stateFile), err)
	}
	return nil
}

func (e *Epochs) save(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(e.path(name), data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", e.path(name), err)
	}
	return syncDir(e.dir)
}

func (e *Epochs) readKeys() error {
	files, err := os.ReadDir(e.dir)
	if err != nil {
		return fmt.Errorf("read the log's keys: %w", err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), keySuffix) {
			continue
		}
		data, err := os.ReadFile(e.path(f.Name()))
		if err != nil {
			return fmt.Errorf("read the log's keys: %w", err)
		}
		id, key, err := e.unwrap(data)
		if err == nil && f.Name() != keyName(id) {
			err = errors.New("it has another's name")
		}
		if errors.Is(err, errDestroyed) { // interrupted between wiping it and removing it
			if err := errors.Join(os.Remove(e.path(f.Name())), syncDir(e.dir)); err != nil {
				return fmt.Errorf("destroy a key of the log: %w", err)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("the log's key %s can't be opened: %w; is %s the one that this node has always had? If it is lost, join the desk again with a new id, or restore a backup",
				e.path(f.Name()), err, filepath.Join(filepath.Dir(e.dir), "desk.key"))
		}
		aead, err := newAEAD(key)
		if err != nil {
			return err
		}
		e.byID[id] = &epoch{id: id, aead: aead}
	}
	return nil
}

var errDestroyed = errors.New("it is destroyed")

func keyName(id uint64) string { return fmt.Sprintf("%016x%s", id, keySuffix) }

// unwrap reads a key's file.
func (e *Epochs) unwrap(data []byte) (uint64, []byte, error) {
	if len(data) == 0 || strings.Trim(string(data), "\x00") == "" {
		return 0, nil, errDestroyed
	}
	if len(data) != keyFileSize || string(data[:len(keyMagic)]) != keyMagic {
		return 0, nil, errors.New("it is no key's file")
	}
	head, nonce, sealed := data[:16], data[16:28], data[28:]
	key, err := e.wrap.Open(nil, nonce, sealed, head)
	if err != nil {
		return 0, nil, errors.New("it was sealed with another key")
	}
	return binary.BigEndian.Uint64(head[8:]), key, nil
}

// readRest reads what the last process left, if it ended in order.
func (e *Epochs) readRest() error {
	data, err := os.ReadFile(e.path(cleanFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", e.path(cleanFile), err)
	}
	var r rest
	if json.Unmarshal(data, &r) == nil && r.Version == layout {
		e.rest = &r
		for id, high := range r.High {
			if k := e.byID[id]; k != nil {
				k.high = high
			}
		}
	}
	return nil
}

// Begin takes away what the last process left: this one may not end in order. Only a log that was found to be the one that
// was closed may be begun with; until then a refusal is to last.
func (e *Epochs) Begin() error {
	if _, err := os.Stat(e.path(cleanFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := errors.Join(os.Remove(e.path(cleanFile)), syncDir(e.dir)); err != nil {
		return fmt.Errorf("remove %s: %w", e.path(cleanFile), err)
	}
	return nil
}

// Clean reports whether the process before this one closed the log in order, with these bounds. If not, every entry has to
// be opened once.
func (e *Epochs) Clean(first, last uint64) bool {
	return e.rest != nil && e.rest.First == first && e.rest.Last == last
}

// Ended returns the last entry that the log had when the process before this one closed it in order, 0 if it did not.
func (e *Epochs) Ended() uint64 {
	if e.rest == nil {
		return 0
	}
	return e.rest.Last
}

// Seal returns an entry as it goes to the disk.
func (e *Epochs) Seal(l *raft.Log) (*raft.Log, error) {
	e.mu.Lock()
	if e.current == nil {
		if err := e.make(); err != nil {
			e.mu.Unlock()
			return nil, err
		}
	}
	k := e.current
	k.used++
	k.high = max(k.high, l.Index)
	h := header{epoch: k.id, number: k.used}
	e.mu.Unlock()
	return sealEntry(k.aead, h, l), nil
}

// Open makes of an entry from the disk the one that was given to it.
func (e *Epochs) Open(l *raft.Log) error {
	if !isSealed(l.Data) && l.Index < e.state.Plain {
		return nil // from before entries were sealed
	}
	h, sealed, err := parseHeader(l.Data)
	if err != nil {
		return err
	}
	e.mu.Lock()
	k := e.byID[h.epoch]
	if k != nil {
		k.high = max(k.high, l.Index)
	}
	e.mu.Unlock()
	if k == nil {
		return ErrNoKey
	}
	return openEntry(k.aead, h, sealed, l)
}

// make makes the next key, durably. The caller holds mu.
func (e *Epochs) make() error {
	id := uint64(time.Now().UnixNano())
	for old := range e.byID {
		id = max(id, old+1)
	}
	key := make([]byte, 32)
	head := binary.BigEndian.AppendUint64([]byte(keyMagic), id)
	nonce := make([]byte, 12)
	_, _ = rand.Read(key) // never fails
	_, _ = rand.Read(nonce)
	data := e.wrap.Seal(append(head, nonce...), nonce, key, head)
	if err := renameio.WriteFile(e.path(keyName(id)), data, 0o600); err != nil {
		return fmt.Errorf("write a key of the log: %w", err)
	}
	if err := syncDir(e.dir); err != nil {
		return err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return err
	}
	clear(key)
	e.current = &epoch{id: id, aead: aead}
	e.byID[id] = e.current
	return nil
}

// Turn makes the next entry begin a new epoch. An epoch without entries goes on.
func (e *Epochs) Turn() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.current != nil && e.current.used > 0 {
		e.current = nil
	}
}

// Trim destroys the keys that no entry needs from first on. What else lies on the disk under them is noise from then on.
func (e *Epochs) Trim(first uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for id, k := range e.byID {
		if k == e.current || k.high >= first {
			continue
		}
		if err := e.destroy(keyName(id)); err != nil {
			errs = append(errs, err)
			continue
		}
		delete(e.byID, id)
	}
	if len(errs) > 0 {
		return fmt.Errorf("destroy keys of the log: %w", errors.Join(errs...))
	}
	return nil
}

// destroy wipes a key's file and removes it.
func (e *Epochs) destroy(name string) error {
	f, err := os.OpenFile(e.path(name), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, keyFileSize))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Remove(e.path(name)), syncDir(e.dir))
}

// Live is how many keys there are.
func (e *Epochs) Live() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return len(e.byID)
}

// Close notes that the log, with these bounds, was closed in order.
func (e *Epochs) Close(first, last uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := rest{Version: layout, First: first, Last: last, High: map[uint64]uint64{}}
	for id, k := range e.byID {
		r.High[id] = k.high
	}
	return e.save(cleanFile, r)
}

// syncDir makes the entries of a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
