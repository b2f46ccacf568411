// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestFramer(t *testing.T) {
	stream := "<?xml version='1.0'?>\n<stream:stream to='a>b' id=\"x\"><stream:features><a/><b>t</b></stream:features>" +
		" <message from='u>1'><body>1 &lt; 2</body></message>\n<a h='3'/><r xmlns='urn:xmpp:sm:3'/></stream:stream>"
	want := []string{
		"stream:features <stream:features><a/><b>t</b></stream:features>",
		"message <message from='u>1'><body>1 &lt; 2</body></message>",
		"a <a h='3'/>",
		"r <r xmlns='urn:xmpp:sm:3'/>",
	}
	for name, f := range map[string]*framer{
		"all at once":  newFramer(strings.NewReader(stream)),
		"byte by byte": newFramer(iotest.OneByteReader(strings.NewReader(stream))),
	} {
		var got []string
		for {
			name, raw, err := f.next()
			if err != nil {
				if !errors.Is(err, errEnd) {
					t.Errorf("%v, want the end of the stream", err)
				}
				break
			}
			got = append(got, name+" "+string(raw))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAttr(t *testing.T) {
	raw := []byte(`<a xmlns="urn:xmpp:sm:3" h='17'><b h="2"/></a>`)
	for name, want := range map[string]string{"h": "17", "xmlns": "urn:xmpp:sm:3", "none": ""} {
		if got := attr(raw, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
