// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"refdesk/gateway/web"
)

// parseForm reads the body of a form in either of its encodings. The frame has bounded it.
func parseForm(r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data":
		err = r.ParseMultipartForm(web.MaxBody)
	case err == nil && kind == "application/x-www-form-urlencoded":
		err = r.ParseForm()
	default:
		return web.NewProblem(http.StatusUnsupportedMediaType, web.CodeMediaType, "This page takes forms only.")
	}
	if err == nil {
		return nil
	}
	if p := web.AsProblem(err); p.Code == web.CodeTooLarge {
		return err
	}
	return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "The form could not be read. Please open the page again.")
}

// oneLine brings what was typed into a field of one line into the form that the desk takes.
func oneLine(s string) string {
	return strings.Join(strings.Fields(printable(s)), " ")
}

// block does so for a field of several lines.
func block(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Trim(printable(s), " \n")
}

// printable drops what is no text: broken UTF-8 and control characters but tab and newline.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// eachLine splits a field in which every line is one thing.
func eachLine(s string) []string {
	var out []string
	for l := range strings.Lines(block(s)) {
		if l = oneLine(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// number reads a field that holds a whole number from 0 to most; empty is 0.
func number(s string, most uint64) (n uint64, ok bool) {
	if s = strings.TrimSpace(s); s == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && n <= most
}

// choice is one of the things that a form offers.
type choice struct {
	Value, Name string
	On          bool
}
