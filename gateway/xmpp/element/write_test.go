// SPDX-License-Identifier: Apache-2.0

package element

import (
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAppendXML(t *testing.T) {
	const client = "jabber:client"
	tests := []struct {
		name, space, want string
		el                *Element
	}{
		{"nothing", client, "", nil},
		{"empty", client, "<iq/>", New(client, "iq")},
		{"other namespace", client, "<r xmlns='urn:xmpp:sm:3'/>", New("urn:xmpp:sm:3", "r")},
		{"no namespace", client, "<a xmlns=''/>", New("", "a")},
		{
			"namespace back and forth", client, "<iq><q xmlns='x'><i/><m xmlns='jabber:client'/></q><e/></iq>",
			New(client, "iq").Add(New("x", "q").Add(New("x", "i"), New(client, "m")), New(client, "e")),
		},
		{
			"prefix stream", client, "<stream:features><bind xmlns='b'/></stream:features>",
			New(NSStream, "features").Add(New("b", "bind")),
		},
		{"stream without header", "", "<features xmlns='" + NSStream + "'/>", New(NSStream, "features")},
		{"language", client, "<a xml:lang='ar'/>", New(client, "a").SetIn(NSXML, "lang", "ar")},
		{"foreign attribute", client, "<a b='1' xmlns:n1='x' n1:b='2'/>", New(client, "a").Set("b", "1").SetIn("x", "b", "2")},
		{"escapes in text", client, "<a>&lt;b&gt; &amp; '\"&#xD;\n\t</a>", Text(client, "a", "<b> & '\"\r\n\t")},
		{"escapes in attributes", client, "<a b='&lt;&gt;&amp;&apos;\"&#xD;&#xA;&#x9; '/>", New(client, "a").Set("b", "<>&'\"\r\n\t ")},
		{"what XML can't hold", client, "<a>\uFFFD\uFFFD\uFFFDé😀\uFFFD</a>", Text(client, "a", "\x00\x1b\xffé😀\uFFFE")},
		{"nil children", client, "<a/>", New(client, "a").Add(nil).AddText("")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendXML(nil, tt.el, tt.space)); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTextAndAttributesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[\t\n\r -\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{1F9FF}]{0,40}`).Draw(t, "text")
		el := Text("jabber:client", "body", text)
		if text != "" {
			el.Set("k", text)
		}
		back, err := Parse(AppendXML(nil, el, ""), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(el, back); d != "" {
			t.Fatal(d)
		}
	})
}

func TestElementIsChanged(t *testing.T) {
	e := New("n", "e").Set("a", "1").Set("b", "2").Add(New("n", "x"), New("m", "x"), New("n", "y")).AddText("t").AddText("u")
	c := e.Copy()
	if !e.Remove("n", "x") || e.Remove("n", "x") || e.Child("n", "x") != nil || e.Child("m", "x") == nil {
		t.Error("Remove")
	}
	e.Set("a", "").Set("b", "3")
	if got, want := e.String(), "<e xmlns='n' b='3'><x xmlns='m'/><y/>tu</e>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := c.String(), "<e xmlns='n' a='1' b='2'><x/><x xmlns='m'/><y/>tu</e>"; got != want {
		t.Errorf("the copy changed: %s, want %s", got, want)
	}
	if c.First().Local != "x" || c.Content() != "tu" || c.ChildText("n", "y") != "" {
		t.Error("look-ups")
	}
	var none *Element
	if none.Child("a", "b").Child("c", "d").Attr("e") != "" || none.First() != nil || none.Copy() != nil || none.Is("", "") {
		t.Error("look-ups on nil")
	}
}

func message() *Element {
	return New("jabber:client", "message").Set("to", "ana@desk.example").Set("from", "c42@chat.desk.example").
		Set("type", "chat").Set("id", "a1b2c3").Add(
		Text("jabber:client", "body", "Where do I find the reading room? I've been <here> & there – مرحبا"),
		New("urn:xmpp:receipts", "request"))
}

func TestAppendXMLDoesNotAllocate(t *testing.T) {
	m, buf := message(), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = AppendXML(buf[:0], m, "jabber:client") }); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func BenchmarkAppendXML(b *testing.B) {
	m, buf := message(), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendXML(buf[:0], m, "jabber:client")
	}
}

func BenchmarkMarshalPeer(b *testing.B) {
	type msg struct {
		XMLName xml.Name `xml:"jabber:client message"`
		To      string   `xml:"to,attr"`
		From    string   `xml:"from,attr"`
		Type    string   `xml:"type,attr"`
		ID      string   `xml:"id,attr"`
		Body    string   `xml:"body"`
		Request struct{} `xml:"urn:xmpp:receipts request"`
	}
	e := message()
	m := msg{To: e.Attr("to"), From: e.Attr("from"), Type: "chat", ID: e.Attr("id"), Body: e.ChildText("jabber:client", "body")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xml.Marshal(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	doc := AppendXML(nil, message(), "")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
