// SPDX-License-Identifier: Apache-2.0

package router

import (
	"slices"
	"strings"
	"testing"

	"refdesk/cluster/desk"
	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
)

func TestSmallServices(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	h.routers[0].boards.changed()
	for name, tc := range map[string]struct{ to, kind, payload, want string }{
		"ping the server":          {domain, "get", "<ping xmlns='urn:xmpp:ping'/>", ""},
		"ping a chat":              {c1, "get", "<ping xmlns='urn:xmpp:ping'/>", ""},
		"version":                  {domain, "get", "<query xmlns='jabber:iq:version'/>", "<name>refdesk</name>"},
		"time":                     {domain, "get", "<time xmlns='urn:xmpp:time'/>", "<utc>2026-09-07T10:00:00Z</utc>"},
		"own features":             {"", "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "type='registered'"},
		"a chat's features":        {c1, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "type='web'"},
		"what the server has":      {domain, "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", "jid='chat." + domain + "'"},
		"the chats":                {"chat." + domain, "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>", "jid='" + c1 + "'"},
		"commands of a chat":       {c1, "get", "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>", "node='claim'"},
		"commands of the domain":   {domain, "get", "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>", "node='queue'"},
		"an empty block list":      {"", "get", "<blocklist xmlns='urn:xmpp:blocking'/>", "blocklist"},
		"the bot's card":           {bot, "get", "<vCard xmlns='vcard-temp'/>", "<FN>Desk</FN>"},
		"a colleague's card":       {"ben@" + domain, "get", "<vCard xmlns='vcard-temp'/>", "<FN>Ben Okoro</FN>"},
		"a patron's card":          {c1, "get", "<vCard xmlns='vcard-temp'/>", "Ida"},
		"private XML never stored": {"", "get", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>", "storage:bookmarks"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ana.ask(tc.to, tc.kind, tc.payload)
			if got.Attr("type") != "result" || !strings.Contains(got.String(), tc.want) {
				t.Errorf("got %s, want %q", got, tc.want)
			}
			if tc.to != "" && got.Attr("from") != tc.to {
				t.Errorf("answered from %q", got.Attr("from"))
			}
		})
	}
}

func TestWhatIsNotAnsweredBouncesAtOnce(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	for name, tc := range map[string]struct{ to, kind, payload, want string }{
		"an unknown query":            {"", "get", "<query xmlns='x'/>", "service-unavailable"},
		"another server":              {"example.org", "get", "<ping xmlns='urn:xmpp:ping'/>", "remote-server-not-found"},
		"a chat that isn't there":     {"c9@chat." + domain, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "item-not-found"},
		"a room":                      {"reference@rooms." + domain, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "service-unavailable"},
		"nobody":                      {"zoe@" + domain, "get", "<vCard xmlns='vcard-temp'/>", "service-unavailable"},
		"a session that isn't there":  {"ben@" + domain + "/x", "get", "<ping xmlns='urn:xmpp:ping'/>", "service-unavailable"},
		"an unknown node":             {domain, "get", "<query xmlns='http://jabber.org/protocol/disco#info' node='x'/>", "item-not-found"},
		"an unknown command":          {bot, "set", "<command xmlns='http://jabber.org/protocol/commands' node='x'/>", "item-not-found"},
		"a form that has expired":     {bot, "set", "<command xmlns='http://jabber.org/protocol/commands' node='claim' sessionid='x'/>", "bad-request"},
		"blocking the desk":           {"", "set", "<block xmlns='urn:xmpp:blocking'><item jid='" + c1 + "'/></block>", "not-allowed"},
		"setting a colleague's card":  {"ben@" + domain, "set", "<vCard xmlns='vcard-temp'/>", "service-unavailable"},
		"private XML of no namespace": {"", "set", "<query xmlns='jabber:iq:private'/>", "not-acceptable"},
		"a roster set of nobody":      {"", "set", "<query xmlns='jabber:iq:roster'><item jid='@'/></query>", "bad-request"},
		"a roster set of nothing":     {"", "set", "<query xmlns='jabber:iq:roster'/>", "bad-request"},
		"more than may be kept":       {"", "set", "<query xmlns='jabber:iq:private'><a xmlns='x'>" + strings.Repeat("x", desk.MaxAccountData) + "</a></query>", "not-acceptable"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ana.ask(tc.to, tc.kind, tc.payload); string(xmpp.ReadError(got)) != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	ana.write("someone@example.org", "hello")
	if el := ana.Skip(xmpp.NSClient, "message"); xmpp.ReadError(el) != xmpp.RemoteServerNotFound {
		t.Errorf("a message to another server: %s", el)
	}
	ana.Send("<presence to='reference@rooms." + domain + "/ana'/>")
	if el := ana.presence("reference@rooms." + domain); el.Attr("type") != "error" {
		t.Errorf("entering a room: %s", el)
	}
}

func TestWhatClientsStoreIsKept(t *testing.T) {
	h := newHouse(t, 2)
	ana := h.arrive("ana", 0)
	for _, payload := range []string{
		"<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'><conference name='x' jid='r@y'/></storage></query>",
		"<vCard xmlns='vcard-temp'><FN>Ana L.</FN></vCard>",
		"<query xmlns='jabber:iq:roster'><item jid='ben@" + domain + "' name='Benno'><group>Friends</group></item></query>",
		"<query xmlns='jabber:iq:roster'><item jid='zoe@example.org' name='Zoe'/></query>",
	} {
		if got := ana.ask("", "set", payload); got.Attr("type") != "result" {
			t.Errorf("%s: %s", payload, got)
		}
	}
	again := h.signIn("ana", 1)
	if got := again.ask("", "get", "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'/></query>"); !strings.Contains(got.String(), "name='x'") {
		t.Errorf("private XML: %s", got)
	}
	ben := h.signIn("ben", 1)
	if got := ben.ask("ana@"+domain, "get", "<vCard xmlns='vcard-temp'/>"); !strings.Contains(got.String(), "<FN>Ana L.</FN>") {
		t.Errorf("card: %s", got)
	}
	roster := again.ask("", "get", "<query xmlns='jabber:iq:roster'/>").Child(xmpp.NSRoster, "query")
	items := map[string]*element.Element{}
	for item := range roster.Elements() {
		items[item.Attr("jid")] = item
	}
	if b := items["ben@"+domain]; b.Attr("name") != "Benno" || b.ChildText(xmpp.NSRoster, "group") != "Friends" || b.Attr("subscription") != "both" {
		t.Errorf("ben: %s", b)
	}
	if z := items["zoe@example.org"]; z.Attr("subscription") != "none" {
		t.Errorf("zoe: %s", z)
	}
	if items[bot] == nil || items["lena@"+domain] == nil {
		t.Errorf("the list lacks the desk's own: %s", roster)
	}
	ana.Send("<iq type='set' id='rm'><query xmlns='jabber:iq:roster'><item jid='ben@" + domain + "' subscription='remove'/></query></iq>")
	for ana.pushed("ben@"+domain).Attr("name") != "Ben Okoro" { // the push of Benno may come first
	}
}

// A contact is asked for, or looked for, and is there at once; taking a chat off the list does not work and is explained.
func TestContactsAreTheDesks(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	ana.Send("<presence type='subscribe' to='" + c1 + "'/>")
	if el := ana.presence(c1); el.Attr("type") != "subscribed" {
		t.Errorf("got %s", el)
	}
	ana.Send("<presence type='probe' to='" + bot + "'/>")
	ana.presence(bot)
	ana.Send("<iq type='set' id='rm'><query xmlns='jabber:iq:roster'><item jid='" + c1 + "' subscription='remove'/></query></iq>")
	ana.heard(bot, "Chats stay on the list")
	ana.Send("<iq type='set' id='rm2'><query xmlns='jabber:iq:roster'><item jid='" + c1 + "' name='mine'/></query></iq>")
	if item := ana.pushed(c1); item.Attr("subscription") != "to" {
		t.Errorf("got %s", item)
	}
}

// What may be typed may be filled in too: the form asks, and the answer says what was done.
func TestCommandsAsForms(t *testing.T) {
	h := newHouse(t, 1)
	ana := h.arrive("ana", 0)
	p := h.patron("p1", "Hello?")
	ana.heard(bot, "1 Ida")
	const ns = "xmlns='http://jabber.org/protocol/commands'"
	if got := ana.ask(c1, "set", "<command "+ns+" node='claim' action='execute'/>").Child(xmpp.NSCommands, "command"); got.Attr("status") != "completed" {
		t.Fatalf("claim: %s", got)
	}
	ana.heard(c1, "Hello?")
	ana.write(c1, "Good morning.")
	begun := ana.ask(c1, "set", "<command "+ns+" node='close' action='execute'/>").Child(xmpp.NSCommands, "command")
	id := begun.Attr("sessionid")
	form := begun.Child(xmpp.NSForm, "x")
	if begun.Attr("status") != "executing" || form.Attr("type") != "form" {
		t.Fatalf("close: %s", begun)
	}
	var tags string
	for f := range form.Elements() {
		if f.Attr("type") == "list-multi" {
			tags = f.Attr("var")
		}
	}
	ben := h.arrive("ben", 0)
	stolen := ben.ask(c1, "set", "<command "+ns+" node='close' sessionid='"+id+"' action='complete'/>")
	if stolen.Attr("type") != "error" {
		t.Errorf("a form of somebody else's: %s", stolen)
	}
	done := ana.ask(c1, "set", "<command "+ns+" node='close' sessionid='"+id+"' action='complete'><x xmlns='jabber:x:data' type='submit'>"+
		"<field var='"+tags+"'><value>renewals</value></field></x></command>").Child(xmpp.NSCommands, "command")
	if done.Attr("status") != "completed" || done.Child(xmpp.NSCommands, "note").Attr("type") != "info" {
		t.Errorf("close: %s", done)
	}
	err := h.View(h.ctx, p, func(r desk.Reader) error {
		c, err := r.Chat(1)
		if err == nil && (c.State != desk.Closed || !slices.Equal(c.Tags, []string{"renewals"})) {
			t.Errorf("the chat is %s with %q", c.State, c.Tags)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	begun = ana.ask(domain, "set", "<command "+ns+" node='queue'/>").Child(xmpp.NSCommands, "command")
	if begun.Attr("status") != "completed" {
		t.Errorf("queue, at the domain: %s", begun)
	}
}
