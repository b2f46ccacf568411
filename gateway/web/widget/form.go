// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"refdesk/gateway/web"
)

// Forms that work without scripts carry two hidden values: an id, which makes a second press harmless, and the signed time
// at which the form was given out, which keeps off what fills in forms without reading them. A form that was signed by
// another node, or before a restart, counts as stale: it is shown again with what was written, and a press more sends it.
const (
	formLife  = 12 * time.Hour // less than the desk remembers keys
	formHaste = 2 * time.Second
)

// forms gives out and checks forms.
type forms struct {
	key []byte
	now func() time.Time
}

func newForms(key []byte, now func() time.Time) forms {
	if len(key) == 0 {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails
	}
	return forms{key: key, now: now}
}

// issue makes the hidden values of a form for a purpose, such as "ask reference".
func (f forms) issue(purpose string) (id, stamp string) {
	return f.issueAt(purpose, strconv.FormatInt(f.now().Unix(), 36))
}

func (f forms) issueAt(purpose, at string) (id, stamp string) {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	id = base64.RawURLEncoding.EncodeToString(raw)
	return id, at + "." + f.sign(purpose, id, at)
}

// renew gives a form that was refused another id, and leaves it its time: the desk remembers refusals, too.
func (f forms) renew(purpose, stamp string) (id, renewed string) {
	at, _, _ := strings.Cut(stamp, ".")
	return f.issueAt(purpose, at)
}

func (f forms) sign(purpose, id, at string) string {
	m := hmac.New(sha256.New, f.key)
	m.Write([]byte(purpose + "\x00" + id + "\x00" + at))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:18])
}

// fresh reports whether a form came from here, for this purpose, not too long ago and not at once.
func (f forms) fresh(purpose, id, stamp string) (ok, hasty bool) {
	at, mac, _ := strings.Cut(stamp, ".")
	if len(id) > 64 || len(at) > 16 || !hmac.Equal([]byte(mac), []byte(f.sign(purpose, id, at))) {
		return false, false
	}
	sec, err := strconv.ParseInt(at, 36, 64)
	if err != nil {
		return false, false
	}
	age := f.now().Sub(time.Unix(sec, 0))
	// A stamp has whole seconds, so the youngest is up to one older than it looks.
	return age > -formHaste && age < formLife, age < formHaste
}

// readForm reads the fields of a form that a browser sent by itself.
func readForm(r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return web.NewProblem(http.StatusForbidden, web.CodeOrigin, "The form was sent from another site.")
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return web.NewProblem(http.StatusUnsupportedMediaType, web.CodeMediaType, "The form has to be application/x-www-form-urlencoded.")
	}
	if err := r.ParseForm(); err != nil {
		return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "The form did not arrive whole.")
	}
	for name, values := range r.PostForm {
		for _, v := range values {
			if !utf8.ValidString(name) || !utf8.ValidString(v) {
				return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "The form is not valid UTF-8.")
			}
		}
	}
	return nil
}
