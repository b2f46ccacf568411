// SPDX-License-Identifier: Apache-2.0

package node

import "testing"

func TestTLSMode(t *testing.T) {
	for name, tc := range map[string]struct{ mode, addr, want string }{
		"submission begins in the clear":             {"starttls", "mail.example:587", "starttls"},
		"465 is TLS from the first byte":             {"starttls", "mail.example:465", "tls"},
		"993 is TLS from the first byte":             {"starttls", "mail.example:993", "tls"},
		"what is written holds for other ports":      {"tls", "mail.example:2465", "tls"},
		"on loopback none means none":                {"none", "127.0.0.1:993", "none"},
		"none to another machine is no reason there": {"none", "mail.example:993", "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tlsMode(tc.mode, tc.addr); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
