// SPDX-License-Identifier: Apache-2.0

package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTopLevel(t *testing.T) {
	allowed := []string{
		"gateway", "bridge", "search", "cluster", "cmd", "go.mod", "go.sum", "Makefile", "README.md", "docs", "CHANGELOG.md", "LICENSE",
		"bin", "data", // made by `make run`, ignored by git
	}
	entries, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	for _, p := range packages(t) {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(p.path()) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: the package's comment does not start with %q", p.path(), want)
		}
	}
}

func TestLicenceLine(t *testing.T) {
	files(t, func(name string, text []byte) {
		switch ext := path.Ext(name); {
		case slices.Contains([]string{".go", ".ts", ".js", ".css", ".py", ".sh"}, ext), name == "Makefile", strings.HasPrefix(name, ".ci/"):
		default:
			return
		}
		lines := bytes.SplitN(text, []byte("\n"), 3)
		first := lines[0]
		if bytes.HasPrefix(first, []byte("#!")) && len(lines) > 1 {
			first = lines[1]
		}
		if !bytes.Contains(first, []byte("SPDX-License-Identifier: Apache-2.0")) {
			t.Errorf("%s does not start with the licence line", name)
		}
	})
}

// Words that say where or how a file was made, or that something was left for later, are no part of the program.
func TestForbiddenWords(t *testing.T) {
	words := []string{"/wo" + "rk/", "/ro" + "ot/", "/tmp/" + "brief", "TO" + "DO", "FIX" + "ME"}
	files(t, func(name string, text []byte) {
		if strings.Contains(name, "/testdata/") {
			return
		}
		for _, w := range words {
			if i := bytes.Index(text, []byte(w)); i >= 0 {
				t.Errorf("%s:%d: %q", name, 1+bytes.Count(text[:i], []byte("\n")), w)
			}
		}
	})
}

// goFile is a parsed source file with its name from the top of the repository.
type goFile struct {
	name string
	set  *token.FileSet
	tree *ast.File
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	var all []goFile
	files(t, func(name string, text []byte) {
		if path.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			return
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		all = append(all, goFile{filepath.ToSlash(name), set, tree})
	})
	return all
}

func (f goFile) isTest() bool { return strings.HasSuffix(f.name, "_test.go") }

func (f goFile) lines(n ast.Node) int {
	return f.set.Position(n.End()).Line - f.set.Position(n.Pos()).Line + 1
}

func TestSizes(t *testing.T) {
	var sizes []int
	for _, f := range goFiles(t) {
		if n := f.set.File(f.tree.FileStart).LineCount(); n > 1000 {
			t.Errorf("%s has %d lines; the limit is 1,000", f.name, n)
		}
		for _, d := range f.tree.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := f.lines(fn)
			if n > 150 {
				t.Errorf("%s: %s has %d lines; the limit is 150", f.name, fn.Name.Name, n)
			}
			if !f.isTest() {
				sizes = append(sizes, n)
			}
		}
	}
	slices.Sort(sizes)
	if p90 := sizes[len(sizes)*9/10]; p90 > 45 {
		t.Errorf("one function in ten has more than %d lines; the limit is 45", p90)
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	total := 0
	var bare []string
	for _, f := range goFiles(t) {
		if f.isTest() || f.tree.Name.Name == "main" {
			continue
		}
		exported(f.tree, func(name string, documented bool) {
			total++
			if !documented {
				bare = append(bare, f.name+": "+name)
			}
		})
	}
	if len(bare)*20 > total {
		t.Errorf("%d of %d exported names have no comment; at most one in twenty may:\n%s", len(bare), total, strings.Join(bare, "\n"))
	}
}

// exported calls f for every exported name at the file's top level. A comment above a group counts for all of it.
func exported(file *ast.File, f func(name string, documented bool)) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || receiverExported(d.Recv.List[0].Type)) {
				f(d.Name.Name, d.Doc != nil)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.IsExported() {
						f(s.Name.Name, s.Doc != nil || s.Comment != nil || d.Doc != nil)
					}
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if n.IsExported() {
							f(n.Name, s.Doc != nil || s.Comment != nil || d.Doc != nil)
						}
					}
				}
			}
		}
	}
}

func receiverExported(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiverExported(e.X)
	case *ast.IndexExpr:
		return receiverExported(e.X)
	case *ast.IndexListExpr:
		return receiverExported(e.X)
	case *ast.Ident:
		return e.IsExported()
	}
	return false
}
