// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"refdesk/cluster/desk"
	"refdesk/cmd/internal/ctl"
	"refdesk/cmd/internal/faqfile"
	"refdesk/cmd/internal/node"
)

// runFAQ brings FAQs into the desk that runs on this machine, or takes them out, over its admin socket.
func runFAQ(ctx context.Context, in *invocation) error {
	if len(in.args) == 0 {
		return usagef("say what: import or export")
	}
	doing := in.args[0]
	in.args = in.args[1:]
	dir := in.flags.String("dir", "data", "the node's data `DIR`ectory")
	switch doing {
	case "import":
		return faqImport(ctx, in, dir)
	case "export":
		return faqExport(ctx, in, dir)
	case "-h", "--help":
		in.args = []string{"-h"}
		return in.parse()
	}
	return usagef("%q is neither import nor export", doing)
}

// file parses the flags around the one argument that names a file.
func (in *invocation) file() (string, error) {
	name := ""
	if len(in.args) > 0 && (in.args[0] == "-" || !strings.HasPrefix(in.args[0], "-")) {
		name, in.args = in.args[0], in.args[1:]
	}
	if err := in.parse(); err != nil {
		return "", err
	}
	if name == "" && len(in.args) > 0 {
		name, in.args = in.args[0], in.args[1:]
	}
	if len(in.args) > 0 {
		return "", usagef("one file at a time; what is %q?", in.args[0])
	}
	return name, nil
}

// faqImport reads all of a file before it changes anything.
func faqImport(ctx context.Context, in *invocation, dir *string) error {
	try := in.flags.Bool("try", false, "only say what would be done")
	asCSV := in.flags.Bool("csv", false, "the file is CSV, whatever its name")
	name, err := in.file()
	if err != nil {
		return err
	}
	if name == "" {
		return usagef("import what? A file ending in .csv, a text file, or - for standard input")
	}
	faqs, err := readFAQs(in, name, *asCSV || strings.EqualFold(filepath.Ext(name), ".csv"))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	seen := map[string]string{}
	for _, q := range faqs {
		if other, twice := seen[q.Slug]; twice {
			return fmt.Errorf("%s: «%s» and «%s» would have the same page, %s; give one of them a slug of its own", name, other, q.Question, q.Slug)
		}
		seen[q.Slug] = q.Question
	}
	count := map[string]int{}
	for i, q := range faqs {
		var r node.FAQSetResult
		if err := ctl.Call(ctx, *dir, "faq set", node.FAQSetArgs{FAQ: q, Try: *try}, &r); err != nil {
			return fmt.Errorf("«%s» (%d of %d): %w; the ones before it are in, import the file again when it is mended", q.Question, i+1, len(faqs), err)
		}
		count[r.Was]++
		if (i+1)%100 == 0 {
			fmt.Fprintf(in.stderr, "%d of %d\n", i+1, len(faqs))
		}
	}
	done := ""
	if *try {
		done = " Nothing was done yet."
	}
	fmt.Fprintf(in.stdout, "%d new, %d changed, %d as they were.%s\n", count["new"], count["changed"], count["same"], done)
	return nil
}

func readFAQs(in *invocation, name string, table bool) ([]desk.FAQ, error) {
	var r io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		r = f
	}
	if !table {
		return faqfile.ReadText(r)
	}
	faqs, unknown, err := faqfile.ReadCSV(r)
	if err == nil && len(unknown) > 0 {
		fmt.Fprintf(in.stderr, "not read: the columns %q\n", unknown)
	}
	return faqs, err
}

// faqExport writes all FAQs as text that import reads.
func faqExport(ctx context.Context, in *invocation, dir *string) error {
	name, err := in.file()
	if err != nil {
		return err
	}
	var all []desk.FAQ
	for after := ""; ; {
		var part node.FAQListResult
		if err := ctl.Call(ctx, *dir, "faq list", node.FAQListArgs{After: after}, &part); err != nil {
			return err
		}
		all = append(all, part.FAQs...)
		if !part.More || len(part.FAQs) == 0 {
			break
		}
		after = part.FAQs[len(part.FAQs)-1].Slug
	}
	var b bytes.Buffer
	if err := faqfile.WriteText(&b, all); err != nil {
		return err
	}
	if name == "" || name == "-" {
		_, err := in.stdout.Write(b.Bytes())
		return err
	}
	if err := renameio.WriteFile(name, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the FAQs: %w", err)
	}
	fmt.Fprintf(in.stdout, "%d FAQs are in %s.\n", len(all), name)
	return nil
}
