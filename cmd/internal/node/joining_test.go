// SPDX-License-Identifier: Apache-2.0

package node

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster"
	"refdesk/cmd/internal/config"
)

func token() Token {
	return Token{Addresses: []string{"192.0.2.1:7400", "n1.desk.example:7400"}, Fingerprint: strings.Repeat("ab", 32), Secret: "S3CRET"}
}

func TestTokens(t *testing.T) {
	whole := token().String()
	got, err := ParseToken(" " + whole + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(token(), got); diff != "" {
		t.Error(diff)
	}
	for name, s := range map[string]string{
		"nothing":        "",
		"cut off":        whole[:len(whole)-5],
		"its end alone":  whole[20:],
		"no base64":      tokenMark + "äöü",
		"no JSON":        tokenMark + "YWJj",
		"without a node": Token{Fingerprint: strings.Repeat("ab", 32), Secret: "x"}.String(),
		"too long":       tokenMark + strings.Repeat("A", 5<<10),
	} {
		if _, err := ParseToken(s); err == nil || !strings.Contains(err.Error(), "refdesk token") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(token().String())
	f.Add(tokenMark)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseToken(s)
		if err != nil {
			return
		}
		again, err := ParseToken(got.String())
		if err != nil || !cmp.Equal(got, again) {
			t.Errorf("%q reads as %+v, and written again as %+v, %v", s, got, again, err)
		}
	})
}

func TestTheAuthoritysKeyIsSealed(t *testing.T) {
	seal := func(key byte) (out []byte) {
		box, err := sealer([]byte(strings.Repeat(string(key), 32)), "x")
		if err != nil {
			t.Fatal(err)
		}
		return box.Seal(nil, make([]byte, box.NonceSize()), []byte("secret"), nil)
	}
	if one := seal('a'); cmp.Equal(one, seal('b')) || strings.Contains(string(one), "secret") {
		t.Error("the seal doesn't depend on the key")
	}
}

func TestWhatNodesShare(t *testing.T) {
	c := config.Default()
	c.Desk.Name, c.Clocks["transfer"] = "Willowmere", config.Duration{Duration: 7e9}
	c.Cluster.ID, c.HTTP.Listen, c.TLS.Cert, c.Mail.PasswordFile = "n5", "127.0.0.1:9", "mine.pem", "/secret"
	text, err := shared(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Parse("x", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got.Desk.Name != "Willowmere" || got.Clocks["transfer"].Duration != 7e9 {
		t.Errorf("name and clocks are lost: %+v", got.Desk)
	}
	for _, own := range []string{"n5", "127.0.0.1:9", "mine.pem", "/secret"} {
		if strings.Contains(text, own) {
			t.Errorf("%s is handed over", own)
		}
	}
}

func TestStandingInWords(t *testing.T) {
	members := func(ups ...bool) (out []cluster.Member) {
		for i, up := range ups {
			out = append(out, cluster.Member{ID: string(rune('a' + i)), Voter: true, Up: up})
		}
		return out
	}
	for name, tc := range map[string]struct {
		leader  string
		members []cluster.Member
		quorum  bool
		words   string
	}{
		"one":                       {"a", members(true), true, "One node is the whole desk"},
		"three":                     {"a", members(true, true, true), true, "3 of 3 voters are up, and 2 are needed: one more may fail."},
		"three, one away":           {"a", members(true, false, true), true, "2 of 3 voters are up, and 2 are needed: no other may fail."},
		"a minority":                {"", members(true, false, false), false, "No majority: 1 of 3 voters can be reached from here, and 2 are needed. Nothing is acknowledged here until they are back (b, c)."},
		"a minority that led":       {"a", members(true, false, false), false, "No majority"},
		"an election":               {"", members(true, true, true), false, "choosing a leader"},
		"two":                       {"a", members(true, true), true, "An even number of voters"},
		"five":                      {"a", members(true, true, true, true, true), true, "2 more may fail"},
		"those who learn count not": {"a", append(members(true), cluster.Member{ID: "z"}), true, "One node"},
		"nothing read yet":          {"", []cluster.Member{{ID: "z"}}, false, "has not read yet"},
	} {
		t.Run(name, func(t *testing.T) {
			quorum, words := standing(cluster.Status{Leader: tc.leader}, tc.members)
			if quorum != tc.quorum || !strings.Contains(words, tc.words) {
				t.Errorf("got %t, %q", quorum, words)
			}
		})
	}
}
