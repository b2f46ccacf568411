// SPDX-License-Identifier: Apache-2.0

// Package ui holds what people see in a browser: page templates, the table of texts, style sheet and scripts.
//
// Scripts and styles are written in src and built by esbuild, which runs as a Go tool; the output in dist is committed
// and must equal a fresh build (cmd/internal/house checks that). Pages carry no inline script or style. texts.json holds every sentence
// that a patron reads, one object per language; a page is sent the one table that it needs.
package ui

//go:generate rm -rf dist
//go:generate go tool -modfile=../../../.tools/go.mod esbuild src/chat.ts src/app.css src/staff.ts src/staff.css src/board.ts src/board.css --bundle --minify --keep-names --charset=utf8 --target=es2022 --format=esm --legal-comments=none --entry-names=[name]-[hash] --outdir=dist --log-level=warning
//go:generate go tool -modfile=../../../.tools/go.mod esbuild src/widget.ts --bundle --minify --keep-names --charset=utf8 --target=es2022 --format=iife --legal-comments=none --outfile=dist/widget.js --log-level=warning
//go:generate go tool -modfile=../../../.tools/go.mod esbuild src/faq.ts --bundle --minify --keep-names --charset=utf8 --target=es2022 --format=iife --legal-comments=none --outfile=dist/faq.js --log-level=warning

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
)

//go:embed dist templates/*.html templates/staff/*.html texts.json
var files embed.FS

// Pages renders the templates. It is safe for concurrent use.
type Pages struct {
	templates *template.Template
	staff     map[string]*template.Template // the staff's pages by name
	texts     map[string]Texts
	markdown  renderer
	assets    map[string]asset  // by URL path
	names     map[string]string // plain name ("chat.js") to URL path
}

// New parses what is embedded.
func New() (*Pages, error) {
	p := &Pages{names: make(map[string]string), markdown: newRenderer()}
	var err error
	if p.texts, err = loadTexts(); err != nil {
		return nil, err
	}
	if err := p.loadAssets(); err != nil {
		return nil, err
	}
	p.templates, err = template.New("").Funcs(template.FuncMap{"asset": p.asset}).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse page templates: %w", err)
	}
	if p.staff, err = p.staffTemplates(); err != nil {
		return nil, err
	}
	return p, nil
}

// asset gives the URL of an asset by its plain name. Templates are parsed by tests, so a wrong name shows there.
func (p *Pages) asset(name string) (string, error) {
	u, ok := p.names[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return u, nil
}

// loadAssets reads dist: name-HASH.ext is served under /assets for ever, anything else (widget.js, faq.js) at the root with an
// entity tag.
func (p *Pages) loadAssets() error {
	p.assets = make(map[string]asset)
	entries, err := fs.ReadDir(files, "dist")
	if err != nil {
		return fmt.Errorf("read assets: %w", err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(files, path.Join("dist", e.Name()))
		if err != nil {
			return fmt.Errorf("read assets: %w", err)
		}
		ext := path.Ext(e.Name())
		stem := strings.TrimSuffix(e.Name(), ext)
		url, plain, hashed := "/"+e.Name(), e.Name(), false
		if i := strings.LastIndexByte(stem, '-'); i > 0 {
			url, plain, hashed = "/assets/"+e.Name(), stem[:i]+ext, true
		}
		p.names[plain] = url
		p.assets[url] = newAsset(e.Name(), data, hashed)
	}
	return nil
}

func (p *Pages) render(w io.Writer, name string, data any) error {
	if err := p.templates.ExecuteTemplate(w, name, data); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	return nil
}
