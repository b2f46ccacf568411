// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"
	"strings"
	"testing"

	"refdesk/cluster/desk"
)

// rights says once more, apart from the table that the door is made of, whose each page is. A page that is missing here
// or there fails the test.
func rights() map[string]desk.Role {
	return map[string]desk.Role{
		"GET /sign-in": Anybody, "POST /sign-in": Anybody, "POST /sign-out": Anybody, "GET /forgot": Anybody, "POST /forgot": Anybody,
		"GET /link/{token}": Anybody, "POST /link/{token}": Anybody,

		"GET /{$}": desk.RoleViewer, "GET /welcome": desk.RoleViewer, "GET /devices": desk.RoleViewer, "POST /devices": desk.RoleViewer,
		"POST /devices/revoke": desk.RoleViewer, "POST /password": desk.RoleViewer, "POST /sessions/end": desk.RoleViewer,
		"GET /figures": desk.RoleViewer, "GET /faqs": desk.RoleViewer, "GET /faqs/{slug}": desk.RoleViewer,

		"GET /replies": desk.RoleTrainee, "POST /replies": desk.RoleTrainee, "POST /replies/delete": desk.RoleTrainee,
		"GET /board": desk.RoleTrainee, "GET /board/socket": desk.RoleTrainee, "GET /board/alive": desk.RoleTrainee,
		"GET /chats/{chat}": desk.RoleTrainee, "POST /chats/{chat}/say": desk.RoleTrainee,
		"GET /chats/{chat}/do/{command}": desk.RoleTrainee, "POST /chats/{chat}/do/{command}": desk.RoleTrainee,

		"GET /outbox": desk.RoleOperator, "GET /outbox/{mail}": desk.RoleOperator, "POST /outbox/{mail}/reply": desk.RoleOperator,
		"GET /search": desk.RoleOperator, "GET /missed": desk.RoleOperator, "POST /missed/{chat}/claim": desk.RoleOperator,
		"POST /missed/{chat}/ticket": desk.RoleOperator, "POST /missed/{chat}/dismiss": desk.RoleOperator,
		"GET /tickets": desk.RoleOperator, "GET /tickets/new": desk.RoleOperator, "POST /tickets/new": desk.RoleOperator,
		"GET /tickets/{ticket}": desk.RoleOperator, "POST /tickets/{ticket}/reply": desk.RoleOperator,
		"POST /tickets/{ticket}/note": desk.RoleOperator, "POST /tickets/{ticket}/assign": desk.RoleOperator,
		"POST /tickets/{ticket}/state": desk.RoleOperator, "POST /tickets/{ticket}/tags": desk.RoleOperator,
		"POST /tickets/{ticket}/subject": desk.RoleOperator, "POST /tickets/{ticket}/requester": desk.RoleOperator,
		"POST /tickets/{ticket}/merge": desk.RoleOperator, "POST /tickets/{ticket}/draft": desk.RoleOperator,
		"POST /tickets/{ticket}/entries/{entry}/{what}": desk.RoleOperator,
		"GET /tickets/{ticket}/entries/{entry}/mail":    desk.RoleOperator, "GET /tickets/{ticket}/entries/{entry}/files/{file}": desk.RoleOperator,
		"POST /missed/dismiss": desk.RoleOperator, "POST /tickets/close": desk.RoleOperator, "POST /tickets/restore": desk.RoleOperator,

		"GET /faqs/new": desk.RoleLead, "POST /faqs/new": desk.RoleLead, "POST /faqs/preview": desk.RoleLead,
		"POST /faqs/{slug}": desk.RoleLead, "POST /faqs/{slug}/delete": desk.RoleLead,
		"GET /departments": desk.RoleLead, "GET /departments/{id}": desk.RoleLead,

		"POST /departments": desk.RoleAdmin, "POST /departments/clock": desk.RoleAdmin, "POST /departments/{id}": desk.RoleAdmin,
		"GET /people": desk.RoleAdmin, "POST /people": desk.RoleAdmin, "GET /people/{account}": desk.RoleAdmin,
		"POST /people/{account}": desk.RoleAdmin, "POST /people/{account}/invite": desk.RoleAdmin, "POST /people/{account}/disable": desk.RoleAdmin,
		"GET /nodes": desk.RoleAdmin, "GET /setup": desk.RoleAdmin,
	}
}

// address fills the places of a pattern with things that are there, where that is possible.
func address(pattern string) string {
	return strings.NewReplacer(
		"{$}", "", "{token}", strings.Repeat("A", 43), "{slug}", "borrow", "{mail}", "1", "{id}", "reference", "{account}", "ben",
		"{chat}", "1", "{ticket}", "1", "{entry}", "1", "{file}", "1", "{what}", "resend", "{command}", "note",
	).Replace(pattern)
}

// TestEachRouteForEachRole asks for every page as everybody: below its role it is a 403 or the way to sign in, and
// nothing happens; from its role on it answers.
func TestEachRouteForEachRole(t *testing.T) {
	probe := newLibrary(t)
	want := rights()
	for _, rt := range probe.door.routes() {
		name := rt.Method + " " + rt.Pattern
		least, ok := want[name]
		if !ok {
			t.Errorf("%s is not in the test's table", name)
			continue
		}
		delete(want, name)
		for role, account := range cast() {
			t.Run(name+" as "+role.String(), func(t *testing.T) { tryRoute(t, rt, least, role, account) })
		}
		t.Run(name+" signed out", func(t *testing.T) { tryRoute(t, rt, least, Anybody, "") })
	}
	if len(probe.door.workRoutes()) == 0 {
		t.Skip("the pages of a shift are not there")
	}
	for name := range want {
		t.Errorf("%s is not a page", name)
	}
}

func tryRoute(t *testing.T, rt Route, least, role desk.Role, account string) {
	l := newLibrary(t)
	l.do("lena", &desk.SetFAQ{FAQ: desk.FAQ{Slug: "borrow", Question: "How long?", Answer: "Four weeks.", State: desk.FAQPublished}})
	v := l.visit()
	if account != "" {
		v = l.as(account)
	}
	before, err := l.store.Digest()
	if err != nil {
		t.Fatal(err)
	}
	var p page
	if rt.Method == http.MethodGet {
		p = v.get(address(rt.Pattern))
	} else {
		p = v.post(address(rt.Pattern), "name", "x", "text", "x", "question", "x?", "answer", "x", "account", "new", "role", "admin", "state", "closed")
	}
	after, err := l.store.Digest()
	if err != nil {
		t.Fatal(err)
	}
	signIn := p.status == http.StatusSeeOther && strings.HasPrefix(p.location(), "/sign-in")
	switch {
	case role >= least:
		if own := rt.Pattern == "/sign-out"; p.status == http.StatusForbidden || p.status >= http.StatusInternalServerError || signIn != own {
			t.Errorf("refused: %d %s %s", p.status, p.location(), p.text())
		}
		return
	case account == "" && !signIn:
		t.Errorf("signed out: %d %s", p.status, p.text())
	case account != "":
		p.says(t, http.StatusForbidden, "Your role does not allow this")
	}
	if string(before) != string(after) {
		t.Error("something has changed")
	}
}

func TestNothingElseIsThere(t *testing.T) {
	l := newLibrary(t)
	for _, path := range []string{"/nothing", "/people/", "/people/nobody", "/faqs/none", "/outbox/x", "/outbox/99", "/departments/none", "/link/", "/../etc/passwd", "/api/v1/departments"} {
		p := l.as("rosa").get(path)
		if p.status != http.StatusNotFound && p.status != http.StatusTemporaryRedirect && p.status != http.StatusMovedPermanently {
			t.Errorf("%s: %d", path, p.status)
		}
	}
	l.visit().get("/nothing").says(t, http.StatusNotFound, "There is no page at this address", "Sign in")
}
