// SPDX-License-Identifier: Apache-2.0

package element

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const header = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='" + NSStream + "' to='desk.example' version='1.0'>"

func TestReaderTakesAStreamApart(t *testing.T) {
	in := header + " \n<message to='a@b' xml:lang='de'><body>x &amp; <b>y</b>&#x41;<![CDATA[<z>]]></body></message>\n" +
		"<r xmlns='urn:xmpp:sm:3'/> </stream:stream>"
	for name, src := range map[string]io.Reader{
		"at once": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in)),
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(src, Limits{})
			root, content, err := r.Open()
			if err != nil || !root.Is(NSStream, "stream") || content != "jabber:client" || root.Attr("to") != "desk.example" {
				t.Fatalf("Open: %v %q %v", root, content, err)
			}
			msg, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			want := New("jabber:client", "message").Set("to", "a@b").SetIn(NSXML, "lang", "de").Add(
				New("jabber:client", "body").AddText("x & ").Add(Text("jabber:client", "b", "y")).AddText("A<z>"))
			if d := cmp.Diff(want, msg); d != "" {
				t.Fatal(d)
			}
			if msg.Lang() != "de" {
				t.Fatalf("lang %q", msg.Lang())
			}
			if el, err := r.Next(); err != nil || !el.Is("urn:xmpp:sm:3", "r") {
				t.Fatalf("second: %v %v", el, err)
			}
			if _, err := r.Next(); err != ErrEnd {
				t.Fatalf("end: %v", err)
			}
			if _, err := r.Next(); err != io.EOF {
				t.Fatalf("after the end: %v", err)
			}
		})
	}
}

func TestReaderResolvesNamespaces(t *testing.T) {
	const doc = `<p:a xmlns:p='one' xmlns='two'><b p:k='v' k='w'/><p:c xmlns:p='three'><p:d/></p:c><p:e/><f xmlns=''/></p:a>`
	got, err := Parse([]byte(doc), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := New("one", "a").Add(
		New("two", "b").SetIn("one", "k", "v").Set("k", "w"),
		New("three", "c").Add(New("three", "d")), New("one", "e"), New("", "f"))
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestReaderRefuses(t *testing.T) {
	deep := strings.Repeat("<a>", 20000)
	tests := []struct {
		name, in string
		want     Kind
	}{
		{"comment", "<a><!-- x --></a>", Restricted},
		{"comment between stanzas", "<!-- x -->", Restricted},
		{"processing instruction", "<a><?php x?></a>", Restricted},
		{"second XML declaration", "<a><?xml version='1.0'?></a>", Restricted},
		{"document type", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", Restricted},
		{"document type inside", "<a><!DOCTYPE a></a>", Restricted},
		{"entity", "<a>&nbsp;</a>", Restricted},
		{"entity in an attribute", "<a b='&nbsp;'/>", Restricted},
		{"ampersand alone", "<a>&</a>", Malformed},
		{"ampersand without semicolon", "<a>&amp</a>", Malformed},
		{"empty reference", "<a>&;</a>", Malformed},
		{"reference to zero", "<a>&#0;</a>", Malformed},
		{"reference beyond Unicode", "<a>&#x110000;</a>", Malformed},
		{"control character", "<a>\x01</a>", Malformed},
		{"bad UTF-8", "<a>\xff\xfe</a>", Malformed},
		{"bad UTF-8 in an attribute", "<a b='\xc3\x28'/>", Malformed},
		{"bad UTF-8 in a name", "<a\xff/>", Malformed},
		{"end tag of another", "<a></b>", Malformed},
		{"end tag alone", "</a>", Malformed},
		{"text between stanzas", "hello", Malformed},
		{"byte-order mark", "\uFEFF<a/>", Malformed},
		{"unbound prefix", "<p:a/>", Malformed},
		{"unbound prefix of an attribute", "<a p:b='c'/>", Malformed},
		{"prefix bound to nothing", "<a xmlns:p=''/>", Malformed},
		{"xml bound elsewhere", "<a xmlns:xml='x'/>", Malformed},
		{"xmlns bound", "<a xmlns:xmlns='x'/>", Malformed},
		{"attribute twice", "<a b='1' b='2'/>", Malformed},
		{"attribute twice by namespace", "<a xmlns:p='x' xmlns:q='x' p:b='1' q:b='2'/>", Malformed},
		{"attribute without quotes", "<a b=c/>", Malformed},
		{"two colons", "<a:b:c xmlns:a='x'/>", Malformed},
		{"colon first", "<:a/>", Malformed},
		{"name of digits behind a prefix", "<p:1 xmlns:p='x'/>", Malformed},
		{"open bracket", "<<a/>", Malformed},
		{"end of CDATA in text", "<a>]]></a>", Malformed},
		{"another encoding", "<?xml version='1.0' encoding='latin1'?><a/>", Encoding},
		{"another version", "<?xml version='1.1'?><a/>", Malformed},
		{"too deep", deep, TooLarge},
		{"too many attributes", "<a " + attrs(65) + "/>", TooLarge},
		{"too many elements", "<a>" + strings.Repeat("<b/>", 8193) + "</a>", TooLarge},
		{"too long a text", "<a>" + strings.Repeat("x", 256<<10), TooLarge},
		{"too long an attribute", "<a b='" + strings.Repeat("x", 256<<10), TooLarge},
		{"too long a comment", "<a><!--" + strings.Repeat("x", 256<<10), TooLarge},
		{"too long a name", "<" + strings.Repeat("x", 256<<10), TooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewReader(strings.NewReader(tt.in), Limits{}).Next()
			var e *Error
			if !errors.As(err, &e) || e.Kind != tt.want {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func attrs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" a" + strings.Repeat("b", i) + "='x'")
	}
	return b.String()
}

func TestReaderAtItsLimits(t *testing.T) {
	l := Limits{Bytes: 100, Depth: 3, Attrs: 2, Elements: 4}
	fits := []string{
		"<a>" + strings.Repeat("x", 93) + "</a>", "<a><b><c/></b></a>", "<a b='1' c='2'/>", "<a><b/><b/><b/></a>",
	}
	r := NewReader(strings.NewReader(strings.Join(fits, strings.Repeat(" ", 1000))), l)
	for _, doc := range fits { // one reader: the counts begin anew with every stanza
		if _, err := r.Next(); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
	}
	for _, doc := range []string{
		"<a>" + strings.Repeat("x", 94) + "</a>", "<a><b><c><d/></c></b></a>", "<a b='1' c='2' d='3'/>", "<a><b/><b/><b/><b/></a>",
	} {
		if _, err := Parse([]byte(doc), l); !errors.Is(err, &Error{Kind: TooLarge}) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// endless is a peer that sends one text for ever.
type endless struct{ sent int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	if e.sent == 0 {
		copy(p, "<a>")
	}
	e.sent += len(p)
	return len(p), nil
}

func TestReaderMemoryIsBounded(t *testing.T) {
	src := &endless{}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := NewReader(src, Limits{}).Next()
	runtime.ReadMemStats(&after)
	if !errors.Is(err, &Error{Kind: TooLarge}) {
		t.Fatal(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("%d bytes allocated", got)
	}
	if src.sent > 256<<10+inputSize {
		t.Errorf("%d bytes read", src.sent)
	}
}

func TestReaderTellsHowTheConnectionEnded(t *testing.T) {
	for in, want := range map[string]error{
		"": io.EOF, " \n": io.EOF, "<a/>": nil, "<a>": io.ErrUnexpectedEOF, "<a": io.ErrUnexpectedEOF,
		"<a>text": io.ErrUnexpectedEOF, "<a><![CDATA[x": io.ErrUnexpectedEOF, "<a b='": io.ErrUnexpectedEOF,
	} {
		if _, err := NewReader(strings.NewReader(in), Limits{}).Next(); err != want {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
	broken := errors.New("broken")
	_, err := NewReader(io.MultiReader(strings.NewReader("<a>"), iotest.ErrReader(broken)), Limits{}).Next()
	if err != broken {
		t.Errorf("error of the connection: %v", err)
	}
}

func TestReaderRestarts(t *testing.T) {
	r := NewReader(strings.NewReader(header+"<auth/>\n"+header+"<iq/>"), Limits{})
	for _, want := range []string{"auth", "iq"} {
		if _, _, err := r.Open(); err != nil {
			t.Fatal(err)
		}
		if el, err := r.Next(); err != nil || el.Local != want {
			t.Fatalf("%v %v", el, err)
		}
		r.Restart()
	}
}

func TestParseTakesOneElement(t *testing.T) {
	for _, doc := range []string{"", " ", "<a/><b/>", "<a/>x", "<a>", "</a>"} {
		if el, err := Parse([]byte(doc), Limits{}); !errors.Is(err, &Error{Kind: Malformed}) {
			t.Errorf("%q: %v %v", doc, el, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"<a/>", header, "<a xmlns='x' b='&quot;&#xA;'>t<b xmlns=''/>&#13;</a>", "<p:a xmlns:p='x' p:b='y' xml:lang='en'/>",
		"<message><body>مرحبا 😀</body></message>", "<a><![CDATA[]]></a>", "<a>]]&gt;</a>", "<!DOCTYPE a>", "<a><!-- -->",
		"<stream:features xmlns:stream='" + NSStream + "'><bind xmlns='b'/></stream:features>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if root, _, err := NewReader(&sliceReader{doc}, Limits{}).Open(); (root == nil) == (err == nil) {
			t.Fatalf("Open: %v and %v", root, err)
		}
		el, err := Parse(doc, Limits{})
		if err != nil {
			return
		}
		for _, space := range []string{"", "jabber:client"} {
			out := "<w xmlns='" + space + "' xmlns:stream='" + NSStream + "'>" + string(AppendXML(nil, el, space)) + "</w>"
			back, err := Parse([]byte(out), Limits{Bytes: 1 << 20, Depth: 65, Attrs: 200, Elements: 1 << 16})
			if err != nil {
				t.Fatalf("%q does not read back: %v", out, err)
			}
			if d := cmp.Diff(el, back.First()); d != "" {
				t.Fatalf("%q: %s", out, d)
			}
		}
	})
}
