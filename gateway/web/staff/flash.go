// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"
)

// flash is one sentence that the next page shows: what a form has done. It travels in a cookie, so that it doesn't matter
// which node answers the redirect. It is text and stays text.
type flash struct {
	Bad  bool
	Text string
}

const (
	flashCookie = "refdesk-flash"
	maxFlash    = 600 // bytes of text
)

// say has the next page show that something was done.
func (d *Door) say(w http.ResponseWriter, r *http.Request, text string) {
	d.setFlash(w, r, flash{Text: text})
}

// warn has the next page show that something was not done.
func (d *Door) warn(w http.ResponseWriter, r *http.Request, text string) {
	d.setFlash(w, r, flash{Bad: true, Text: text})
}

// done says that something was done and leads to the page that shows it.
func (d *Door) done(w http.ResponseWriter, r *http.Request, to, text string) error {
	d.say(w, r, text)
	redirect(w, r, to)
	return nil
}

func (d *Door) setFlash(w http.ResponseWriter, r *http.Request, f flash) {
	text := f.Text
	for len(text) > maxFlash {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	kind := "+"
	if f.Bad {
		kind = "-"
	}
	c := d.cookie(r, flashCookie)
	c.Value, c.MaxAge = base64.RawURLEncoding.EncodeToString([]byte(kind+text)), 60
	http.SetCookie(w, c)
}

// takeFlash reads the sentence and takes it away.
func (d *Door) takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	name := d.cookie(r, flashCookie).Name
	sent, err := r.Cookie(name)
	if err != nil {
		return nil
	}
	c := d.cookie(r, flashCookie)
	c.MaxAge = -1
	http.SetCookie(w, c)
	data, err := base64.RawURLEncoding.DecodeString(sent.Value)
	if err != nil || len(data) < 2 || len(data) > maxFlash+1 || !utf8.Valid(data) {
		return nil
	}
	return &flash{Bad: strings.HasPrefix(string(data), "-"), Text: string(data[1:])}
}
