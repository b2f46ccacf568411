// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Key is a secret that tokens are made with. Its ID is the first character of every token, so that keys can be changed
// while answers to old mail still arrive; whoever holds the keys drops one two years after it was followed by another.
type Key struct {
	ID     byte // a–z
	Secret []byte
}

// Keyring holds the keys; the first one signs, all verify. The zero Keyring verifies nothing.
type Keyring struct{ keys []Key }

// NewKeyring checks the keys.
func NewKeyring(keys ...Key) (Keyring, error) {
	seen := map[byte]bool{}
	for _, k := range keys {
		switch {
		case k.ID < 'a' || k.ID > 'z':
			return Keyring{}, fmt.Errorf("mail key: id %q is not one of a to z", k.ID)
		case seen[k.ID]:
			return Keyring{}, fmt.Errorf("mail key: id %q is there twice", k.ID)
		case len(k.Secret) < 16:
			return Keyring{}, fmt.Errorf("mail key %q: shorter than 16 bytes", k.ID)
		}
		seen[k.ID] = true
	}
	if len(keys) == 0 {
		return Keyring{}, errors.New("mail keys: there are none")
	}
	return Keyring{append([]Key{}, keys...)}, nil
}

// purpose keeps a token of one kind from passing for one of another.
type purpose string

const (
	forReply  purpose = "reply"
	forStaff  purpose = "staff"
	forBounce purpose = "bounce"
	forID     purpose = "id"
)

// Base32 survives mail servers that turn addresses to lower case.
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// mac gives 80 bits of HMAC-SHA256 as 16 characters, after the key's ID.
func mac(k Key, p purpose, domain string, numbers ...uint64) string {
	h := hmac.New(sha256.New, k.Secret)
	fmt.Fprintf(h, "refdesk mail %s %d:%s", p, len(domain), strings.ToLower(domain))
	for _, n := range numbers {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], n)
		h.Write(b[:])
	}
	return string(k.ID) + base32Lower.EncodeToString(h.Sum(nil)[:10])
}

func (r Keyring) sign(p purpose, domain string, numbers ...uint64) string {
	if len(r.keys) == 0 {
		return ""
	}
	return mac(r.keys[0], p, domain, numbers...)
}

func (r Keyring) verify(token string, p purpose, domain string, numbers ...uint64) bool {
	token = strings.ToLower(token)
	for _, k := range r.keys {
		if token != "" && token[0] == k.ID {
			return hmac.Equal([]byte(token), []byte(mac(k, p, domain, numbers...)))
		}
	}
	return false
}

const (
	number = `([1-9]\d{0,18})`
	sealed = `([a-z][a-z2-7]{16})`
)

var (
	replyTag   = regexp.MustCompile(`(?i)^t` + number + `\.` + sealed + `$`)
	staffTag   = regexp.MustCompile(`(?i)^s` + number + `\.` + number + `\.` + sealed + `$`)
	bounceTag  = regexp.MustCompile(`(?i)^bounce\+` + number + `\.` + sealed + `@`)
	ownID      = regexp.MustCompile(`(?i)^<t` + number + `\.` + number + `\.` + sealed + `@([a-z0-9.-]{1,253})>$`)
	refTag     = regexp.MustCompile(`(?i)\[ref:\s*t` + number + `\.` + sealed + `\s*\]`)
	subjectTag = regexp.MustCompile(`\[#` + number + `\]`)
)

func toNumber(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0
	}
	return n
}

// ReplyTag is what stands behind the + of the address that answers to a ticket go to.
func (r Keyring) ReplyTag(ticket uint64) string {
	return fmt.Sprintf("t%d.%s", ticket, r.sign(forReply, "", ticket))
}

// RefTag is the same token for the text of a mail, for clients that drop the header.
func (r Keyring) RefTag(ticket uint64) string { return "[ref:" + r.ReplyTag(ticket) + "]" }

// StaffTag lets one member of staff answer a ticket by mail; a patron's token can't be made into one.
func (r Keyring) StaffTag(ticket, staff uint64) string {
	return fmt.Sprintf("s%d.%d.%s", ticket, staff, r.sign(forStaff, "", ticket, staff))
}

// BounceAddress is the envelope's sender of an outgoing mail.
func (r Keyring) BounceAddress(out uint64, domain string) string {
	return fmt.Sprintf("bounce+%d.%s@%s", out, r.sign(forBounce, "", out), domain)
}

// MessageID is the id of an entry of a ticket that goes out by mail.
func (r Keyring) MessageID(ticket, entry uint64, domain string) string {
	return fmt.Sprintf("<t%d.%d.%s@%s>", ticket, entry, r.sign(forID, domain, ticket, entry), strings.ToLower(domain))
}

// WithTag puts a tag into an address: help+tag@example.org.
func WithTag(addr, tag string) string {
	local, domain, ok := strings.Cut(addr, "@")
	if !ok {
		return addr
	}
	return local + "+" + tag + "@" + domain
}

// EntryID is what a Message-ID of ours says.
type EntryID struct {
	Ticket, Entry uint64
	raw           string
}

// String gives the Message-ID.
func (e EntryID) String() string { return e.raw }

// ParseMessageID reads a Message-ID; ok is false if it isn't ours.
func (r Keyring) ParseMessageID(id string) (EntryID, bool) {
	m := ownID.FindStringSubmatch(strings.TrimSpace(id))
	if m == nil {
		return EntryID{}, false
	}
	e := EntryID{toNumber(m[1]), toNumber(m[2]), m[0]}
	return e, e.Ticket != 0 && r.verify(m[3], forID, m[4], e.Ticket, e.Entry)
}

// Token is what a tagged address says.
type Token struct{ Ticket, Staff uint64 }

// ParseReplyAddress reads the tag of an address.
func (r Keyring) ParseReplyAddress(addr string) (Token, bool) {
	local, _, _ := strings.Cut(addr, "@")
	_, tag, ok := strings.Cut(local, "+")
	if !ok {
		return Token{}, false
	}
	if m := replyTag.FindStringSubmatch(tag); m != nil {
		t := Token{Ticket: toNumber(m[1])}
		return t, t.Ticket != 0 && r.verify(m[2], forReply, "", t.Ticket)
	}
	if m := staffTag.FindStringSubmatch(tag); m != nil {
		t := Token{Ticket: toNumber(m[1]), Staff: toNumber(m[2])}
		return t, t.Ticket != 0 && t.Staff != 0 && r.verify(m[3], forStaff, "", t.Ticket, t.Staff)
	}
	return Token{}, false
}

// ParseBounceAddress reads the address that a bounce came to.
func (r Keyring) ParseBounceAddress(addr string) (out uint64, ok bool) {
	m := bounceTag.FindStringSubmatch(addr)
	if m == nil {
		return 0, false
	}
	out = toNumber(m[1])
	return out, out != 0 && r.verify(m[2], forBounce, "", out)
}
