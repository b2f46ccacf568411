// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAuthResults(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     AuthResults
	}{
		{"as in the RFC", "mx.library.example 1; spf=pass smtp.mailfrom=reader.example; dkim=pass (good; signature) header.d=reader.example", AuthResults{"mx.library.example", []AuthResult{
			{"spf", "pass", map[string]string{"smtp.mailfrom": "reader.example"}}, {"dkim", "pass", map[string]string{"header.d": "reader.example"}},
		}}},
		{"Microsoft 365: no id", "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=reader.example; dmarc=fail action=none header.from=reader.example;compauth=pass reason=100", AuthResults{"", []AuthResult{
			{"spf", "pass", map[string]string{"smtp.mailfrom": "reader.example"}}, {"dmarc", "fail", map[string]string{"action": "none", "header.from": "reader.example"}}, {"compauth", "pass", map[string]string{"reason": "100"}},
		}}},
		{"nothing was checked", "mx.library.example; none", AuthResults{ServID: "mx.library.example"}},
		{"a result in a comment is none", "mx.library.example (; dmarc=pass header.from=x.example); spf=fail", AuthResults{"mx.library.example", []AuthResult{{"spf", "fail", map[string]string{}}}}},
		{"a comment that never ends takes the rest", "mx.library.example; spf=fail (x; dmarc=pass", AuthResults{"mx.library.example", []AuthResult{{"spf", "fail", map[string]string{}}}}},
		{"a result in quotes is none", `mx.library.example; spf=fail reason="x; dmarc=pass header.from=a"`, AuthResults{"mx.library.example", []AuthResult{{"spf", "fail", map[string]string{"reason": "x;_dmarc_pass_header.from_a"}}}}},
		{"a result in quotes with blanks", `mx.library.example; spf=fail reason="x dmarc=pass"`, AuthResults{"mx.library.example", []AuthResult{{"spf", "fail", map[string]string{"reason": "x_dmarc_pass"}}}}},
		{"blanks round the sign", "mx.library.example; dmarc = pass", AuthResults{"mx.library.example", []AuthResult{{"dmarc", "pass", map[string]string{}}}}},
		{"empty", "", AuthResults{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ParseAuthResults(tc.in)
			for i := range got.Results {
				delete(got.Results[i].Props, "")
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAuthenticate(t *testing.T) {
	ours := AuthTrust{ServIDs: []string{"mx.library.example"}, Hosts: []string{"library.example"}}
	microsoft := AuthTrust{Hosts: []string{"protection.outlook.com"}, Microsoft: true}
	from := "From: Ann <ann@reader.example>\n"
	taken := "Received: from reader.example by mx.library.example; today\n"
	for _, tc := range []struct {
		name, in string
		trust    AuthTrust
		want     AuthState
	}{
		{"DMARC passed", "Authentication-Results: mx.library.example; dmarc=pass header.from=reader.example\n" + taken + from, ours, AuthPass},
		{"below our own Received", taken + "Authentication-Results: mx.library.example; dmarc=pass header.from=reader.example\n" + from, ours, AuthPass},
		{"DKIM of the sender's domain", "Authentication-Results: mx.library.example; dkim=pass header.d=reader.example\n" + from, ours, AuthPass},
		{"DKIM of the domain above", "Authentication-Results: mx.library.example; dkim=pass header.i=@reader.example\nFrom: ann@mail.reader.example\n", ours, AuthPass},
		{"DKIM of a stranger", "Authentication-Results: mx.library.example; dkim=pass header.d=evil.example\n" + from, ours, AuthNone},
		{"DKIM of a whole country", "Authentication-Results: mx.library.example; dkim=pass header.d=co.uk\nFrom: ann@reader.co.uk\n", ours, AuthNone},
		{"SPF alone proves nothing", "Authentication-Results: mx.library.example; spf=pass smtp.mailfrom=reader.example\n" + from, ours, AuthNone},
		{"DMARC failed, DKIM passed", "Authentication-Results: mx.library.example; dkim=pass header.d=reader.example; dmarc=fail header.from=reader.example\n" + from, ours, AuthFail},
		{"DMARC about another domain", "Authentication-Results: mx.library.example; dmarc=pass header.from=evil.example\n" + from, ours, AuthNone},
		{"DMARC could not be checked", "Authentication-Results: mx.library.example; dmarc=temperror header.from=reader.example\n" + from, ours, AuthTemp},
		{"a failure is not outvoted", "Authentication-Results: mx.library.example; dmarc=fail\nAuthentication-Results: mx.library.example; dmarc=pass\n" + from, ours, AuthFail},
		{"somebody else's word", "Authentication-Results: mx.evil.example; dmarc=pass header.from=reader.example\n" + from, ours, AuthUnknown},
		{"our name, below a foreign server", "Received: from x by relay.evil.example; today\nAuthentication-Results: mx.library.example; dmarc=pass header.from=reader.example\n" + from, ours, AuthUnknown},
		{"no word at all", taken + from, ours, AuthUnknown},
		{"two senders", "Authentication-Results: mx.library.example; dmarc=pass\nFrom: ann@reader.example, eve@evil.example\n", ours, AuthFail},
		{"two From fields", "Authentication-Results: mx.library.example; dmarc=pass\nFrom: ann@reader.example\nFrom: eve@evil.example\n", ours, AuthFail},
		{"Microsoft 365, above the line that took it", "Authentication-Results: spf=pass smtp.mailfrom=reader.example; dmarc=pass header.from=reader.example\nReceived: from reader.example by DB1.mail.protection.outlook.com; today\n" + from, microsoft, AuthPass},
		{"Microsoft 365, put in by the sender", "Received: from evil by DB1.mail.protection.outlook.com; today\nAuthentication-Results: spf=pass; dmarc=pass header.from=reader.example\n" + from, microsoft, AuthUnknown},
		{"Microsoft 365's form at another provider", "Authentication-Results: dmarc=pass header.from=reader.example\n" + taken + from, ours, AuthUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Authenticate(parse(t, tc.in+"\nx\n"), tc.trust); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func FuzzAuthResults(f *testing.F) {
	f.Add("mx.library.example; spf=pass (x) smtp.mailfrom=a; dmarc=pass")
	f.Add("spf=pass; dkim=fail (")
	f.Add(`x; a="b;c=d`)
	f.Fuzz(func(t *testing.T, s string) {
		a := ParseAuthResults(s)
		for _, r := range a.Results {
			if r.Method == "" || r.Result == "" {
				t.Errorf("%q: an empty result", s)
			}
		}
		if len(a.Results) > mostResults {
			t.Errorf("%d results", len(a.Results))
		}
	})
}
