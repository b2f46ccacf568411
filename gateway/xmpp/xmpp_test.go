// SPDX-License-Identifier: Apache-2.0

package xmpp

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"refdesk/gateway/xmpp/element"
)

var update = flag.Bool("update", false, "write docs/xeps.md")

func TestTableOfExtensionsIsDocumented(t *testing.T) {
	const file = "../../docs/xeps.md"
	var b bytes.Buffer
	if err := WriteXEPs(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(got)); diff != "" {
		t.Errorf("%s is not the table; write it with -update (-table +file):\n%s", file, diff)
	}
}

func TestTableOfExtensionsIsInOrder(t *testing.T) {
	if !slices.IsSortedFunc(XEPs(), func(a, b XEP) int { return a.Number - b.Number }) {
		t.Error("not by number")
	}
	for _, x := range XEPs() {
		if x.Status == Planned && slices.ContainsFunc(x.Features, func(f Feature) bool { return f.On != 0 }) {
			t.Errorf("XEP-%04d is planned and announces a feature", x.Number)
		}
		if x.Version == "" || x.Name == "" {
			t.Errorf("XEP-%04d lacks its name or version", x.Number)
		}
	}
	if got := Features(OnServer); !slices.IsSorted(got) || !slices.Contains(got, NSPing) || slices.Contains(got, NSArchive) {
		t.Errorf("the server announces %q", got)
	}
}

// The example of XEP-0115 §5.2.
func TestVerificationString(t *testing.T) {
	i := Info{
		Identities: []Identity{{Category: "client", Type: "pc", Name: "Exodus 0.9.1"}},
		Features:   []string{NSDiscoItems, NSCaps, NSMUC, NSDiscoInfo},
	}
	if got := i.Ver(); got != "QgayPKawpkPSDYmwT/WM94uAlu0=" {
		t.Errorf("got %s", got)
	}
}

func TestTargets(t *testing.T) {
	d, err := NewDomains("Desk.Example")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]Target{
		"desk.example":                        {Place: ServerPlace},
		"ana@desk.example":                    {Place: AccountPlace, Account: "ana"},
		"ANA@desk.example/pc":                 {Place: AccountPlace, Account: "ana"},
		"chat.desk.example":                   {Place: ChatDomain},
		"desk@chat.desk.example/x":            {Place: BotPlace},
		"c42@chat.desk.example":               {Place: ChatPlace, Chat: 42},
		"c42@chat.desk.example/patron":        {Place: ChatPlace, Chat: 42},
		"t57@chat.desk.example/patron":        {Place: TicketPlace, Ticket: 57},
		"t057@chat.desk.example":              {Place: DepartmentPlace, Department: "t057"},
		"c042@chat.desk.example":              {Place: DepartmentPlace, Department: "c042"},
		"c0@chat.desk.example":                {Place: DepartmentPlace, Department: "c0"},
		"c9007199254740992@chat.desk.example": {Place: DepartmentPlace, Department: "c9007199254740992"},
		"reference@chat.desk.example":         {Place: DepartmentPlace, Department: "reference"},
		"reference@rooms.desk.example":        {Place: RoomsPlace},
		"ana@example.org":                     {Place: Elsewhere},
	} {
		j, err := ParseJID(address)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if got := d.Target(j); got != want {
			t.Errorf("%s: got %+v, want %+v", address, got, want)
		}
	}
	for _, id := range []string{"", "desk", "c1", "t1"} {
		if a, ok := d.DepartmentAddress(id); ok {
			t.Errorf("department %q has the address %s", id, a)
		}
	}
	if a, _ := d.DepartmentAddress("reference"); a != "reference@chat.desk.example" || d.ChatAddress(42) != "c42@chat.desk.example" || d.TicketAddress(57) != "t57@chat.desk.example" {
		t.Errorf("got %s", a)
	}
	for _, bad := range []string{"", "ana@desk.example", "desk.example/x", "a b"} {
		if _, err := NewDomains(bad); err == nil {
			t.Errorf("%q was taken for a domain", bad)
		}
	}
}

func parse(t *testing.T, inner string) *element.Element {
	t.Helper()
	el, err := element.Parse([]byte("<message xmlns='jabber:client'>"+inner+"</message>"), element.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return el
}

func TestAnswered(t *testing.T) {
	reply := "<reply xmlns='urn:xmpp:reply:0' id='x'/>"
	fallback := func(start, end string) string {
		return "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='" + start + "' end='" + end + "'/></fallback>"
	}
	for name, tc := range map[string]struct {
		inner, body string
		reply       bool
	}{
		"no reply":                     {"<body>Good morning</body>", "Good morning", false},
		"a quotation of code points":   {"<body>&gt; 👋 é\nYes</body>" + reply + fallback("0", "6"), "Yes", true},
		"a reply without a quotation":  {"<body>Yes</body>" + reply, "Yes", true},
		"a fallback of something else": {"<body>&gt; x\nYes</body>" + reply + strings.Replace(fallback("0", "4"), "reply:0'>", "other'>", 1), "> x\nYes", true},
		"a fallback without a reply":   {"<body>&gt; x\nYes</body>" + fallback("0", "4"), "> x\nYes", false},
		"beyond the end":               {"<body>Yes</body>" + reply + fallback("0", "9"), "Yes", true},
		"the wrong way round":          {"<body>Yes</body>" + reply + fallback("2", "1"), "Yes", true},
		"no numbers":                   {"<body>Yes</body>" + reply + fallback("a", "-1"), "Yes", true},
		"all of it":                    {"<body>Yes</body>" + reply + fallback("0", "3"), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			if body, is := Answered(parse(t, tc.inner)); body != tc.body || is != tc.reply {
				t.Errorf("got %q, %v", body, is)
			}
		})
	}
}

func TestEncrypted(t *testing.T) {
	for name, tc := range map[string]struct{ inner, method string }{
		"plain":                           {"<body>Good morning</body>", ""},
		"OMEMO":                           {"<body>…</body><encrypted xmlns='eu.siacs.conversations.axolotl'/>", "OMEMO"},
		"OMEMO by its announcement":       {"<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/>", "OMEMO"},
		"something new by its name":       {"<encryption xmlns='urn:xmpp:eme:0' namespace='urn:x' name='X3'/>", "X3"},
		"something new without a name":    {"<encryption xmlns='urn:xmpp:eme:0' namespace='urn:x'/>", "encryption"},
		"OpenPGP":                         {"<openpgp xmlns='urn:xmpp:openpgp:0'>…</openpgp>", "OpenPGP"},
		"OTR has no element":              {"<body>?OTR:AAMC</body>", "OTR"},
		"the text for those who can't":    {"<body>I sent you an OMEMO encrypted message but your client doesn’t seem to support that.</body>", "OMEMO"},
		"an armoured text":                {"<body>-----BEGIN PGP MESSAGE-----\n…</body>", "OpenPGP"},
		"a sentence about it":             {"<body>This message is encrypted with care, she said.</body>", ""},
		"a long text that begins with it": {"<body>This message is encrypted. " + strings.Repeat("x", 300) + "</body>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if method, ok := Encrypted(parse(t, tc.inner)); method != tc.method || ok != (tc.method != "") {
				t.Errorf("got %q, %v", method, ok)
			}
		})
	}
}

func TestErrorsAreNotAnsweredWithErrors(t *testing.T) {
	e := &StanzaError{Condition: ItemNotFound, Text: "no such chat"}
	for _, kind := range []string{TypeError, ResultType} {
		if got := ErrorReply(IQ(kind, "a@x", "b@x", "1", nil), e); got != nil {
			t.Errorf("to an iq of type %s: %s", kind, got)
		}
	}
	got := ErrorReply(Message(Chat, "a@x/1", "b@x", "1", "hello"), e)
	if got.Attr("to") != "a@x/1" || got.Attr("from") != "b@x" || got.Attr("id") != "1" || ReadError(got) != ItemNotFound {
		t.Errorf("got %s", got)
	}
	if ReadError(Message(Chat, "a@x", "b@x", "1", "hello")) != "" {
		t.Error("a condition without an error")
	}
}

func TestDelayIsReadAsItIsWritten(t *testing.T) {
	at := time.Date(2026, 9, 7, 10, 0, 0, 123e6, time.UTC)
	m := Message(Chat, "a@x", "b@x", "", "hello").Add(Delay(at, "x"))
	if got, ok := ReadDelay(m); !ok || !got.Equal(at) {
		t.Errorf("got %s", got)
	}
	for _, inner := range []string{"<body>x</body>", "<delay xmlns='urn:xmpp:delay' stamp='yesterday'/>", "<delay xmlns='urn:xmpp:delay'/>"} {
		if _, ok := ReadDelay(parse(t, inner)); ok {
			t.Errorf("%s has a time", inner)
		}
	}
}

func TestForgedIDsAreStripped(t *testing.T) {
	m := parse(t, "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='ana@x'/><stanza-id xmlns='urn:xmpp:sid:0' id='2' by='room@y'/>")
	StripStanzaIDs(m, "ana@x")
	if got := m.Child(NSStanzaID, "stanza-id").Attr("id"); got != "2" {
		t.Errorf("left: %s", m)
	}
}
