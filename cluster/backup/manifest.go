// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Version is the newest layout of backups.
const Version = 1

// maxManifest is the largest manifest that is read, in bytes.
const maxManifest = 64 << 10

// Manifest says what a backup holds. It is readable without a key and tells nothing of what was written in the desk.
type Manifest struct {
	Version int       `json:"version"`
	Program string    `json:"program"` // the release that made it
	Desk    string    `json:"desk"`    // the desk's id
	Node    string    `json:"node"`    // where it was made
	Made    time.Time `json:"made"`
	Epoch   uint64    `json:"epoch"`
	Seq     uint64    `json:"seq"`     // the last event
	Digest  string    `json:"digest"`  // of all records, hexadecimal
	Files   int       `json:"files"`   // that the records refer to and that are in it
	Missing int       `json:"missing"` // that no node had
	Salt    string    `json:"salt"`
	Parts   []Part    `json:"parts"`
	Seal    string    `json:"seal"` // HMAC-SHA-256 of all above under a key derived from the desk's
}

// Part is one file of a backup. Size and SHA256 are those of the file as it lies there, sealed.
type Part struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// The parts of a backup, in their order.
const (
	databasePart = "desk.db.sealed"
	filesPart    = "files.sealed"
	manifestName = "manifest.json"
)

func partNames() []string { return []string{databasePart, filesPart} }

// ParseManifest reads a manifest and refuses what no program wrote. Whether it is genuine only its seal tells.
func ParseManifest(data []byte) (*Manifest, error) {
	if len(data) > maxManifest {
		return nil, errors.New("the manifest is too large")
	}
	var head struct{ Version int }
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, errors.New("the manifest is no JSON object")
	}
	if head.Version > Version {
		return nil, fmt.Errorf("the backup is of version %d, this program knows up to %d; use a later refdesk", head.Version, Version)
	}
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil || m.Version < 1 {
		return nil, errors.New("the manifest is not of the form it must have")
	}
	if len(m.Parts) != len(partNames()) {
		return nil, fmt.Errorf("the manifest names %d parts, not %d", len(m.Parts), len(partNames()))
	}
	for i, name := range partNames() {
		if p := m.Parts[i]; p.Name != name || p.Size < 0 || !isHex(p.SHA256, 32) {
			return nil, fmt.Errorf("the manifest's part %d is not %s with its size and sum", i+1, name)
		}
	}
	if !isHex(m.Salt, 32) || !isHex(m.Seal, 32) || !isHex(m.Digest, 32) || m.Files < 0 || m.Missing < 0 {
		return nil, errors.New("the manifest lacks its salt, seal or digest")
	}
	return m, nil
}

func isHex(s string, size int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == size && hex.EncodeToString(b) == s
}

// encode writes a manifest as it lies in the backup.
func (m *Manifest) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	return append(data, '\n'), err
}

// seal is the manifest's seal under the desk's key.
func (m *Manifest) seal(key []byte) (string, error) {
	salt, err := hex.DecodeString(m.Salt)
	if err != nil {
		return "", err
	}
	k, err := partKey(key, salt, manifestName)
	if err != nil {
		return "", err
	}
	bare := *m
	bare.Seal = ""
	data, err := bare.encode()
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, k)
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ErrKey is another key than the one that the backup was sealed with, or a manifest that somebody changed.
var ErrKey = errors.New("the manifest doesn't fit this key: give the desk.key of the desk that was backed up")

// check compares the seal.
func (m *Manifest) check(key []byte) error {
	want, err := m.seal(key)
	if err != nil {
		return err
	}
	if !hmac.Equal([]byte(want), []byte(m.Seal)) {
		return ErrKey
	}
	return nil
}
