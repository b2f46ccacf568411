// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

func parse(t testing.TB, s string) *Message {
	t.Helper()
	return Parse(context.Background(), strings.NewReader(s), Options{})
}

// crlf gives a message the line ends it has on the wire.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

const letter = `Return-Path: <ann@reader.example>
Received: from reader.example by mx.library.example; Tue, 3 Feb 2026 10:00:01 +0000
From: =?utf-8?q?Ann_L=C3=A9e?= <ann@reader.example>
To: Main Library <help@library.example>, "Desk, Second" <desk@library.example>
Subject: =?utf-8?b?UmVuZXdhbA==?= of =?utf-8?q?a_b?=
 =?utf-8?q?ook?=
Message-ID: <1@reader.example>
In-Reply-To: your message <0@library.example> of today
References: <a@x> (comment) <b@x>
	<a@x>
Date: Tue, 3 Feb 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

This text is for clients without MIME.
--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Please renew =E2=80=9CEmma=E2=80=9D for me, it is =
too long.
--inner
Content-Type: text/html; charset=utf-8

<p>Please renew <b>Emma</b></p>
--inner--
--outer
Content-Type: application/pdf; name="card.pdf"
Content-Disposition: attachment; filename*=utf-8''Aus%20weis%C3%A9.pdf
Content-Transfer-Encoding: base64

SGVsbG8s
IHdvcmxk
--outer--
This is an epilogue.
`

func TestParse(t *testing.T) {
	want := &Message{
		From: []Address{{"Ann Lée", "ann@reader.example"}}, To: []Address{{"Main Library", "help@library.example"}, {"Desk, Second", "desk@library.example"}},
		Subject: "Renewal of a book", Date: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC), MessageID: "<1@reader.example>",
		InReplyTo: []string{"<0@library.example>"}, References: []string{"<a@x>", "<b@x>"},
		Text: "Please renew “Emma” for me, it is too long.", HTML: "<p>Please renew <b>Emma</b></p>", HTMLWhole: true,
		Attachments: []Attachment{{Name: "Aus weisé.pdf", Type: "application/pdf", Size: 12}},
	}
	for name, in := range map[string]string{
		"line ends of the wire": crlf(letter), "bare line feeds": letter, "line ends of an old Mac": strings.ReplaceAll(letter, "\n", "\r"),
		"an mbox line above": "From ann@reader.example Tue Feb  3 10:00:00 2026\n" + letter, "empty lines above": "\r\n\r\n" + crlf(letter),
	} {
		t.Run(name, func(t *testing.T) {
			got := parse(t, in)
			got.Header, got.root, got.Date = nil, media{}, got.Date.UTC()
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(Message{}, media{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBrokenHeaders(t *testing.T) {
	for _, tc := range []struct{ name, in, subject, text string }{
		{"blanks before the colon", "Subject : hello\n\ntext", "hello", "text"},
		{"junk is folded into the field above", "Subject: hello\nthere\nFrom: a@b.example\n\ntext", "hello there", "text"},
		{"NUL is dropped", "Subject: he\x00llo\n\nte\x00xt", "hello", "text"},
		{"a lone CR ends a line", "From: a@b.example\rSubject: hello\n\ntext", "hello", "text"},
		{"no empty line: junk is the text", "Subject: hello\nthis is it", "hello this is it", "this is it"},
		{"no header at all", "Just words.\nMore words.\n", "", "Just words.\nMore words."},
		{"nothing", "", "", ""},
		{"only a header", "Subject: hello\n", "hello", ""},
		{"raw bytes in the subject", "Subject: caf\xe9 cr\xe8me\n\ntext", "café crème", "text"},
		{"a word cut within a character", "Subject: =?utf-8?b?w6k=?= =?utf-8?q?a=C3?=\n =?utf-8?q?=A9?=\n\n", "éaé", ""},
		{"controls and marks of direction are dropped", "Subject: a\u202eb\x1bc\n\n", "abc", ""},
		{"an unknown charset", "Subject: =?x-nonsense?q?caf=E9?=\n\n", "café", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := parse(t, tc.in)
			if m.Subject != tc.subject || strings.TrimSpace(m.Text) != tc.text {
				t.Errorf("subject %q, text %q", m.Subject, m.Text)
			}
		})
	}
}

func TestBrokenStructure(t *testing.T) {
	head := "From: a@b.example\nMIME-Version: 1.0\n"
	for _, tc := range []struct {
		name, in, text string
		attachments    int
		problem        Problem
	}{
		{"the boundary never comes", head + "Content-Type: multipart/mixed; boundary=x\n\nThe text.\n", "The text.", 0, ProblemBoundary},
		{"another boundary than announced", head + "Content-Type: multipart/mixed; boundary=x\n\n--other77\nContent-Type: text/plain\n\nThe text.\n--other77--\n", "The text.", 0, ProblemBoundary},
		{"no boundary announced", head + "Content-Type: multipart/mixed\n\n--other77\nContent-Type: text/plain\n\nThe text.\n--other77\nContent-Type: image/png\n\nx\n--other77--\n", "The text.", 1, ""},
		{"the last boundary is missing", head + "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nThe text.\n", "The text.", 0, ProblemEnd},
		{"an inner multipart isn't closed", head + "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/alternative; boundary=y\n\n--y\n\nThe text.\n--x\nContent-Type: image/png\n\np\n--x--\n", "The text.", 1, ""},
		{"a part without a header", head + "Content-Type: multipart/mixed; boundary=x\n\n--x\nThe text.\n\nMore.\n--x--\n", "The text.\n\nMore.", 0, ""},
		{"a part that is only a header", head + "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nThe text.\n--x\nContent-Type: image/png\n--x--\n", "The text.", 1, ""},
		{"no blank after the value", head + "Content-Type: text/plain charset=utf-8\n\nThe text.\n", "The text.", 0, ""},
		{"a type that is none", head + "Content-Type: nonsense\n\nThe text.\n", "The text.", 0, ""},
		{"base64 that is text", head + "Content-Transfer-Encoding: base64\n\nThe text. It is not encoded!\n", "The text. It is not encoded!", 0, ""},
		{"quoted-printable with stray signs", head + "Content-Transfer-Encoding: quoted-printable\n\na = b =XY =\n", "a = b =XY", 0, ""},
		{"winmail.dat is kept", head + "Content-Type: application/ms-tnef; name=winmail.dat\n\nx\n", "", 1, ""},
		{"the only text is an attachment", head + "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n\nThe text.\n--x--\n", "The text.", 1, ""},
		{"a file name that is a path", head + "Content-Type: image/png; name=\"../../etc/passwd\"\n\nx\n", "", 1, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := parse(t, tc.in)
			if strings.TrimSpace(m.Text) != tc.text || len(m.Attachments) != tc.attachments {
				t.Errorf("text %q, attachments %+v", m.Text, m.Attachments)
			}
			if tc.problem == "" != m.Complete() || tc.problem != "" && !slices.Contains(m.Problems, tc.problem) {
				t.Errorf("problems %v, want %q", m.Problems, tc.problem)
			}
			for _, a := range m.Attachments {
				if strings.ContainsAny(a.Name, `/\`) || a.Name == "" {
					t.Errorf("name %q", a.Name)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	var nested strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	for _, tc := range []struct {
		name, in string
		problem  Problem
	}{
		{"nested 2,000 deep", nested.String() + "\nx\n", ProblemDepth},
		{"20,000 long fields", strings.Repeat("X-Field: "+strings.Repeat("x", 80)+"\n", 20_000) + "\ntext", ProblemHeader},
		{"2,000 parts", "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 2000) + "--b--\n", ProblemParts},
		{"600 attachments", "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Type: image/png\n\nx\n", 600) + "--b--\n", ProblemAttachments},
		{"text of 9 MiB", "Content-Type: text/plain\n\n" + strings.Repeat("words ", 9<<20/6), ProblemText},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := parse(t, tc.in)
			if !slices.Contains(m.Problems, tc.problem) {
				t.Errorf("problems %v", m.Problems)
			}
		})
	}
}

func TestTimeIsLimited(t *testing.T) {
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	m := Parse(ctx, strings.NewReader("Subject: hello\n\n"+strings.Repeat("x\n", 10_000)), Options{})
	if !slices.Contains(m.Problems, ProblemTime) || m.Subject != "hello" {
		t.Errorf("problems %v, subject %q", m.Problems, m.Subject)
	}
}

func TestFailingSourceGivesWhatWasRead(t *testing.T) {
	r := io.MultiReader(strings.NewReader("Subject: hello\n\nThe text.\n"), iotest.ErrReader(errors.New("gone")))
	m := Parse(context.Background(), r, Options{})
	if m.Subject != "hello" || !strings.Contains(m.Text, "The text.") || !slices.Contains(m.Problems, ProblemRead) {
		t.Errorf("got %q, %q, %v", m.Subject, m.Text, m.Problems)
	}
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("a fault") }

func TestFaultOfTheParserIsAProblem(t *testing.T) {
	if m := Parse(context.Background(), panicReader{}, Options{}); !slices.Contains(m.Problems, ProblemCrash) {
		t.Errorf("problems %v", m.Problems)
	}
}

func TestAttachmentsAreStreamed(t *testing.T) {
	var got bytes.Buffer
	content := bytes.Repeat([]byte("0123456789abcdef\x00"), 5000)
	in := "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\n" + wrapped(content) + "--b--\n"
	m := Parse(context.Background(), strings.NewReader(in), Options{Attachment: func(i int, a Attachment) io.Writer {
		if i != 0 || a.Name != "a.png" {
			t.Errorf("attachment %d: %+v", i, a)
		}
		return &got
	}})
	if !bytes.Equal(got.Bytes(), content) || m.Attachments[0].Size != int64(len(content)) {
		t.Errorf("got %d bytes, size %d, want %d", got.Len(), m.Attachments[0].Size, len(content))
	}
}

func TestBinaryKeepsItsLineEnds(t *testing.T) {
	var got bytes.Buffer
	Parse(context.Background(), strings.NewReader("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\na\r\nb\rc\n\r\n--b--\r\n"),
		Options{Attachment: func(int, Attachment) io.Writer { return &got }})
	if got.String() != "a\r\nb\rc\n" {
		t.Errorf("got %q", got.String())
	}
}

func wrapped(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 76 {
		out.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	return out.String() + s + "\n"
}

func TestCharsets(t *testing.T) {
	encode := func(e interface {
		Bytes([]byte) ([]byte, error)
	}, s string,
	) string {
		b, err := e.Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	russian := "Здравствуйте! Можно ли продлить книгу ещё на две недели?"
	japaneseText := "こんにちは。この本の貸出期間を延長できますか。"
	for _, tc := range []struct{ name, label, in, want string }{
		{"Latin-1 means Windows-1252", "iso-8859-1", "\x93caf\xe9\x94", "“café”"},
		{"Latin-1 that is UTF-8", "iso-8859-1", "“café”", "“café”"},
		{"no label, accents", "", "Grüße aus Köln"[:0] + "Gr\xfc\xdfe aus K\xf6ln, sch\xf6ne B\xfccher", "Grüße aus Köln, schöne Bücher"},
		{"UTF-8 that is Latin-1", "utf-8", "caf\xe9 cr\xe8me", "café crème"},
		{"KOI8-R", "koi8-r", encode(charmap.KOI8R.NewEncoder(), russian), russian},
		{"KOI8-R, no label", "", encode(charmap.KOI8R.NewEncoder(), russian), russian},
		{"Windows-1251, wrong label", "us-ascii", encode(charmap.Windows1251.NewEncoder(), russian), russian},
		{"Shift-JIS", "Shift_JIS", encode(japanese.ShiftJIS.NewEncoder(), japaneseText), japaneseText},
		{"Shift-JIS, no label", "", encode(japanese.ShiftJIS.NewEncoder(), japaneseText), japaneseText},
		{"EUC-JP, no label", "", encode(japanese.EUCJP.NewEncoder(), japaneseText), japaneseText},
		{"ISO-2022-JP, no label", "", encode(japanese.ISO2022JP.NewEncoder(), japaneseText), japaneseText},
		{"GB 2312 means GB 18030", "gb2312", encode(simplifiedchinese.GB18030.NewEncoder(), "请问这本书可以续借吗？€"), "请问这本书可以续借吗？€"},
		{"GB, no label", "", encode(simplifiedchinese.GBK.NewEncoder(), "请问这本书可以续借吗？我想多看两个星期。"), "请问这本书可以续借吗？我想多看两个星期。"},
		{"Korean, old label", "ks_c_5601-1987", encode(korean.EUCKR.NewEncoder(), "이 책을 연장할 수 있나요?"), "이 책을 연장할 수 있나요?"},
		{"UTF-7", "utf-7", "Hi +AOQ-+- x", "Hi ä+ x"},
		{"a made-up label", "x-wonderful", "plain", "plain"},
		{"controls are dropped", "utf-8", "a\x00\x01b\r\nc\u0085", "ab\nc"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, _ := decodeCharset([]byte(tc.in), tc.label); got != tc.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want []Address
	}{
		{`Ann Lee <ann@x.example>`, []Address{{"Ann Lee", "ann@x.example"}}},
		{`"Lee, Ann" <ann@x.example>, bob@x.example`, []Address{{"Lee, Ann", "ann@x.example"}, {"", "bob@x.example"}}},
		{`Lee \"the book\" Ann <ann@x.example>`, []Address{{`Lee "the book" Ann`, "ann@x.example"}}},
		{`ann@x.example (Ann Lee)`, []Address{{"Ann Lee", "ann@x.example"}}},
		{`readers: ann@x.example, bob@x.example;`, []Address{{"", "ann@x.example"}, {"", "bob@x.example"}}},
		{`Ann <ann@x.example>; Bob <bob@x.example>`, []Address{{"Ann", "ann@x.example"}, {"Bob", "bob@x.example"}}},
		{`Ann <@relay.example:ann@x.example>`, []Address{{"Ann", "ann@x.example"}}},
		{`"never ends <ann@x.example>`, []Address{{"never ends", "ann@x.example"}}},
		{`<>`, nil},
		{``, nil},
		{`Ann`, []Address{{"", "Ann"}}},
		{`Ann Lee`, []Address{{"Ann Lee", ""}}},
	} {
		t.Run(tc.in, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, addresses([]string{tc.in})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDates(t *testing.T) {
	want := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
	for _, in := range []string{
		"Tue, 3 Feb 2026 10:00:00 +0000", "3 Feb 2026 10:00:00 GMT", "Tue, 03 Feb 2026 12:00:00 +0200 (EET)", "Tue, 3 Feb 26 10:00:00 +0000",
		"2026-02-03T10:00:00Z", "2026-02-03 10:00:00 +0000", "Tue Feb 3 10:00:00 2026", "Tuesday, 3 February 2026 10:00:00 +0000",
	} {
		if got := parseDate(in); !got.Equal(want) {
			t.Errorf("%s: got %v", in, got)
		}
	}
	for _, in := range []string{"", "yesterday", "Tue, 99 Feb 2026 10:00:00 +0000", "Mon, 1 Jan 0001 00:00:00 +0000"} {
		if got := parseDate(in); !got.IsZero() {
			t.Errorf("%q: got %v", in, got)
		}
	}
}

func TestFlowedTextIsJoined(t *testing.T) {
	in := "Content-Type: text/plain; charset=utf-8; format=flowed\n\nA long \nline. \n\n From here on.\n> quoted \n> more\n-- \nAnn\n"
	if got, want := parse(t, in).Text, "A long line. \n\nFrom here on.\n> quoted \n> more\n-- \nAnn"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHTMLOnlyGivesText(t *testing.T) {
	in := "Content-Type: text/html; charset=utf-8\n\n<style>x{}</style><p>One&nbsp;two</p><ul><li>a<li>b</ul>three<br>four<blockquote type=cite>old</blockquote>"
	m := parse(t, in)
	if want := "One two\n\n- a\n- b\n\nthree\nfour\n> old"; m.Text != want || !m.HTMLWhole {
		t.Errorf("got %q, want %q", m.Text, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(letter))
	f.Add([]byte(crlf(letter)))
	f.Add([]byte("From x\nSubject : a\rb\n\n\x00"))
	f.Add([]byte("Content-Type: multipart/report; boundary=\"b\"\n\n--b\n--b--\n"))
	f.Add([]byte("Content-Type: multipart/mixed\n\n--aaaaaaa\n\n--aaaaaaa"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Parse(context.Background(), bytes.NewReader(b), Options{Limits: Limits{Text: 64 << 10}})
		if slices.Contains(m.Problems, ProblemCrash) {
			t.Fatal("the parser failed")
		}
		for _, s := range []string{m.Text, m.Subject, m.MessageID, m.HTML, m.FromAddress().String()} {
			if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
				t.Fatalf("not clean: %q", s)
			}
		}
		m.Reply(TrimOptions{})
	})
}

func BenchmarkParseOrdinary(b *testing.B) {
	b.SetBytes(int64(len(letter)))
	b.ReportAllocs()
	for b.Loop() {
		Parse(context.Background(), strings.NewReader(letter), Options{})
	}
}

// bigMail is one with an attachment, made while it is read.
func bigMail(size int) io.Reader {
	lines := io.LimitReader(repeat(strings.Repeat("QUJD", 19)+"\r\n"), int64(size))
	return io.MultiReader(strings.NewReader(crlf("Subject: big\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee the file.\n--b\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n")), lines, strings.NewReader("\r\n--b--\r\n"))
}

type repeat string

func (r repeat) Read(p []byte) (int, error) { return copy(p, r), nil }

func TestMemoryIsBounded(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := Parse(context.Background(), bigMail(15<<20), Options{})
	runtime.ReadMemStats(&after)
	if m.Text != "See the file." || m.Attachments[0].Size < 10<<20 {
		t.Fatalf("text %q, attachments %+v", m.Text, m.Attachments)
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 16<<20 {
		t.Errorf("%d MiB more on the heap", kept>>20)
	}
}

func BenchmarkParse15MB(b *testing.B) {
	b.SetBytes(15 << 20)
	b.ReportAllocs()
	for b.Loop() {
		Parse(context.Background(), bigMail(15<<20), Options{})
	}
}
