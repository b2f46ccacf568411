// SPDX-License-Identifier: Apache-2.0

// Package target reads where alarms go to, as the configuration has it.
package target

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
)

// Kind is what an alarm goes to.
type Kind string

// The kinds of target.
const (
	Mail   Kind = "mail"
	Teams  Kind = "teams"  // a workflow's webhook; an Adaptive Card
	Slack  Kind = "slack"  // an incoming webhook, as Mattermost and Rocket.Chat have it too
	Ntfy   Kind = "ntfy"   // a topic's address
	Matrix Kind = "matrix" // a room, by the client-server API
	Hook   Kind = "webhook"
)

// Target is one place that alarms go to.
type Target struct {
	Department string // "" = of all
	Kind       Kind
	Address    string // of mail
	URL        string // of all others; of Matrix the server's
	Room       string // Matrix
	TokenFile  string // Matrix: a file with the access token
}

// maxTarget bounds a target as it is written, in bytes.
const maxTarget = 2000

// Parse reads a target as the configuration has it: "mail ADDRESS", "teams URL", "slack URL", "ntfy URL", "webhook URL" or
// "matrix URL ROOM TOKENFILE", with "#DEPARTMENT" in front where only that department's alarms go there.
func Parse(text string) (Target, error) {
	var t Target
	if len(text) > maxTarget {
		return t, fmt.Errorf("it is longer than %d bytes", maxTarget)
	}
	words := strings.Fields(text)
	if len(words) > 0 && strings.HasPrefix(words[0], "#") {
		if t.Department = words[0][1:]; t.Department == "" {
			return t, errors.New("# is followed by a department, such as #reference")
		}
		words = words[1:]
	}
	if len(words) < 2 {
		return t, errors.New(`write a kind and an address, such as "teams https://…" or "#reference mail desk@library.example"`)
	}
	t.Kind = Kind(words[0])
	switch rest := words[1:]; {
	case t.Kind == Mail && len(rest) == 1:
		a, err := mail.ParseAddress(rest[0])
		if err != nil || a.Name != "" {
			return t, fmt.Errorf("%q is no address", rest[0])
		}
		t.Address = a.Address
		return t, nil
	case t.Kind == Matrix && len(rest) == 3 && !filepath.IsAbs(rest[2]):
		return t, fmt.Errorf("write the whole path of the token's file, not %q", rest[2])
	case t.Kind == Matrix && len(rest) == 3:
		t.URL, t.Room, t.TokenFile = strings.TrimSuffix(rest[0], "/"), rest[1], rest[2]
		if !strings.HasPrefix(t.Room, "!") || !strings.Contains(t.Room, ":") {
			return t, fmt.Errorf("%q is no id of a room; it looks like !abc:matrix.example", t.Room)
		}
	case (t.Kind == Teams || t.Kind == Slack || t.Kind == Ntfy || t.Kind == Hook) && len(rest) == 1:
		t.URL = rest[0]
	case t.Kind == Matrix:
		return t, errors.New("matrix takes the server's URL, a room's id and a file with the access token")
	default:
		return t, fmt.Errorf("%q is not one of mail, teams, slack, ntfy, matrix and webhook with one address", words[0])
	}
	return t, checkURL(t.URL)
}

// checkURL wants https, but on this machine: the address of a webhook is its password.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("the address is no URL such as https://hooks.example/abc")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	near := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	if u.Scheme != "https" && !(near && u.Scheme == "http") {
		return errors.New("the address has to begin with https://: whoever reads it along could use it")
	}
	return nil
}

// For reports whether a department's alarms go to the target.
func (t Target) For(department string) bool { return t.Department == "" || t.Department == department }

// String names the target for the log, without what makes its address a secret.
func (t Target) String() string {
	if t.Kind == Mail {
		return string(t.Kind)
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return string(t.Kind)
	}
	return string(t.Kind) + " at " + u.Host
}
