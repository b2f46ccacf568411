// SPDX-License-Identifier: Apache-2.0

package account

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// webHashes is a store of web passwords.
type webHashes map[string]string

func (w webHashes) WebPassword(_ context.Context, account string) (string, error) {
	if account == "down" {
		return "", errors.New("no quorum")
	}
	return w[account], nil
}

func TestWebLogin(t *testing.T) {
	const right = "correct horse 👋 battery"
	hash, err := HashWebPassword(right)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("kept: %s", hash)
	}
	s, err := New(Config{Domain: "desk.example", Secret: make([]byte, 16)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	store := webHashes{"ana": hash, "odd": "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA"}
	for name, tc := range map[string]struct {
		user, password string
		want           Condition // "" = signed in
	}{
		"right":                   {"ana", right, ""},
		"with the domain":         {" Ana@desk.example ", right, ""},
		"wrong":                   {"ana", right + "x", NotAuthorized},
		"empty":                   {"ana", "", NotAuthorized},
		"nobody":                  {"zoe", right, NotAuthorized},
		"of another domain":       {"ana@example.org", right, NotAuthorized},
		"no name at all":          {"", "", NotAuthorized},
		"a name that can't be":    {"a\x00b", right, NotAuthorized},
		"over-long":               {"ana", strings.Repeat("x", 1<<20), NotAuthorized},
		"control characters":      {"ana", right + "\x00", NotAuthorized},
		"a hash that isn't ours":  {"odd", right, NotAuthorized},
		"a desk without a quorum": {"down", right, TemporaryFailure},
	} {
		t.Run(name, func(t *testing.T) {
			account, err := s.WebLogin(t.Context(), store, tc.user, tc.password, netip.MustParseAddr("192.0.2.1"))
			var f *Failure
			switch {
			case tc.want == "" && (err != nil || account != "ana"):
				t.Errorf("got %q, %v", account, err)
			case tc.want != "" && (!errors.As(err, &f) || f.Condition != tc.want || account != ""):
				t.Errorf("got %q, %v", account, err)
			}
		})
	}
}

func TestPasswordsThatAreRefused(t *testing.T) {
	for password, want := range map[string]error{
		"short":                   ErrTooShort,
		"ééééééééé":               ErrTooShort, // nine characters
		strings.Repeat("ab", 101): ErrTooLong,
		"aaaaaaaaaaaa":            ErrCommon,
		"Password2026!":           ErrCommon,
		"1234567890":              ErrCommon,
		"tab\tand more of it":     ErrInvalid,
	} {
		if _, err := HashWebPassword(password); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", password, err, want)
		}
	}
	for _, password := range []string{"ten chars!", "library of my dreams", "pässwörter sind lang"} {
		if _, err := HashWebPassword(password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}
