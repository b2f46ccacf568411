// SPDX-License-Identifier: Apache-2.0

package mailtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
)

// Blobs keeps bytes in memory. The zero value is ready.
type Blobs struct {
	mu   sync.Mutex
	all  map[string][]byte
	Full error // what Put answers instead, if set before use
}

// Put keeps bytes under their hash.
func (b *Blobs) Put(_ context.Context, r io.Reader, size int64) (string, int64, error) {
	if b.Full != nil {
		return "", 0, b.Full
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	if int64(len(data)) != size {
		return "", 0, fmt.Errorf("%d bytes came, %d were promised", len(data), size)
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[string][]byte{}
	}
	b.all[hash] = data
	return hash, size, nil
}

// Open reads what was put.
func (b *Blobs) Open(_ context.Context, hash string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.all[hash]
	if !ok {
		return nil, fmt.Errorf("there is no blob %s", hash)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Get is a blob's bytes, nil if there is none.
func (b *Blobs) Get(hash string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all[hash]
}
