// SPDX-License-Identifier: Apache-2.0

package xmpp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mellium.im/xmpp/jid"
)

// ErrAddress is what every bad address comes down to.
var ErrAddress = errors.New("xmpp: bad address")

// ParseJID reads and normalises an address (RFC 7622): PRECIS for local part and resource, IDNA for the domain.
func ParseJID(s string) (jid.JID, error) {
	if len(s) > 3071 {
		return jid.JID{}, ErrAddress
	}
	j, err := jid.Parse(s)
	if err != nil {
		return jid.JID{}, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	return j, nil
}

// Bare cuts the resource off an address that has been validated before.
func Bare(address string) string {
	bare, _, _ := strings.Cut(address, "/")
	return bare
}

// botLocal is the local part of the desk bot.
const botLocal = "desk"

// Domains are the three domains of a desk.
type Domains struct {
	Staff string // accounts: ana@desk.example
	Chat  string // the bot and the chats: desk@chat.desk.example, c42@chat.desk.example
	Rooms string // departments' rooms; reserved
}

// NewDomains derives the domains from that of the accounts, normalised.
func NewDomains(staff string) (Domains, error) {
	j, err := ParseJID(staff)
	if err != nil || j.Localpart() != "" || j.Resourcepart() != "" {
		return Domains{}, fmt.Errorf("%w: domain %q", ErrAddress, staff)
	}
	d := j.Domainpart()
	return Domains{Staff: d, Chat: "chat." + d, Rooms: "rooms." + d}, nil
}

// Bot is the bare address of the desk bot.
func (d Domains) Bot() string { return botLocal + "@" + d.Chat }

// Account is the bare address of a member of staff.
func (d Domains) Account(account string) string { return account + "@" + d.Staff }

// ChatAddress is the bare address of a chat by its number.
func (d Domains) ChatAddress(number uint64) string {
	return "c" + strconv.FormatUint(number, 10) + "@" + d.Chat
}

// TicketAddress is the bare address of a ticket by its number.
func (d Domains) TicketAddress(number uint64) string {
	return "t" + strconv.FormatUint(number, 10) + "@" + d.Chat
}

// DepartmentAddress is the bare address of a department's contact. A department whose id reads like the bot, a chat or a
// ticket has none.
func (d Domains) DepartmentAddress(id string) (string, bool) {
	_, chat := chatNumber(id)
	_, ticket := ticketNumber(id)
	if chat || ticket || id == botLocal || id == "" {
		return "", false
	}
	return id + "@" + d.Chat, true
}

// Place says what an address of a desk stands for.
type Place uint8

// The places.
const (
	Elsewhere Place = iota // not an address of this desk
	ServerPlace
	AccountPlace // Account is set
	ChatDomain   // the chat domain itself
	BotPlace
	ChatPlace       // Chat is set
	DepartmentPlace // Department is set; there may be no such department
	RoomsPlace      // the rooms' domain or an address of it
	TicketPlace     // Ticket is set
)

// Target is an address taken apart.
type Target struct {
	Place      Place
	Account    string
	Chat       uint64
	Department string
	Ticket     uint64
}

// Target tells what j stands for. The resource is not looked at.
func (d Domains) Target(j jid.JID) Target {
	local := j.Localpart()
	switch j.Domainpart() {
	case d.Staff:
		if local == "" {
			return Target{Place: ServerPlace}
		}
		return Target{Place: AccountPlace, Account: local}
	case d.Chat:
		if local == "" {
			return Target{Place: ChatDomain}
		}
		if local == botLocal {
			return Target{Place: BotPlace}
		}
		if n, ok := chatNumber(local); ok {
			return Target{Place: ChatPlace, Chat: n}
		}
		if n, ok := ticketNumber(local); ok {
			return Target{Place: TicketPlace, Ticket: n}
		}
		return Target{Place: DepartmentPlace, Department: local}
	case d.Rooms:
		return Target{Place: RoomsPlace}
	}
	return Target{}
}

// chatNumber reads c42. Only the canonical spelling counts, so that a chat has one address.
func chatNumber(local string) (uint64, bool) { return numberAfter(local, "c") }

// ticketNumber reads t57.
func ticketNumber(local string) (uint64, bool) { return numberAfter(local, "t") }

func numberAfter(local, letter string) (uint64, bool) {
	digits, ok := strings.CutPrefix(local, letter)
	if !ok || digits == "" || digits[0] == '0' || digits[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 53)
	return n, err == nil
}
