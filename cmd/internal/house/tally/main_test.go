// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	for name, tc := range map[string]struct {
		in     string
		ok     bool
		has    []string
		hasNot []string
	}{
		"passes": {
			in: `{"Action":"run","Package":"a","Test":"T"}
{"Action":"output","Package":"a","Test":"T","Output":"chatter\n"}
{"Action":"pass","Package":"a","Test":"T"}
{"Action":"output","Package":"a","Output":"PASS\n"}
{"Action":"output","Package":"a","Output":"ok  \ta\t0.1s\n"}
{"Action":"pass","Package":"a"}`,
			ok: true, has: []string{"ok  \ta\t0.1s\n", "1 packages, 0 failures, 0 tests skipped"}, hasNot: []string{"chatter", "PASS"},
		},
		"a failure is told with its output": {
			in: `{"Action":"output","Package":"a","Test":"T","Output":"    a_test.go:1: wrong\n"}
{"Action":"fail","Package":"a","Test":"T"}
{"Action":"output","Package":"a","Output":"FAIL\n"}
{"Action":"fail","Package":"a"}`,
			has: []string{"a_test.go:1: wrong", "FAILED  a T\n"},
		},
		"skipped tests are named with their reason": {
			in: `{"Action":"output","Package":"a","Test":"T","Output":"=== RUN   T\n"}
{"Action":"output","Package":"a","Test":"T","Output":"    a_test.go:7: no mcabber here\n"}
{"Action":"skip","Package":"a","Test":"T"}
{"Action":"pass","Package":"a"}`,
			ok: true, has: []string{"skipped a T – no mcabber here\n", "1 tests skipped"},
		},
		"a package that does not build": {
			in: `{"ImportPath":"a","Action":"build-output","Output":"a.go:1: syntax error\n"}
{"ImportPath":"a","Action":"build-fail"}
{"Action":"output","Package":"a","Output":"FAIL\ta [build failed]\n"}
{"Action":"fail","Package":"a"}`,
			has: []string{"syntax error", "[build failed]"},
		},
		"a panic cuts a test off": {
			in: `{"Action":"output","Package":"a","Test":"T","Output":"panic: boo\n"}
{"Action":"fail","Package":"a"}`,
			has: []string{"panic: boo"},
		},
		"nothing ran": {in: "go: cannot find main module", has: []string{"cannot find main module", "0 packages"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			ok, err := tally(strings.NewReader(tc.in), &out)
			if err != nil || ok != tc.ok {
				t.Errorf("got %v, %v", ok, err)
			}
			for _, s := range tc.has {
				if !strings.Contains(out.String(), s) {
					t.Errorf("%q is missing in:\n%s", s, out.String())
				}
			}
			for _, s := range tc.hasNot {
				if strings.Contains(out.String(), s) {
					t.Errorf("%q should not be in:\n%s", s, out.String())
				}
			}
		})
	}
}
