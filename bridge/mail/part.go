// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"io"
	"strings"
)

// kept is how much of a report, a returned header or a preamble is kept.
const kept = 256 << 10

// section is one stretch of text; alternatives fill both halves of the same section.
type section struct {
	plain, html string
	hasPlain    bool
	hasHTML     bool
}

// walk goes through the parts of a message.
type walk struct {
	m        *Message
	o        Options
	s        *source
	parts    int
	sections []section
	textSize int
	spare    string // text of a part that isn't shown, in case there is nothing else
}

// place says where a part stands.
type place struct {
	depth       int
	alternative bool // its siblings say the same in other forms
	within      bool // below a part that is an alternative: all its texts belong to one section
	report      bool
	digest      bool
	top         bool
}

// entity reads one header and its body, up to a boundary or the end.
func (w *walk) entity(p place) {
	h, early, ended := w.header(p)
	if p.top {
		w.m.Header = h
	}
	ct := parseMedia(h.Raw("Content-Type"))
	if ct.value == "" || !strings.Contains(ct.value, "/") {
		ct.value = "text/plain"
		if p.digest {
			ct.value = "message/rfc822" // RFC 2046 §5.1.5
		}
	}
	if p.top {
		w.m.root = ct
	}
	switch {
	case ended && ct.is("multipart/"):
		w.leaf(p, nil, media{value: "text/plain"}, bytes.NewReader(early))
	case ended:
		w.leaf(p, h, ct, bytes.NewReader(early))
	case ct.is("multipart/"):
		w.s.unread(early)
		w.multipart(p, h, ct)
	default:
		w.s.unread(early)
		w.leaf(p, h, ct, &body{s: w.s})
	}
}

// header reads a header. Early are lines of the body that were met on the way; ended means that nothing follows them.
func (w *walk) header(p place) (fields Header, early []byte, ended bool) {
	w.s.hit = -1
	h := headerLines{limit: w.o.Limits.Header, top: p.top}
	blank := false
	for {
		line, ok := w.s.next()
		if !ok {
			ended = true
			break
		}
		line = bytes.TrimRight(line, "\n")
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(bytes.Trim(line, "\r\x00")) == 0 {
			if p.top && len(h.fields) == 0 && len(h.junk) == 0 && h.size < 64<<10 {
				h.size++ // empty lines before the header
				continue
			}
			blank = true
			break
		}
		if !h.add(line) {
			return h.fields, h.take(), false
		}
	}
	if h.over {
		w.m.problem(ProblemHeader)
	}
	// No field at all, or no empty line: the junk was the text.
	if len(h.fields) == 0 || !blank {
		early = h.take()
		if blank && len(early) > 0 {
			early = append(early, '\n')
		}
	}
	return h.fields, early, ended
}

// take gives the junk as lines of a body.
func (h *headerLines) take() []byte {
	if len(h.junk) == 0 {
		return nil
	}
	return append(bytes.Join(h.junk, []byte("\n")), '\n')
}

// multipart reads the parts. What stands before the first is kept: it is the text of a message whose boundary never comes.
func (w *walk) multipart(p place, h Header, ct media) {
	if p.depth >= w.o.Limits.Depth {
		w.m.problem(ProblemDepth)
		w.drain()
		return
	}
	boundary := strings.TrimRight(ct.params["boundary"], " \t")
	if len(boundary) > 1000 {
		boundary = boundary[:1000]
	}
	if boundary == "" {
		boundary = w.guessBoundary()
	}
	level := len(w.s.open)
	if boundary != "" {
		w.s.open = append(w.s.open, boundary)
	}
	pre := w.capture(&body{s: w.s}, kept)
	if boundary == "" || w.s.hit != level || w.s.closed && len(bytes.TrimSpace(pre)) > 0 {
		w.s.open = w.s.open[:level]
		w.m.problem(ProblemBoundary)
		w.unbounded(p, h, pre)
		return
	}
	in := place{
		depth: p.depth + 1, alternative: ct.value == "multipart/alternative", report: p.report || ct.value == "multipart/report",
		digest: ct.value == "multipart/digest",
	}
	in.within = !in.alternative && (p.alternative || p.within)
	if in.alternative {
		w.sections = append(w.sections, section{})
	}
	for w.s.hit == level && !w.s.closed {
		if w.parts++; w.parts > w.o.Limits.Parts {
			w.m.problem(ProblemParts)
			break
		}
		w.entity(in)
	}
	if w.s.hit == -2 {
		w.m.problem(ProblemEnd)
	}
	w.s.open = w.s.open[:level]
	if w.s.hit == level || w.s.hit > level {
		w.s.hit = -1
		w.drain() // the epilogue
	}
}

// drain skips to the next boundary of an outer multipart.
func (w *walk) drain() { _, _ = io.Copy(io.Discard, &body{s: w.s}) }

// guessBoundary finds the boundary that a Content-Type lacks: the first line that looks like one.
func (w *walk) guessBoundary() string {
	var seen []byte
	found := ""
	for n := 0; n < 50 && found == ""; n++ {
		line, ok := w.s.next()
		if !ok {
			break
		}
		seen = append(seen, line...)
		found = boundaryLike(line)
	}
	w.s.unread(seen)
	return found
}

func boundaryLike(line []byte) string {
	t := bytes.TrimRight(line, " \t\r\n")
	if len(t) < 7 || len(t) > 80 || !bytes.HasPrefix(t, []byte("--")) || bytes.ContainsAny(t, " \t") || len(bytes.Trim(t, "-")) == 0 {
		return ""
	}
	return string(t[2:])
}

// unbounded recovers the text of a multipart that has no parts. It may have them all the same, behind another boundary
// than the one that was announced.
func (w *walk) unbounded(p place, h Header, pre []byte) {
	t := bytes.TrimLeft(pre, "\r\n")
	first, _, _ := bytes.Cut(t, []byte("\n"))
	if b := boundaryLike(first); b != "" && p.depth < w.o.Limits.Depth {
		outer := w.s
		w.s = newSource(outer.ctx, bytes.NewReader(pre))
		p.depth++
		w.multipart(p, h, media{value: "multipart/mixed", params: map[string]string{"boundary": b}})
		w.s = outer
		return
	}
	w.leaf(p, Header{{"Content-Transfer-Encoding", h.Raw("Content-Transfer-Encoding")}}, media{value: "text/plain"}, bytes.NewReader(pre))
}

// capture keeps the first bytes and reads the rest away.
func (w *walk) capture(r io.Reader, most int) []byte {
	var b bytes.Buffer
	_, _ = io.Copy(&b, io.LimitReader(r, int64(most)))
	_, _ = io.Copy(io.Discard, r)
	return b.Bytes()
}
