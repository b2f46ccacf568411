// SPDX-License-Identifier: Apache-2.0

package element

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits bound what one stanza may take. Zero fields mean the defaults of DefaultLimits.
type Limits struct {
	Bytes    int // of one stanza, or of a stream header
	Depth    int // of nested elements, the stanza itself being 1
	Attrs    int // of one element, namespace declarations included
	Elements int // of one stanza: a tree is larger in memory than its text
}

// DefaultLimits are those of a stream after sign-in.
func DefaultLimits() Limits {
	return Limits{Bytes: 256 << 10, Depth: 64, Attrs: 64, Elements: 8 << 10}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.Bytes <= 0 {
		l.Bytes = d.Bytes
	}
	if l.Depth <= 0 {
		l.Depth = d.Depth
	}
	if l.Attrs <= 0 {
		l.Attrs = d.Attrs
	}
	if l.Elements <= 0 {
		l.Elements = d.Elements
	}
	return l
}

// Reader takes stanzas off a stream. It is for one goroutine. After an error only Restart on a healthy connection makes
// sense; errors of the connection are returned as they are, everything else is an *Error.
type Reader struct {
	in     input
	dec    *xml.Decoder
	limits Limits
	scope  scope
	root   xml.Name // as written, prefix and local name
	open   bool     // the root's start tag was read
	prolog bool     // nothing of the document was read yet
}

// NewReader returns a reader of the stream that begins with r's next byte.
func NewReader(r io.Reader, limits Limits) *Reader {
	rd := &Reader{in: input{r: r, buf: make([]byte, inputSize)}, limits: limits.withDefaults()}
	rd.Restart()
	return rd
}

// SetLimits changes the limits from the next stanza on.
func (r *Reader) SetLimits(l Limits) { r.limits = l.withDefaults() }

// Size returns the bytes of the stanza that Next returned last.
func (r *Reader) Size() int { return r.in.count }

// Restart begins a new document with the next byte, as after SASL (RFC 6120 §6.4.6). What was read ahead is kept.
func (r *Reader) Restart() {
	r.refresh()
	r.scope, r.open, r.prolog = r.scope[:0], false, true
}

// refresh drops the tokenizer with whatever buffers it has grown. Between two stanzas it holds no other state.
func (r *Reader) refresh() {
	r.dec = xml.NewDecoder(&r.in)
	r.dec.Strict = true
}

// Open reads the start tag of the root, a stream header, and returns it without content, and the default namespace that
// it declares for its content.
func (r *Reader) Open() (root *Element, content string, err error) {
	if err := r.begin(); err != nil {
		return nil, "", err
	}
	tok, err := r.token()
	if err != nil {
		return nil, "", err
	}
	if pi, ok := tok.(xml.ProcInst); ok && pi.Target == "xml" && r.prolog {
		r.prolog = false
		return r.Open()
	}
	start, ok := tok.(xml.StartElement)
	if !ok {
		return nil, "", refuse(tok)
	}
	root, err = r.start(start)
	if err != nil {
		return nil, "", err
	}
	r.root, r.open, r.prolog = start.Name, true, false
	content, _ = r.scope.lookup("")
	return root, content, nil
}

// Next returns the next child of the root, whole. It returns ErrEnd after the root's end tag, io.EOF when the connection
// ends between two stanzas and io.ErrUnexpectedEOF within one.
func (r *Reader) Next() (*Element, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	tok, err := r.token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case xml.StartElement:
		el, err := r.tree(tok)
		if r.in.count > 8*inputSize {
			r.refresh()
		}
		return el, err
	case xml.EndElement:
		if !r.open || tok.Name != r.root {
			return nil, malformed("end tag without start tag")
		}
		r.open = false
		return nil, ErrEnd
	}
	return nil, refuse(tok)
}

// begin goes to the next tag. Anything else outside of a stanza is refused at its first byte, so that a peer that doesn't
// speak XML is told at once.
func (r *Reader) begin() error {
	b, err := r.in.peek()
	if err != nil {
		return err
	}
	if b != '<' {
		return malformed("text outside of a stanza")
	}
	r.in.count, r.in.limit = 0, r.limits.Bytes
	return nil
}

// tree reads the element that begins with the start tag. Its depth is bounded by a counter and its own stack, never by
// that of the goroutine.
func (r *Reader) tree(start xml.StartElement) (*Element, error) {
	type level struct {
		el   *Element
		name xml.Name
		mark int // length of the scope outside of the element
	}
	var stack []level
	elements := 0
	push := func(start xml.StartElement) error {
		elements++
		if len(stack) >= r.limits.Depth {
			return tooLarge("elements nested too deep")
		}
		if elements > r.limits.Elements {
			return tooLarge("too many elements")
		}
		mark := len(r.scope)
		el, err := r.start(start)
		if err != nil {
			return err
		}
		if n := len(stack); n > 0 {
			stack[n-1].el.Add(el)
		}
		stack = append(stack, level{el, start.Name, mark})
		return nil
	}
	if err := push(start); err != nil {
		return nil, err
	}
	for {
		tok, err := r.token()
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			if err := push(tok); err != nil {
				return nil, err
			}
		case xml.CharData:
			top.el.AddText(string(tok))
		case xml.EndElement:
			if tok.Name != top.name {
				return nil, malformed("end tag of another element")
			}
			r.scope = r.scope[:top.mark]
			stack = stack[:len(stack)-1]
			if len(stack) == 0 {
				return top.el, nil
			}
		default:
			return nil, refuse(tok)
		}
	}
}

// start turns a start tag into an element, its prefixes resolved.
func (r *Reader) start(t xml.StartElement) (*Element, error) {
	if len(t.Attr) > r.limits.Attrs {
		return nil, tooLarge("too many attributes")
	}
	var err error
	if r.scope, err = r.scope.declare(t.Attr); err != nil {
		return nil, err
	}
	space, ok := r.scope.lookup(t.Name.Space)
	if !ok || !isLocal(t.Name) {
		return nil, malformed("bad name or unbound prefix")
	}
	el := &Element{Space: space, Local: t.Name.Local}
	for i, a := range t.Attr {
		for _, b := range t.Attr[:i] {
			if a.Name == b.Name {
				return nil, malformed("attribute given twice")
			}
		}
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		space := ""
		if a.Name.Space != "" {
			space, ok = r.scope.lookup(a.Name.Space)
		}
		if !ok || !isLocal(a.Name) {
			return nil, malformed("bad name or unbound prefix")
		}
		if _, twice := el.Lookup(space, a.Name.Local); twice {
			return nil, malformed("attribute given twice")
		}
		el.Attrs = append(el.Attrs, Attr{Space: space, Local: a.Name.Local, Value: a.Value})
	}
	return el, nil
}

// isLocal tells whether the local part of a name is a name by itself. The tokenizer has looked at prefix and local part
// together only, and takes a second colon for a letter.
func isLocal(n xml.Name) bool {
	if strings.Contains(n.Local, ":") {
		return false
	}
	if n.Space == "" {
		return true
	}
	if c := n.Local[0]; c < utf8.RuneSelf {
		return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	_, err := xml.NewDecoder(strings.NewReader("<" + n.Local + "/>")).RawToken()
	return err == nil
}

// token reads one raw token and sorts its errors. The tokenizer keeps the errors of its reader to itself in places, so
// the input is asked first.
func (r *Reader) token() (xml.Token, error) {
	tok, err := r.dec.RawToken()
	if err == nil && tok != nil {
		return tok, nil
	}
	if r.in.err != nil {
		if errors.Is(r.in.err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		return nil, r.in.err
	}
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		if err != nil && strings.Contains(err.Error(), "encoding") {
			return nil, &Error{Kind: Encoding, Reason: "only UTF-8 is understood"}
		}
		return nil, malformed("bad XML declaration")
	}
	if name, ok := strings.CutPrefix(syntax.Msg, "invalid character entity &"); ok &&
		!strings.HasPrefix(name, "#") && strings.HasSuffix(name, ";") && name != ";" {
		return nil, restricted("entity reference")
	}
	return nil, malformed("syntax error")
}

// refuse names what is wrong with a token where an element was expected.
func refuse(tok xml.Token) *Error {
	switch tok.(type) {
	case xml.Comment:
		return restricted("comment")
	case xml.ProcInst:
		return restricted("processing instruction")
	case xml.Directive:
		return restricted("document type")
	}
	return malformed("an element was expected")
}

// Parse reads one document that is a single element. It is for frames that hold one (RFC 7395), stored XML and tests.
func Parse(doc []byte, limits Limits) (*Element, error) {
	r := NewReader(&sliceReader{doc}, limits)
	el, err := r.Next()
	switch {
	case err == io.EOF:
		return nil, malformed("no element")
	case err == io.ErrUnexpectedEOF:
		return nil, malformed("document cut off")
	case err != nil:
		return nil, err
	}
	if _, err := r.in.peek(); err != io.EOF {
		return nil, malformed("something behind the element")
	}
	return el, nil
}

// sliceReader is a bytes.Reader without its other methods.
type sliceReader struct{ rest []byte }

func (s *sliceReader) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
