// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// Handler answers one route. Its error becomes a page with a sentence, or a problem for a program that asked for JSON.
// On routes for anybody, who is nil when nobody is signed in.
type Handler func(w http.ResponseWriter, r *http.Request, who *Who) error

// Anybody is the least role of pages that need no sign-in.
const Anybody desk.Role = 0

// Route is one line of the table of pages.
type Route struct {
	Method  string // GET or POST
	Pattern string // http.ServeMux's, without the method
	Least   desk.Role
	Handle  Handler
}

// routes is the table of all pages. A test walks it with every role.
func (d *Door) routes() []Route {
	return slices.Concat(d.signRoutes(), d.accountRoutes(), d.deskRoutes(), d.workRoutes())
}

func (d *Door) signRoutes() []Route {
	return []Route{
		{http.MethodGet, "/{$}", desk.RoleViewer, d.home},
		{http.MethodGet, "/sign-in", Anybody, d.signInPage},
		{http.MethodPost, "/sign-in", Anybody, d.signIn},
		{http.MethodPost, "/sign-out", Anybody, d.signOut},
		{http.MethodGet, "/forgot", Anybody, d.forgotPage},
		{http.MethodPost, "/forgot", Anybody, d.forgotten},
		{http.MethodGet, "/link/{token}", Anybody, d.linkPage},
		{http.MethodPost, "/link/{token}", Anybody, d.useLink},
		{http.MethodGet, "/welcome", desk.RoleViewer, d.welcome},
	}
}

func (d *Door) accountRoutes() []Route {
	return []Route{
		{http.MethodGet, "/devices", desk.RoleViewer, d.devicesPage},
		{http.MethodPost, "/devices", desk.RoleViewer, d.addDevice},
		{http.MethodPost, "/devices/revoke", desk.RoleViewer, d.revokeDevice},
		{http.MethodPost, "/password", desk.RoleViewer, d.changePassword},
		{http.MethodPost, "/sessions/end", desk.RoleViewer, d.endSession},
		{http.MethodGet, "/replies", desk.RoleTrainee, d.cannedPage},
		{http.MethodPost, "/replies", desk.RoleTrainee, d.setCanned},
		{http.MethodPost, "/replies/delete", desk.RoleTrainee, d.deleteCanned},
	}
}

func (d *Door) deskRoutes() []Route {
	return []Route{
		{http.MethodGet, "/figures", desk.RoleViewer, d.figuresPage},
		{http.MethodGet, "/faqs", desk.RoleViewer, d.faqsPage},
		{http.MethodGet, "/faqs/new", desk.RoleLead, d.newFAQPage},
		{http.MethodPost, "/faqs/new", desk.RoleLead, d.newFAQ},
		{http.MethodPost, "/faqs/preview", desk.RoleLead, d.previewFAQ},
		{http.MethodGet, "/faqs/{slug}", desk.RoleViewer, d.faqPage},
		{http.MethodPost, "/faqs/{slug}", desk.RoleLead, d.setFAQ},
		{http.MethodPost, "/faqs/{slug}/delete", desk.RoleLead, d.deleteFAQ},
		{http.MethodGet, "/outbox", desk.RoleOperator, d.outboxPage},
		{http.MethodGet, "/outbox/{mail}", desk.RoleOperator, d.mailPage},
		{http.MethodPost, "/outbox/{mail}/reply", desk.RoleOperator, d.replyAsPatron},
		{http.MethodGet, "/departments", desk.RoleLead, d.departmentsPage},
		{http.MethodPost, "/departments", desk.RoleAdmin, d.newDepartment},
		{http.MethodPost, "/departments/clock", desk.RoleAdmin, d.setClaimDeadline},
		{http.MethodGet, "/departments/{id}", desk.RoleLead, d.departmentPage},
		{http.MethodPost, "/departments/{id}", desk.RoleAdmin, d.setDepartment},
		{http.MethodGet, "/people", desk.RoleAdmin, d.peoplePage},
		{http.MethodPost, "/people", desk.RoleAdmin, d.addPerson},
		{http.MethodGet, "/people/{account}", desk.RoleAdmin, d.personPage},
		{http.MethodPost, "/people/{account}", desk.RoleAdmin, d.setPerson},
		{http.MethodPost, "/people/{account}/invite", desk.RoleAdmin, d.invite},
		{http.MethodPost, "/people/{account}/disable", desk.RoleAdmin, d.disable},
		{http.MethodGet, "/nodes", desk.RoleAdmin, d.nodesPage},
		{http.MethodGet, "/setup", desk.RoleAdmin, d.setupPage},
	}
}

// mount puts the pages on the frame's staff host.
func (d *Door) mount() {
	mux := d.frame.Staff()
	for _, rt := range d.routes() {
		mux.Handle(rt.Method+" "+rt.Pattern, d.cross.Handler(d.guard(rt)))
	}
	mux.Handle("/", d.cross.Handler(d.guard(Route{Least: Anybody, Handle: d.nothing})))
}

// guard lets a route's handler be reached by those who have its least role, and answers its errors.
func (d *Door) guard(rt Route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "same-origin")
		who, err := d.signedIn(r)
		switch {
		case err != nil:
		case r.Method == http.MethodPost && !d.frame.Encrypted(r) && !d.plainLoopback(r):
			err = web.NewProblem(http.StatusForbidden, web.CodeForbidden,
				"This connection is not encrypted, so nothing can be taken here. Please open the page with https.")
		case rt.Least == Anybody || who != nil && who.Role >= rt.Least:
			err = rt.Handle(w, r, who)
		case who != nil:
			err = &desk.Error{Code: desk.NotAllowed}
		case wantsPage(r):
			redirect(w, r, signInURL(r))
			return
		default:
			err = web.NewProblem(http.StatusUnauthorized, web.CodeUnauthorized, "Nobody is signed in.")
		}
		if err != nil {
			d.fail(w, r, who, err)
		}
	}
}

// home is GET /: where a shift begins.
func (d *Door) home(w http.ResponseWriter, r *http.Request, who *Who) error {
	if who.Role < desk.RoleTrainee {
		redirect(w, r, "/figures")
	} else {
		redirect(w, r, "/board")
	}
	return nil
}

// nothing is the answer to every address that no page has.
func (d *Door) nothing(http.ResponseWriter, *http.Request, *Who) error {
	return web.NewProblem(http.StatusNotFound, web.CodeNotFound, "There is no page at this address.")
}

// crossOrigin refuses a form that a page elsewhere sends.
func (d *Door) crossOrigin(w http.ResponseWriter, r *http.Request) {
	d.fail(w, r, nil, web.NewProblem(http.StatusForbidden, web.CodeOrigin,
		"This form was sent by a page of another site. Nothing was changed."))
}

// redirect sends the browser to look at what a form changed.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// signInURL is the sign-in page that leads back to where somebody wanted to go.
func signInURL(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == "/" {
		return "/sign-in"
	}
	return "/sign-in?next=" + url.QueryEscape(r.URL.RequestURI())
}

// ownPath keeps a wish where to go after signing in only if it is a path of these pages.
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || len(next) > 500 {
		return "/"
	}
	return next
}

// wantsPage tells a person's browser from a script that asks for JSON.
func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// fail answers an error. What the reader may not know goes to the log.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, who *Who, err error) {
	p := problem(err)
	if p.Code == web.CodeInternal && !errors.Is(err, r.Context().Err()) {
		d.log.ErrorContext(r.Context(), "staff page failed", "route", r.Pattern, "err", err)
	}
	if !wantsPage(r) {
		d.frame.WriteProblem(w, r, p)
		return
	}
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	d.trouble(w, r, who, p)
}
