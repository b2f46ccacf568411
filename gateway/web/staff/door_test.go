// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/desktest"
	"refdesk/gateway/account"
	"refdesk/gateway/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "seven quiet reading rooms"

// hashed is the hash of password, made once.
var hashed = sync.OnceValues(func() (string, error) { return account.HashWebPassword(password) })

// library is a desk with a staff door: the library of desktest with a trainee, a viewer and an admin beside.
type library struct {
	t      testing.TB
	store  *desktest.Store
	door   *Door
	frame  *web.Frame
	mails  []Notice
	jammed error    // what mailing fails with
	answer []string // what was answered as a patron: "ID text"
}

// people of the library by role.
func cast() map[desk.Role]string {
	return map[desk.Role]string{
		desk.RoleViewer: "vera", desk.RoleTrainee: "tia", desk.RoleOperator: "ana", desk.RoleLead: "lena", desk.RoleAdmin: "rosa",
	}
}

func newLibrary(t testing.TB, edit ...func(*Config, *Deps)) *library {
	t.Helper()
	l := &library{t: t, store: desktest.NewStore()}
	if err := l.store.Library(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []desk.Staff{
		{Account: "tia", Name: "Tia Moss", PublicName: "Tia", Role: desk.RoleTrainee, Departments: []string{"reference"}},
		{Account: "vera", Name: "Vera Kay", PublicName: "Vera", Role: desk.RoleViewer, Departments: []string{"reference"}},
		{Account: "rosa", Name: "Rosa Diaz", PublicName: "Rosa", Role: desk.RoleAdmin, Email: "rosa@library.example"},
	} {
		l.admin(&desk.SetStaff{Staff: p, New: true})
	}
	phc, err := hashed()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range cast() {
		l.admin(&desk.SetWebPassword{Account: a, PHC: phc})
	}
	l.frame, err = web.New(web.Config{
		PatronHosts: []string{"desk.example"}, StaffHosts: []string{"staff.desk.example", "staff.localhost"},
		Nodes: []string{"https://desk.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := account.New(account.Config{Domain: "desk.example", Secret: []byte("0123456789abcdef")}, devices{l.store})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Node: "n0", URL: "https://staff.desk.example", Zone: time.UTC, Now: func() time.Time { return l.store.Now().Std() },
		Connect: Connect{Domain: "desk.example", Bot: "desk@chat.desk.example", Host: "xmpp.desk.example", Port: 5222, TLS: 5223},
	}
	deps := Deps{Frame: l.frame, Store: l.store, Accounts: accounts, Mailer: (*postbox)(l), Replier: (*postbox)(l)}
	for _, f := range edit {
		f(&cfg, &deps)
	}
	if l.door, err = New(cfg, deps); err != nil {
		t.Fatal(err)
	}
	return l
}

// devices are the desk's device passwords for the sign-in of XMPP.
type devices struct{ store desk.Store }

func (d devices) Devices(ctx context.Context, account string) (found []*desk.Device, ok bool, err error) {
	err = d.store.View(ctx, desk.NodeActor("n0"), func(rd desk.Reader) error {
		found, err = rd.Devices(account)
		return err
	})
	return found, len(found) > 0, err
}

// postbox keeps what the door mails.
type postbox library

func (p *postbox) Notify(_ context.Context, n Notice) error {
	if p.jammed == nil {
		p.mails = append(p.mails, n)
	}
	return p.jammed
}

func (p *postbox) Reply(_ context.Context, mail uint64, text string) error {
	p.answer = append(p.answer, decimal(mail)+" "+text)
	return nil
}

// admin does a command as the administrator.
func (l *library) admin(c desk.Command) {
	l.t.Helper()
	if err := l.store.Admin(c); err != nil {
		l.t.Fatalf("%s: %v", c.CommandName(), err)
	}
}

// do does a command as a member of staff or, with "", as the node.
func (l *library) do(account string, c desk.Command) desk.Reply {
	l.t.Helper()
	actor := desk.NodeActor("n0")
	if account != "" {
		actor = desk.StaffActor(account, desktest.SessionID(account))
	}
	r, err := l.store.Do(context.Background(), desk.Request{Actor: actor, Command: c})
	if err != nil {
		l.t.Fatalf("%s by %s: %v", c.CommandName(), account, err)
	}
	return r
}

// read looks at the desk as the node does.
func (l *library) read(f func(desk.Reader) error) {
	l.t.Helper()
	if err := l.store.View(context.Background(), desk.NodeActor("n0"), f); err != nil {
		l.t.Fatal(err)
	}
}

// visitor is a browser with its cookies.
type visitor struct {
	l       *library
	base    string // "https://staff.desk.example"
	remote  string // "192.0.2.7:1234"
	accept  string
	cookies map[string]*http.Cookie
}

// visit is a browser in which nobody is signed in.
func (l *library) visit() *visitor {
	return &visitor{l: l, base: "https://staff.desk.example", remote: "192.0.2.7:1234", accept: "text/html,*/*", cookies: map[string]*http.Cookie{}}
}

// as is a browser in which somebody is signed in, without the page for it.
func (l *library) as(account string) *visitor {
	l.t.Helper()
	v := l.visit()
	token, hash := newToken()
	l.do("", &desk.OpenWebSession{Hash: hash, Account: account})
	v.cookies["__Host-refdesk"] = &http.Cookie{Name: "__Host-refdesk", Value: token}
	return v
}

// page is what a request got.
type page struct {
	status int
	header http.Header
	body   string
}

func (p page) location() string { return p.header.Get("Location") }

// get asks for a page.
func (v *visitor) get(path string) page {
	return v.send(httptest.NewRequest(http.MethodGet, v.base+path, nil))
}

// post sends a form: pairs of name and value.
func (v *visitor) post(path string, pairs ...string) page {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, v.base+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.send(r)
}

// follow sends a form and looks at the page that it leads to.
func (v *visitor) follow(path string, pairs ...string) page {
	v.l.t.Helper()
	p := v.post(path, pairs...)
	if p.status != http.StatusSeeOther {
		v.l.t.Fatalf("POST %s: %d\n%s", path, p.status, p.text())
	}
	return v.get(p.location())
}

func (v *visitor) send(r *http.Request) page {
	r.RemoteAddr = v.remote
	r.Header.Set("Accept", v.accept)
	for _, c := range v.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	v.l.frame.Handler().ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c
		}
	}
	return page{resp.StatusCode, resp.Header, w.Body.String()}
}

// text is what a person reads on a page: words of a body, blanks folded.
func (p page) text() string {
	var b strings.Builder
	skip := 0
	z := html.NewTokenizer(strings.NewReader(p.body))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				return z.Err().Error()
			}
			return strings.Join(strings.Fields(b.String()), " ")
		case html.StartTagToken:
			if n, _ := z.TagName(); string(n) == "head" || string(n) == "script" {
				skip++
			}
		case html.EndTagToken:
			if n, _ := z.TagName(); string(n) == "head" || string(n) == "script" {
				skip--
			}
			b.WriteByte(' ')
		case html.TextToken:
			if skip == 0 {
				b.Write(z.Text())
				b.WriteByte(' ')
			}
		}
	}
}

// says fails the test unless the page has the status and all of the words.
func (p page) says(t testing.TB, status int, words ...string) {
	t.Helper()
	if p.status != status {
		t.Errorf("status %d, want %d: %s", p.status, status, p.text())
	}
	text := html.UnescapeString(p.text())
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the page does not say %q:\n%s", w, text)
		}
	}
}

// value is the value of the form's field with a name, "" if there is none.
func (p page) value(name string) string {
	for z := html.NewTokenizer(strings.NewReader(p.body)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			attr := map[string]string{}
			for _, a := range t.Attr {
				attr[a.Key] = a.Val
			}
			if t.Data == "input" && attr["name"] == name {
				return attr["value"]
			}
		}
	}
}
