// SPDX-License-Identifier: Apache-2.0

package console

import "testing"

func TestPlainText(t *testing.T) {
	for _, c := range [][2]string{
		{"", ""},
		{"# Renewing\n\nSign *in*, then **renew** it.", "Renewing\n\nSign in, then renew it."},
		{"[My account](https://x.example/a?b=1&c=2)!", "My account (https://x.example/a?b=1&c=2)!"},
		{"[https://x.example](https://x.example)", "https://x.example"},
		{"<https://x.example> or <script>", "https://x.example or <script>"},
		{"* one\n* two\n1. three", "- one\n- two\n1. three"},
		{"```\ncode *x*\n```", "code x"},
		{"use `a_b_c` and snake_case_name, 2 * 3 * 4", "use a_b_c and snake_case_name, 2 * 3 * 4"},
		{"![logo](https://x.example/l.png \"Logo\")", "logo (https://x.example/l.png)"},
	} {
		if got := plainText(c[0]); got != c[1] {
			t.Errorf("%q: %q, want %q", c[0], got, c[1])
		}
	}
}
