// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"refdesk/gateway/xmpp/xmpptest"
)

// manyScripts has what programs tend to change on the way: an umlaut, an emoji of several code points, text that runs
// from the right, markup and an entity.
const manyScripts = `Grüße 👩‍🏫👋 مرحبا <b>&amp;</b> "q" \n 'x' {{.}}`

// staffer is a member of staff on a real client.
type staffer interface {
	// Say sends one message to a bare JID.
	Say(jid, text string)
	// heard waits for a message from a bare JID that contains part and returns its text, or what the client shows of it.
	heard(jid, part string) string
}

type onProfanity struct{ *xmpptest.Profanity }

func (p onProfanity) heard(jid, part string) string { return p.WaitMessage(jid, part) }

type onSlixmpp struct{ *xmpptest.Slixmpp }

func (s onSlixmpp) heard(jid, part string) string { return s.WaitMessage(jid, part).Text }

func (r *running) login(account string, node int) xmpptest.Login {
	r.t.Helper()
	return r.desk.login(r.t, account, node)
}

func (d desk) login(t testing.TB, account string, node int) xmpptest.Login {
	t.Helper()
	o := d.operator(t, account)
	return xmpptest.Login{JID: o.JID, Password: o.Password, Addr: d.Nodes[node%len(d.Nodes)].XMPP, CA: d.CA}
}

func TestSpineOnOneNode(t *testing.T)    { spine(t, 1) }
func TestSpineOnThreeNodes(t *testing.T) { spine(t, 3) }

var ringNumber = regexp.MustCompile(`(?m)(?:^|: )(\d+) .*Reference`)

// spine is the whole way: a patron in Chromium asks; staff on Profanity, slixmpp, mcabber and go-sendxmpp are rung; two
// of them want the chat and one gets it; lines go both ways byte for byte; it is tagged and closed. With three nodes the
// patron, and each of the clients' users, are on different ones.
func spine(t *testing.T, nodes int) {
	r := start(t, nodes, "--staff", "1")
	bot := "desk@" + r.ChatDomain
	ana := onProfanity{xmpptest.StartProfanity(t, r.login("ana", 0))}
	ben := onSlixmpp{xmpptest.StartSlixmpp(t, r.login("ben", 1))}
	lena := xmpptest.StartMcabber(t, r.login("lena", 1))
	op1 := xmpptest.StartListener(t, r.login("op1", 2))

	page := startBrowser(t, r.Nodes[len(r.Nodes)-1].HTTP)
	page.openWidget()
	page.ask("How do I renew a book? " + manyScripts)

	number := numberIn(t, ben.heard(bot, "Reference"))
	ana.heard(bot, number+" ")
	lena.WaitMessage(bot, number+" ")
	op1.WaitMessage(number + " ")

	winner, loser, name := race(t, page, number, bot, ana, ben)
	chat := "c" + number + "@" + r.ChatDomain
	winner.heard(chat, manyScripts)

	page.say("It is due today. " + manyScripts)
	winner.heard(chat, "It is due today. "+manyScripts)
	winner.Say(chat, "I renewed it. "+manyScripts)
	page.waitLine("I renewed it. " + manyScripts)

	page.reload()
	page.phase("talking")
	page.waitLine("I renewed it. " + manyScripts)

	loser.Say(chat, "not mine")
	loser.heard(chat, "Not sent")
	winner.Say(chat, "!tag renewals")
	winner.heard(chat, "renewals")
	winner.Say(chat, "!faq how many books can I borow")
	winner.heard(chat, "How many books can I borrow?")
	winner.Say(chat, "!close")
	page.phase("closed")
	winner.Say(bot, "find due today tag:renewals")
	winner.heard(bot, "It is due today.")

	staffLines := 0
	for _, l := range page.lines() {
		if strings.Contains(l, "!") && strings.HasPrefix(l, "staff: ") || strings.Contains(l, "not mine") {
			t.Errorf("the patron reads %q", l)
		}
		if strings.HasPrefix(l, "staff: ") {
			staffLines++
		}
	}
	if staffLines != 1 {
		t.Errorf("the patron of %s has %d lines of staff: %q", name, staffLines, page.lines())
	}
}

// race lets both claim at once, and finds out from the patron's page who got it.
func race(t *testing.T, page *browser, number, bot string, ana, ben staffer) (winner, loser staffer, name string) {
	t.Helper()
	ana.Say(bot, number)
	ben.Say(bot, number)
	page.phase("talking")
	status := page.try(`$("status").textContent`)
	switch {
	case strings.Contains(status, "Ana"):
		winner, loser, name = ana, ben, "Ana"
	case strings.Contains(status, "Ben"):
		winner, loser, name = ben, ana, "Ben"
	default:
		t.Fatalf("the page does not say who answers: %q", status)
	}
	t.Logf("%s won", name)
	loser.heard(bot, name+" took")
	return winner, loser, name
}

// A desk has to be there soon: people try it once.
func TestReadySoon(t *testing.T) {
	binary(t) // building is not part of it
	for _, nodes := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d nodes", nodes), func(t *testing.T) {
			r := start(t, nodes)
			t.Logf("ready after %s", r.took)
			if r.took > 5*time.Second {
				t.Errorf("ready after %s; 5 s are promised", r.took)
			}
			for i := range r.Nodes {
				r.ready(i)
			}
		})
	}
}
