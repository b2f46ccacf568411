// SPDX-License-Identifier: Apache-2.0

package node

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestParseMailPrintsTheContract(t *testing.T) {
	in := "From: Ann Lee <ann@reader.example>\nSubject: Re: book\nMessage-ID: <1@reader.example>\nIn-Reply-To: <0@library.example>\nReferences: <a@x> <0@library.example>\n" +
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nYes & <no>.\n\nOn Tue, 3 Feb 2026 at 14:05, Library <help@library.example> wrote:\n> Really?\n> Sure?\n--b\nContent-Type: image/png; name=a.png\n\nxyz\n--b--\n"
	want := `{"from":"Ann Lee <ann@reader.example>","subject":"Re: book","message_id":"<1@reader.example>","in_reply_to":"<0@library.example>",` +
		`"references":["<a@x>","<0@library.example>"],"text":"Yes & <no>.\n\nOn Tue, 3 Feb 2026 at 14:05, Library <help@library.example> wrote:\n> Really?\n> Sure?",` +
		`"reply_text":"Yes & <no>.","auto_reply":false,"bounce":false,"attachments":[{"name":"a.png","type":"image/png","size":3}]}` + "\n"
	var out bytes.Buffer
	if err := ParseMail(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}

func TestParseMailPrintsEmptyLists(t *testing.T) {
	var out bytes.Buffer
	if err := ParseMail(strings.NewReader(""), &out); err != nil {
		t.Fatal(err)
	}
	if want := `{"from":"","subject":"","message_id":"","in_reply_to":"","references":[],"text":"","reply_text":"","auto_reply":false,"bounce":false,"attachments":[]}` + "\n"; out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestParseMailTellsThatItCouldNotWrite(t *testing.T) {
	if err := ParseMail(strings.NewReader("x"), full{}); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("got %v", err)
	}
}
