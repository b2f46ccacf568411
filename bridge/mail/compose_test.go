// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func testDraft() Draft {
	return Draft{
		From: Address{"Main Library", "help@library.example"}, ReplyTo: Address{"", "help+t57.abc@library.example"}, To: []Address{{"Ann Lée", "ann@reader.example"}},
		Subject: "AW: Renewal [#57]", Reply: true, Tag: 57, Date: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC), MessageID: "<t57.7.abc@library.example>", Boundary: "abcdefgh12345678",
		InReplyTo: "<1@reader.example>", References: []string{"<0@reader.example>"}, Text: "Dear Ann,\n\nit is renewed.\n", HTML: "<p>Dear Ann,</p><p>it is renewed.</p>",
		Ticket: 57, Instance: "desk-1",
	}
}

func TestComposeGivesTheSameBytes(t *testing.T) {
	want := `Date: Tue, 03 Feb 2026 10:00:00 +0000
From: "Main Library" <help@library.example>
Reply-To: help+t57.abc@library.example
To: =?utf-8?b?QW5uIEzDqWU=?=
 <ann@reader.example>
Subject: Re: Renewal [#57]
Message-ID: <t57.7.abc@library.example>
In-Reply-To: <1@reader.example>
References: <0@reader.example>
 <1@reader.example>
X-Auto-Response-Suppress: OOF, AutoReply
X-Refdesk-Ticket: 57
X-Refdesk-Hop: 0
X-Refdesk-Instance: desk1
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="abcdefgh12345678"

--abcdefgh12345678
Content-Type: text/plain; charset=utf-8; format=flowed
Content-Transfer-Encoding: quoted-printable

Dear Ann,

it is renewed.

--abcdefgh12345678
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: quoted-printable

<p>Dear Ann,</p><p>it is renewed.</p>

--abcdefgh12345678--
`
	for range 3 {
		got, err := Compose(testDraft())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(crlf(want), string(got)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestComposePurposes(t *testing.T) {
	for _, tc := range []struct {
		name    string
		purpose Purpose
		has     map[string]string
	}{
		{"an answer is a person's", Answer, map[string]string{"Auto-Submitted": "", "Precedence": "", "List-Unsubscribe": ""}},
		{"an acknowledgement answers by itself", Acknowledge, map[string]string{"Auto-Submitted": "auto-replied", "Precedence": "bulk", "X-Auto-Response-Suppress": "All", "List-Unsubscribe": ""}},
		{"a notification is made by itself", Notification, map[string]string{"Auto-Submitted": "auto-generated", "Precedence": "", "X-Auto-Response-Suppress": "All", "List-Unsubscribe": ""}},
		{"a digest may be unsubscribed", Digest, map[string]string{"Auto-Submitted": "auto-generated", "List-Unsubscribe": "<https://library.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := testDraft()
			d.Purpose, d.Unsubscribe = tc.purpose, "https://library.example/u/1"
			b, err := Compose(d)
			if err != nil {
				t.Fatal(err)
			}
			h := Parse(context.Background(), bytes.NewReader(b), Options{}).Header
			for name, want := range tc.has {
				if got := h.Raw(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestSubjects(t *testing.T) {
	for in, want := range map[string]string{
		"Renewal": "Re: Renewal [#57]", "Re: Renewal": "Re: Renewal [#57]", "RE: AW: re[2]: Renewal [#57]": "Re: Renewal [#57]", "Renewal [#57] [#57]": "Re: Renewal [#57]",
		"": "Re: [#57]", "Renewal [#99]": "Re: Renewal [#57]", "回复：问题": "Re: 问题 [#57]", "a\r\nBcc: eve@evil.example": "Re: a Bcc: eve@evil.example [#57]",
		"a\u202egnp.exe": "Re: agnp.exe [#57]", strings.Repeat("x", 300): "Re: " + strings.Repeat("x", 190) + " [#57]",
	} {
		if got := subject(Draft{Subject: in, Reply: true, Tag: 57}); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestReferencesAreShort(t *testing.T) {
	var ids []string
	for i := range 300 {
		ids = append(ids, fmt.Sprintf("<%d.%s@reader.example>", i, strings.Repeat("x", i%60)))
	}
	got := references(append(ids, "no id", "<a@b>\r\nBcc: x"), "<last@reader.example>")
	field := "References: " + strings.Join(got, "\r\n ") + "\r\n"
	if len(field) >= 900 || got[0] != ids[0] || got[len(got)-1] != "<last@reader.example>" || len(got) > 21 || len(got) < 5 {
		t.Errorf("%d bytes, %d ids: %v", len(field), len(got), got)
	}
	if got := references(nil, ""); got != nil {
		t.Errorf("none: %v", got)
	}
}

func TestComposeRefuses(t *testing.T) {
	for name, change := range map[string]func(*Draft){
		"no recipient":                func(d *Draft) { d.To = nil },
		"a line break in an address":  func(d *Draft) { d.To[0].Addr = "ann@reader.example\r\nBcc: eve@evil.example" },
		"two addresses in one":        func(d *Draft) { d.To[0].Addr = "ann@reader.example, eve@evil.example" },
		"no address":                  func(d *Draft) { d.From.Addr = "" },
		"a line break in the id":      func(d *Draft) { d.MessageID = "<a@b>\r\nX: y" },
		"a boundary that isn't plain": func(d *Draft) { d.Boundary = "a\"b" },
		"no date":                     func(d *Draft) { d.Date = time.Time{} },
	} {
		d := testDraft()
		change(&d)
		if b, err := Compose(d); err == nil {
			t.Errorf("%s: composed %q", name, b)
		}
	}
}

// Whatever people put in, the header has the fields we set and no others, and the mail says what was written.
func TestComposeIsSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := testDraft()
		text := rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune("\r\n\t :<>\"\\=?,;()-.F\u202e\u2066äßж書\x00")), rapid.Rune()))
		d.Subject, d.From.Name, d.To[0].Name = text.Draw(t, "subject"), text.Draw(t, "from"), text.Draw(t, "to")
		d.Text, d.HTML, d.Instance, d.InReplyTo = text.Draw(t, "text"), "<p>"+text.Draw(t, "html"), text.Draw(t, "instance"), text.Draw(t, "id")
		b, err := Compose(d)
		if err != nil {
			t.Fatal(err)
		}
		m, err := netmail.ReadMessage(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%v in %q", err, b)
		}
		for name := range m.Header {
			if !strings.Contains("Date From Reply-To To Subject Message-Id In-Reply-To References X-Auto-Response-Suppress X-Refdesk-Ticket X-Refdesk-Hop X-Refdesk-Instance Mime-Version Content-Type", name) {
				t.Fatalf("field %q in %q", name, b)
			}
		}
		for _, name := range []string{"From", "To"} {
			if list, err := m.Header.AddressList(name); err != nil || len(list) != 1 {
				t.Fatalf("%s: %v, %v in %q", name, list, err, b)
			}
		}
		for l := range strings.SplitSeq(string(b), "\r\n") {
			if len(l) > 998 || strings.ContainsAny(l, "\r\n\x00") || !isASCII(l) {
				t.Fatalf("line %q", l)
			}
		}
		checkParts(t, m, d)
	})
}

func checkParts(t *rapid.T, m *netmail.Message, d Draft) {
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []string{flow(d.Text), d.HTML} {
		p, err := r.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		if bare(string(got)) != bare(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// bare leaves the line ends out: the encoding makes them its own.
func bare(s string) string {
	return strings.Trim(strings.NewReplacer("\r", "", "\n", "").Replace(s), " ")
}

func TestFlowComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-zA-Zäж>.]{1,12}`)
		para := strings.Join(rapid.SliceOfN(word, 1, 60).Draw(t, "words"), " ")
		if strings.HasPrefix(para, ">") {
			para = "x" + para
		}
		got := strings.TrimRight(unflow(flow(para+"\n\nend"), false), "\n")
		if got != para+"\n\nend" {
			t.Fatalf("got %q, want %q", got, para)
		}
	})
}
