// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"path"
	"strings"
	"time"
)

// asset is one file as it goes over the wire.
type asset struct {
	data, gzipped []byte
	mime, tag     string
	hashed        bool // the name changes with the content
}

func newAsset(name string, data []byte, hashed bool) asset {
	sum := sha256.Sum256(data)
	a := asset{data: data, hashed: hashed, tag: base64.RawURLEncoding.EncodeToString(sum[:12])}
	switch path.Ext(name) {
	case ".js":
		a.mime = "text/javascript; charset=utf-8"
	case ".css":
		a.mime = "text/css; charset=utf-8"
	default:
		a.mime = "application/octet-stream"
	}
	var buf bytes.Buffer
	// Writing to memory can't fail; a compressor that did would leave the plain file to be served.
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err == nil {
		if _, err = z.Write(data); err == nil {
			err = z.Close()
		}
	}
	if err == nil && buf.Len() < len(data) {
		a.gzipped = buf.Bytes()
	}
	return a
}

// Assets serves scripts and styles: hashed names for a year, widget.js for five minutes with an entity tag.
func (p *Pages) Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := p.assets[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.mime)
		// The launcher is loaded by pages elsewhere, which may demand this.
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if a.hashed {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		} else {
			h.Set("Cache-Control", "public, max-age=300")
		}
		data, tag := a.data, a.tag
		h.Add("Vary", "Accept-Encoding")
		if a.gzipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			data, tag = a.gzipped, a.tag+"-gz"
		}
		h.Set("ETag", `"`+tag+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
}
