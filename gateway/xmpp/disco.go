// SPDX-License-Identifier: Apache-2.0

package xmpp

import (
	"crypto/sha1" // XEP-0115 §5.1 prescribes it; nothing secret depends on it
	"encoding/base64"
	"slices"
	"strings"

	"refdesk/gateway/xmpp/element"
)

// Identity is what an entity says it is (XEP-0030 §3.1; the registry of categories is XEP-0030's).
type Identity struct {
	Category, Type, Lang, Name string
}

// Info is an answer to disco#info.
type Info struct {
	Identities []Identity
	Features   []string
	Forms      []*element.Element // of type "result", XEP-0128
}

// Element returns the query that holds the answer; node is echoed from the request.
func (i Info) Element(node string) *element.Element {
	q := element.New(NSDiscoInfo, "query").Set("node", node)
	for _, id := range i.Identities {
		q.Add(element.New(NSDiscoInfo, "identity").Set("category", id.Category).Set("type", id.Type).
			SetIn(element.NSXML, "lang", id.Lang).Set("name", id.Name))
	}
	for _, f := range i.Features {
		q.Add(element.New(NSDiscoInfo, "feature").Set("var", f))
	}
	return q.Add(i.Forms...)
}

// Ver is the verification string of XEP-0115 §5.1 over SHA-1, in base64.
func (i Info) Ver() string {
	var b strings.Builder
	var lines []string
	for _, id := range i.Identities {
		lines = append(lines, id.Category+"/"+id.Type+"/"+id.Lang+"/"+id.Name)
	}
	writeSorted(&b, lines)
	writeSorted(&b, slices.Clone(i.Features))
	forms := slices.Clone(i.Forms)
	slices.SortFunc(forms, func(x, y *element.Element) int { return strings.Compare(formType(x), formType(y)) })
	for _, f := range forms {
		writeForm(&b, f)
	}
	sum := sha1.Sum([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Caps returns the element that tells others the entity's capabilities; node is a URI of the program.
func (i Info) Caps(node string) *element.Element {
	return element.New(NSCaps, "c").Set("hash", "sha-1").Set("node", node).Set("ver", i.Ver())
}

func writeSorted(b *strings.Builder, lines []string) {
	slices.Sort(lines)
	for _, l := range lines {
		b.WriteString(l)
		b.WriteByte('<')
	}
}

func formType(form *element.Element) string {
	for f := range form.Elements() {
		if f.Attr("var") == "FORM_TYPE" {
			return f.ChildText(NSForm, "value")
		}
	}
	return ""
}

func writeForm(b *strings.Builder, form *element.Element) {
	b.WriteString(formType(form))
	b.WriteByte('<')
	fields := slices.SortedFunc(form.Elements(), func(x, y *element.Element) int {
		return strings.Compare(x.Attr("var"), y.Attr("var"))
	})
	for _, f := range fields {
		if !f.Is(NSForm, "field") || f.Attr("var") == "FORM_TYPE" {
			continue
		}
		b.WriteString(f.Attr("var"))
		b.WriteByte('<')
		var values []string
		for v := range f.Elements() {
			if v.Is(NSForm, "value") {
				values = append(values, v.Content())
			}
		}
		writeSorted(b, values)
	}
}

// Item is one line of an answer to disco#items.
type Item struct {
	JID, Node, Name string
}

// Items returns the query that answers disco#items; node is echoed from the request.
func Items(node string, items []Item) *element.Element {
	q := element.New(NSDiscoItems, "query").Set("node", node)
	for _, it := range items {
		q.Add(element.New(NSDiscoItems, "item").Set("jid", it.JID).Set("node", it.Node).Set("name", it.Name))
	}
	return q
}
