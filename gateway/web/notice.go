// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"net/http"

	"refdesk/gateway/web/ui"
)

// notHereYet says politely that a part of the desk comes with a later release.
func (f *Frame) notHereYet(what string) http.HandlerFunc {
	detail := "The staff pages are not here yet. Staff answer chats from their XMPP client."
	if what == "files" {
		detail = "Sending files is not here yet."
	}
	return func(w http.ResponseWriter, r *http.Request) {
		f.WriteProblem(w, r, NewProblem(http.StatusNotImplemented, CodeNotHereYet, detail))
	}
}

// noRoute is the answer to everything that nothing was mounted for.
func (f *Frame) noRoute(w http.ResponseWriter, r *http.Request) {
	f.WriteProblem(w, r, NewProblem(http.StatusNotFound, CodeNotFound, "There is nothing at this address."))
}

// notice shows a problem to a person.
func (f *Frame) notice(w http.ResponseWriter, r *http.Request, p *Problem) {
	locale := f.pages.Locale(r.Header.Get("Accept-Language"))
	var buf bytes.Buffer
	if err := f.pages.Notice(&buf, ui.Notice{Locale: locale, Code: p.Code, Detail: p.Detail}); err != nil {
		f.log.ErrorContext(r.Context(), "notice page not rendered", "err", err)
		http.Error(w, p.Title, p.Status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(p.Status)
	// The browser may be gone; there is nobody to tell.
	_, _ = w.Write(buf.Bytes())
}
