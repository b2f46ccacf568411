// SPDX-License-Identifier: Apache-2.0

// Package element reads and writes the XML of XMPP streams as small trees.
//
// Reader takes one stanza at a time off a connection and refuses what RFC 6120 §11 forbids (comments, processing
// instructions, DTDs, entities) and whatever is larger or deeper than its limits, before it takes up memory. Element is
// the tree. AppendXML writes a tree into a reused buffer without allocating.
package element

import (
	"iter"
	"strings"
)

// NSXML is the namespace that the prefix xml is always bound to (xml:lang).
const NSXML = "http://www.w3.org/XML/1998/namespace"

// Attr is an attribute. Space is "" for one without prefix. Namespace declarations are never attributes here.
type Attr struct {
	Space, Local, Value string
}

// Node is one piece of an element's content: a child element when Element is set, otherwise a run of text.
type Node struct {
	Element *Element
	Text    string
}

// Element is an XML element with its content in order. Space is the namespace itself, not a prefix; "" means that the
// element is in no namespace (it does not mean "as the parent").
type Element struct {
	Space, Local string
	Attrs        []Attr
	Children     []Node
}

// New returns an empty element of a namespace.
func New(space, local string) *Element {
	return &Element{Space: space, Local: local}
}

// Text returns an element that holds nothing but text. Empty text adds no content.
func Text(space, local, text string) *Element {
	return New(space, local).AddText(text)
}

// Is tells whether the element has this name.
func (e *Element) Is(space, local string) bool {
	return e != nil && e.Local == local && e.Space == space
}

// Attr returns the value of the attribute without namespace, or "".
func (e *Element) Attr(local string) string {
	v, _ := e.Lookup("", local)
	return v
}

// Lookup returns the value of an attribute and whether it is there.
func (e *Element) Lookup(space, local string) (value string, ok bool) {
	if e == nil {
		return "", false
	}
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Local == local && a.Space == space {
			return a.Value, true
		}
	}
	return "", false
}

// Lang returns the value of xml:lang on this element, or "".
func (e *Element) Lang() string {
	v, _ := e.Lookup(NSXML, "lang")
	return v
}

// Set sets the attribute without namespace, or removes it when value is "". It returns e.
func (e *Element) Set(local, value string) *Element {
	return e.SetIn("", local, value)
}

// SetIn sets an attribute of a namespace (NSXML for xml:lang), or removes it when value is "". It returns e.
func (e *Element) SetIn(space, local, value string) *Element {
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Local == local && a.Space == space {
			if value == "" {
				e.Attrs = append(e.Attrs[:i:i], e.Attrs[i+1:]...)
			} else {
				a.Value = value
			}
			return e
		}
	}
	if value != "" {
		e.Attrs = append(e.Attrs, Attr{Space: space, Local: local, Value: value})
	}
	return e
}

// Add appends child elements; nil ones are left out. It returns e.
func (e *Element) Add(children ...*Element) *Element {
	for _, c := range children {
		if c != nil {
			e.Children = append(e.Children, Node{Element: c})
		}
	}
	return e
}

// AddText appends text; "" adds nothing. It returns e.
func (e *Element) AddText(text string) *Element {
	if text == "" {
		return e
	}
	if n := len(e.Children); n > 0 && e.Children[n-1].Element == nil {
		e.Children[n-1].Text += text
		return e
	}
	e.Children = append(e.Children, Node{Text: text})
	return e
}

// Remove takes out every child element of this name and tells whether there was one.
func (e *Element) Remove(space, local string) bool {
	kept := e.Children[:0:0]
	for _, n := range e.Children {
		if !n.Element.Is(space, local) {
			kept = append(kept, n)
		}
	}
	removed := len(kept) != len(e.Children)
	if removed {
		e.Children = kept
	}
	return removed
}

// Elements yields the child elements in order.
func (e *Element) Elements() iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		if e == nil {
			return
		}
		for i := range e.Children {
			if c := e.Children[i].Element; c != nil && !yield(c) {
				return
			}
		}
	}
}

// Child returns the first child element of this name, or nil. It may be called on nil, so that look-ups chain.
func (e *Element) Child(space, local string) *Element {
	for c := range e.Elements() {
		if c.Is(space, local) {
			return c
		}
	}
	return nil
}

// First returns the first child element of any name, or nil.
func (e *Element) First() *Element {
	for c := range e.Elements() {
		return c
	}
	return nil
}

// Content returns the text of this element alone, without that of its children.
func (e *Element) Content() string {
	if e == nil || len(e.Children) == 0 {
		return ""
	}
	if len(e.Children) == 1 {
		return e.Children[0].Text
	}
	var b strings.Builder
	for i := range e.Children {
		b.WriteString(e.Children[i].Text)
	}
	return b.String()
}

// ChildText returns the text of the first child of this name, or "".
func (e *Element) ChildText(space, local string) string {
	return e.Child(space, local).Content()
}

// Copy returns a copy that shares nothing with e.
func (e *Element) Copy() *Element {
	if e == nil {
		return nil
	}
	c := &Element{Space: e.Space, Local: e.Local}
	c.Attrs = append(c.Attrs, e.Attrs...)
	if len(e.Children) > 0 {
		c.Children = make([]Node, len(e.Children))
		for i, n := range e.Children {
			c.Children[i] = Node{Element: n.Element.Copy(), Text: n.Text}
		}
	}
	return c
}

// String returns the element as a document of its own. It is for logs at trace level and for tests.
func (e *Element) String() string {
	return string(AppendXML(nil, e, ""))
}
