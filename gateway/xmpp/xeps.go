// SPDX-License-Identifier: Apache-2.0

package xmpp

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Status is how far an extension is built.
type Status string

// The statuses.
const (
	Complete Status = "complete" // all of it that concerns a server for a desk's staff
	Partial  Status = "partial"  // what Note says
	Planned  Status = "planned"  // nothing yet, and nothing of it is announced
)

// Entity is a set of those whose service discovery announces a feature.
type Entity uint8

// The entities.
const (
	OnServer  Entity = 1 << iota // the accounts' domain
	OnAccount                    // a member of staff's own bare address
	OnBot                        // the desk bot, and the domain of the chats
	OnChat                       // a chat's address
)

// Feature is a namespace and who announces it.
type Feature struct {
	NS string
	On Entity
}

// XEP is one extension of XMPP.
type XEP struct {
	Number   int
	Name     string
	Version  string // the version that was read while building
	Status   Status
	Note     string
	Features []Feature
}

// XEPs is the table of extensions, by number. Discovery, docs/xeps.md and the DOAP file are made from it. A feature is
// announced unless its extension is Planned.
func XEPs() []XEP {
	everywhere := OnServer | OnAccount | OnBot | OnChat
	on := func(e Entity, ns ...string) (fs []Feature) {
		for _, n := range ns {
			fs = append(fs, Feature{n, e})
		}
		return fs
	}
	return []XEP{
		{4, "Data Forms", "2.13.1", Partial, "In ad-hoc commands.", on(OnServer|OnBot|OnChat, NSForm)},
		{30, "Service Discovery", "2.5rc3", Complete, "", on(everywhere, NSDiscoInfo, NSDiscoItems)},
		{45, "Multi-User Chat", "1.35.1", Planned, "Rooms of the departments.", on(0, NSMUC)},
		{49, "Private XML Storage", "1.2", Complete, "", on(OnServer|OnAccount, NSPrivate)},
		{50, "Ad-Hoc Commands", "1.3.0", Complete, "On the bot, on every chat and on the domain.", on(OnServer|OnBot|OnChat, NSCommands)},
		{54, "vcard-temp", "1.2", Partial, "One's own card is kept; the bot and the chats have theirs.", on(everywhere, NSVCard)},
		{59, "Result Set Management", "1.0", Planned, "With the archive.", on(0, NSRSM)},
		{60, "Publish-Subscribe", "1.28.0", Planned, "Own nodes only, as XEP-0163.", on(0, NSPubSub)},
		{66, "Out of Band Data", "1.5", Planned, "", on(0, NSOOB)},
		{77, "In-Band Registration", "2.4", Planned, "Change of password only.", on(0, NSRegister)},
		{82, "XMPP Date and Time Profiles", "1.1.1", Complete, "", nil},
		{84, "User Avatar", "1.1.4", Planned, "", on(0, NSAvatarData)},
		{85, "Chat State Notifications", "2.1", Complete, "", on(OnChat, NSChatStates)},
		{92, "Software Version", "1.1", Complete, "", on(OnServer|OnBot, NSVersion)},
		{115, "Entity Capabilities", "1.6.0", Complete, "", on(OnServer, NSCaps)},
		{128, "Service Discovery Extensions", "1.0.1", Complete, "", nil},
		{153, "vCard-Based Avatars", "1.1", Planned, "", nil},
		{156, "Discovering Alternative XMPP Connection Methods", "1.4.0", Planned, "", nil},
		{160, "Best Practices for Handling Offline Messages", "1.0.1", Complete, "Lines come with their time.", on(OnServer, "msgoffline")},
		{163, "Personal Eventing Protocol", "1.2.2", Planned, "", nil},
		{172, "User Nickname", "1.1", Partial, "On messages of the desk.", nil},
		{184, "Message Delivery Receipts", "1.4.0", Complete, "A receipt means that the patron's page has the line.", on(OnChat|OnBot, NSReceipts)},
		{191, "Blocking Command", "1.3", Partial, "The list is empty; blocking is refused.", on(OnServer, NSBlocking)},
		{198, "Stream Management", "1.6.3", Partial, "An ack means: committed. Resumption is answered on any node with what was handled.", nil},
		{199, "XMPP Ping", "2.0.1", Complete, "", on(everywhere, NSPing)},
		{202, "Entity Time", "2.0", Complete, "", on(OnServer|OnBot, NSTime)},
		{203, "Delayed Delivery", "2.0", Complete, "", nil},
		{237, "Roster Versioning", "1.3", Planned, "", nil},
		{245, "The /me Command", "1.0", Complete, "It is text.", nil},
		{249, "Direct MUC Invitations", "1.2", Planned, "", nil},
		{280, "Message Carbons", "1.0.1", Complete, "", on(OnServer|OnAccount, NSCarbons)},
		{286, "Mobile Considerations on LTE Networks", "1.0.0", Partial, "", nil},
		{297, "Stanza Forwarding", "1.0", Complete, "Within carbons.", nil},
		{308, "Last Message Correction", "1.2.1", Planned, "", on(0, NSCorrect)},
		{313, "Message Archive Management", "1.1.2", Planned, "", on(0, NSArchive)},
		{333, "Displayed Markers", "1.0.0", Partial, "Understood; none claims a chat.", nil},
		{334, "Message Processing Hints", "0.4.1", Partial, "Rings carry no-store.", nil},
		{352, "Client State Indication", "1.0.0", Partial, "Accepted and ignored.", nil},
		{359, "Unique and Stable Stanza IDs", "0.7.0", Partial, "The origin's id is read; forged ids are stripped.", nil},
		{363, "HTTP File Upload", "1.2.0", Planned, "", on(0, NSUpload)},
		{368, "SRV Records for XMPP over TLS", "1.1.0", Complete, "Direct TLS with or without ALPN.", nil},
		{380, "Explicit Message Encryption", "0.4.0", Complete, "Recognised in order to be refused.", nil},
		{393, "Message Styling", "1.1.1", Planned, "", nil},
		{402, "PEP Native Bookmarks", "1.2.0", Planned, "", nil},
		{410, "MUC Self-Ping", "1.1.0", Planned, "", nil},
		{421, "Anonymous Unique Occupant Identifiers", "1.0.1", Planned, "", nil},
		{424, "Message Retraction", "0.4.3", Planned, "", on(0, NSRetract)},
		{428, "Fallback Indication", "0.2.1", Complete, "Fallbacks of replies are taken off.", nil},
		{461, "Message Replies", "0.2.1", Partial, "Taken off.", nil},
	}
}

// Features returns the namespaces that an entity announces, sorted.
func Features(on Entity) []string {
	var out []string
	for _, x := range XEPs() {
		for _, f := range x.Features {
			if x.Status != Planned && f.On&on != 0 {
				out = append(out, f.NS)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// WriteXEPs writes docs/xeps.md.
func WriteXEPs(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString("# Extensions of XMPP\n\n" +
		"Made from the table in `gateway/xmpp/xeps.go`; service discovery announces what the table says.\n" +
		"The core: RFC 6120, RFC 6121 (the part between client and server), RFC 7590, RFC 7622.\n\n" +
		"| XEP | name | version | status | note |\n| --- | --- | --- | --- | --- |\n")
	for _, x := range XEPs() {
		fmt.Fprintf(b, "| [%04d](https://xmpp.org/extensions/xep-%04d.html) | %s | %s | %s | %s |\n",
			x.Number, x.Number, x.Name, x.Version, x.Status, strings.ReplaceAll(x.Note, "|", "\\|"))
	}
	return b.Flush()
}
