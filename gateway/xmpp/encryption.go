// SPDX-License-Identifier: Apache-2.0

package xmpp

import (
	"strings"

	"refdesk/gateway/xmpp/element"
)

// Encrypted tells whether a message is end-to-end encrypted, and by what name people know the method. The desk can't
// read such a message and must not forward its fallback text. It looks at the method's own elements, at the announcement
// of XEP-0380, and at the texts that clients put into the body for those who can't decrypt.
func Encrypted(message *element.Element) (method string, ok bool) {
	for c := range message.Elements() {
		if name := encryptionName(c.Space); name != "" && c.Local != "request" {
			return name, true
		}
		if c.Is(NSEME, "encryption") {
			if name := encryptionName(c.Attr("namespace")); name != "" {
				return name, true
			}
			if name := c.Attr("name"); name != "" {
				return name, true
			}
			return "encryption", true
		}
	}
	body, _ := Body(message)
	return encryptedBody(body)
}

// encryptionName names the method that a namespace belongs to, "" for none.
func encryptionName(space string) string {
	switch space {
	case NSOMEMOLegacy, NSOMEMO1, NSOMEMO2:
		return "OMEMO"
	case NSOpenPGP, NSPGPLegacy:
		return "OpenPGP"
	case NSOTR:
		return "OTR"
	}
	return ""
}

// encryptedBody recognises fallback texts. OTR (XEP-0364) has no element at all: its messages begin with "?OTR".
func encryptedBody(body string) (method string, ok bool) {
	body = strings.TrimSpace(body)
	switch {
	case strings.HasPrefix(body, "?OTR"):
		return "OTR", true
	case strings.HasPrefix(body, "-----BEGIN PGP MESSAGE-----"):
		return "OpenPGP", true
	case len(body) > 300:
		return "", false
	}
	lower := strings.ToLower(body)
	for _, f := range []struct{ method, start string }{
		{"OMEMO", "i sent you an omemo encrypted message"},
		{"OMEMO", "[this message is omemo encrypted"},
		{"OMEMO", "this message is encrypted with omemo"},
		{"OMEMO", "you received a message encrypted with omemo"},
		{"OpenPGP", "this message is *encrypted* with openpgp"},
		{"OpenPGP", "this message is encrypted (see :xep:`27`)"},
		{"OpenPGP", "[this message is encrypted (see :xep:`27`)]"},
		{"OpenPGP", "this message is encrypted."},
		{"OpenPGP", "i sent you a pgp encrypted message"},
	} {
		if strings.HasPrefix(lower, f.start) {
			return f.method, true
		}
	}
	return "", false
}
