// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
)

const staffDir = "templates/staff"

// staffTemplates parses the staff's pages: each of them fills the layout's "main". What several pages share stands in the
// layout or in files that end with .part.html.
func (p *Pages) staffTemplates() (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(template.FuncMap{"asset": p.asset, "dict": dict, "invalid": invalid}).ParseFS(files, staffDir+"/layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse the staff's layout: %w", err)
	}
	names, err := fs.Glob(files, staffDir+"/*.html")
	if err != nil {
		return nil, fmt.Errorf("list the staff's pages: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".part.html") {
			if base, err = base.ParseFS(files, name); err != nil {
				return nil, fmt.Errorf("parse the staff's %s: %w", path.Base(name), err)
			}
		}
	}
	pages := make(map[string]*template.Template)
	for _, name := range names {
		short := strings.TrimSuffix(path.Base(name), ".html")
		if short == "layout" || strings.HasSuffix(short, ".part") {
			continue
		}
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("parse the staff's page %s: %w", short, err)
		}
		pages[short] = t
	}
	return pages, nil
}

// Staff renders one of the staff's pages, named as its file without ".html", inside their layout.
func (p *Pages) Staff(w io.Writer, name string, data any) error {
	t, ok := p.staff[name]
	if !ok {
		return fmt.Errorf("render page: no staff page %q", name)
	}
	if err := t.ExecuteTemplate(w, "layout.html", data); err != nil {
		return fmt.Errorf("render staff page %s: %w", name, err)
	}
	return nil
}

// invalid marks the field of a form that a slip is about, and ties the sentence to it.
func invalid(slip, field string) template.HTMLAttr {
	if slip != field {
		return ""
	}
	return `aria-invalid="true" aria-describedby="wrong"`
}

// dict hands several values to a shared part: pairs of name and value.
func dict(pairs ...any) (map[string]any, error) {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: %v has no value", pairs[len(pairs)-1])
	}
	return m, nil
}
