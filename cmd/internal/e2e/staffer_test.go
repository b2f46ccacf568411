// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
	"refdesk/gateway/xmpp/xmpptest"
)

// writer is a member of staff on a client with stream management, who answers one chat line by line. A line counts when
// the server has acknowledged its stanza. After a broken connection the client signs in elsewhere, asks how far it got, and
// sends the rest again: what XEP-0198 §5 lets a client do.
type writer struct {
	addrs []string
	at    int
	login xmpptest.Login
	roots *x509.CertPool
	chat  string // its address
	dial  func(ctx context.Context, addr string) (net.Conn, error)

	patient time.Duration // with one line

	conn    *tls.Conn
	rd      *element.Reader
	session string // stream-management id
	sent    uint32 // stanzas since <enable/>
	got     uint32
	pending []string // stanzas that are not acknowledged
	acked   []string // texts that are
}

func newWriter(t testing.TB, d desk, account, chat string, at int) *writer {
	t.Helper()
	w := &writer{
		login: d.login(t, account, at), at: at % len(d.Nodes), chat: "c" + chat + "@" + d.ChatDomain, roots: x509.NewCertPool(), patient: patience,
		dial: func(ctx context.Context, addr string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
	}
	pem, err := os.ReadFile(d.CA)
	if err != nil || !w.roots.AppendCertsFromPEM(pem) {
		t.Fatalf("read %s: %v", d.CA, err)
	}
	for _, n := range d.Nodes {
		w.addrs = append(w.addrs, n.XMPPS)
	}
	t.Cleanup(w.close)
	return w
}

func (w *writer) close() {
	if w.conn != nil {
		w.conn.Close()
	}
}

// write answers the chat until ctx ends. A line that was begun is seen through.
func (w *writer) write(ctx context.Context, bot string) error {
	patience := context.WithoutCancel(ctx)
	if err := w.post(patience, bot, strings.TrimPrefix(strings.Split(w.chat, "@")[0], "c")); err != nil {
		return err
	}
	w.acked = nil
	pause := time.NewTicker(lineEvery)
	defer pause.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		if err := w.post(patience, w.chat, "answer "+strconv.Itoa(n)+" of "+w.login.JID+" – é 👋 مرحبا <b>&amp;"); err != nil {
			return err
		}
	}
}

// post sends one message and waits for its ack, on whatever node.
func (w *writer) post(ctx context.Context, to, text string) error {
	ctx, cancel := context.WithTimeout(ctx, w.patient)
	defer cancel()
	line := xmpptest.Message(to, "w"+strconv.Itoa(len(w.acked))+w.login.JID, text)
	if w.conn != nil {
		w.send(line)
	} else {
		w.pending = append(w.pending, line)
	}
	for {
		err := w.settled()
		if err == nil {
			w.acked = append(w.acked, text)
			return nil
		}
		w.close()
		w.conn = nil
		for w.conn == nil {
			if ctx.Err() != nil {
				return fmt.Errorf("%s: no ack for %q: %w", w.login.JID, text, err)
			}
			w.at = (w.at + 1) % len(w.addrs)
			if err = w.connect(); err != nil {
				time.Sleep(50 * time.Millisecond) // a node that is being killed has nothing to wait for
			}
		}
	}
}

func (w *writer) send(stanza string) {
	w.pending = append(w.pending, stanza)
	w.sent++
	_, _ = w.conn.Write([]byte(stanza + "<r xmlns='urn:xmpp:sm:3'/>")) // a broken connection shows when it is read
}

// settled reads until every stanza is acknowledged.
func (w *writer) settled() error {
	if w.conn == nil {
		return errors.New("not connected")
	}
	for len(w.pending) > 0 {
		el, err := w.next()
		if err != nil {
			return err
		}
		if el.Is(xmpp.NSSM, "a") {
			h, err := strconv.ParseUint(el.Attr("h"), 10, 32)
			if err != nil {
				return err
			}
			w.pending = w.pending[len(w.pending)-int(w.sent-uint32(h)):]
		}
	}
	return nil
}

// next reads one element and acknowledges what the server asks for.
func (w *writer) next() (*element.Element, error) {
	_ = w.conn.SetDeadline(time.Now().Add(5 * time.Second))
	el, err := w.rd.Next()
	if err != nil {
		return nil, err
	}
	switch {
	case el.Is(xmpp.NSStream, "error"):
		return nil, errors.New(el.String())
	case el.Is(xmpp.NSSM, "r"):
		_, err = fmt.Fprintf(w.conn, "<a xmlns='urn:xmpp:sm:3' h='%d'/>", w.got)
	case xmpp.IsStanza(el):
		w.got++
	}
	return el, err
}

// connect signs in, asks how far the last session got, and sends what is left again.
func (w *writer) connect() (err error) {
	domain := w.login.JID[strings.IndexByte(w.login.JID, '@')+1:]
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	raw, err := w.dial(ctx, w.addrs[w.at])
	if err != nil {
		return err
	}
	conn := tls.Client(raw, &tls.Config{ServerName: domain, RootCAs: w.roots})
	w.conn, w.rd = conn, element.NewReader(conn, element.Limits{Bytes: 8 << 20})
	defer func() {
		if err != nil {
			w.close()
			w.conn = nil
		}
	}()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if err := w.open(domain); err != nil {
		return err
	}
	account, _, _ := strings.Cut(w.login.JID, "@")
	sasl := base64.StdEncoding.EncodeToString([]byte("\x00" + account + "\x00" + w.login.Password))
	if _, err := w.exchange("<auth xmlns='"+xmpp.NSSASL+"' mechanism='PLAIN'>"+sasl+"</auth>", "success"); err != nil {
		return err
	}
	w.rd.Restart()
	if err := w.open(domain); err != nil {
		return err
	}
	if err := w.resume(); err != nil {
		return err
	}
	if _, err := w.exchange("<iq type='set' id='bind'><bind xmlns='"+xmpp.NSBind+"'><resource>pc</resource></bind></iq>", "iq"); err != nil {
		return err
	}
	enabled, err := w.exchange("<enable xmlns='"+xmpp.NSSM+"' resume='true'/>", "enabled")
	if err != nil {
		return err
	}
	w.session, w.sent, w.got = enabled.Attr("id"), 0, 0
	again := w.pending
	w.pending = nil
	w.send("<presence/>")
	for _, stanza := range again {
		if !strings.HasPrefix(stanza, "<presence") {
			w.send(stanza)
		}
	}
	return nil
}

// resume asks what became of the stanzas of the last session and forgets those that were handled.
func (w *writer) resume() error {
	if w.session == "" {
		return nil
	}
	failed, err := w.exchange("<resume xmlns='"+xmpp.NSSM+"' previd='"+w.session+"' h='0'/>", "failed")
	if err != nil {
		return err
	}
	h, err := strconv.ParseUint(failed.Attr("h"), 10, 32)
	if err != nil {
		return fmt.Errorf("the desk doesn't know how far session %s got: %s", w.session, failed)
	}
	if left := int(w.sent) - int(h); left < len(w.pending) {
		w.pending = w.pending[len(w.pending)-max(left, 0):]
	}
	w.session = ""
	return nil
}

func (w *writer) open(domain string) error {
	if _, err := w.conn.Write([]byte(xmpptest.Header(domain))); err != nil {
		return err
	}
	if _, _, err := w.rd.Open(); err != nil {
		return err
	}
	_, err := w.rd.Next()
	return err
}

// exchange sends something and reads up to its answer.
func (w *writer) exchange(xml, want string) (*element.Element, error) {
	if _, err := w.conn.Write([]byte(xml)); err != nil {
		return nil, err
	}
	for {
		el, err := w.rd.Next()
		if err != nil {
			return nil, err
		}
		if el.Local == want {
			return el, nil
		}
		if el.Local == "failure" || el.Is(xmpp.NSStream, "error") {
			return nil, errors.New(el.String())
		}
	}
}

// checkAnswers compares what the server acknowledged with what the patron of the chat reads: each line exactly once.
func checkAnswers(acked []string, events []event) []string {
	var wrong []string
	there := map[string]int{}
	for _, e := range events {
		if e.Kind == "message" && e.From == "staff" {
			there[e.Text]++
			if !slices.Contains(acked, e.Text) {
				wrong = append(wrong, fmt.Sprintf("%q was never acknowledged", e.Text))
			}
		}
	}
	for _, text := range acked {
		if n := there[text]; n != 1 {
			wrong = append(wrong, fmt.Sprintf("%q was acknowledged and is there %d times", text, n))
		}
	}
	return wrong
}

func TestCheckAnswers(t *testing.T) {
	said := func(texts ...string) (out []event) {
		for _, s := range texts {
			out = append(out, event{Kind: "message", From: "staff", Text: s})
		}
		return out
	}
	for name, tc := range map[string]struct {
		events []event
		want   int
	}{
		"all there":      {said("a", "b"), 0},
		"lost":           {said("a"), 1},
		"doubled":        {said("a", "b", "b"), 1},
		"somebody's own": {append(said("a", "b"), event{Kind: "message", From: "patron", Text: "b"}), 0},
	} {
		if got := checkAnswers([]string{"a", "b"}, tc.events); len(got) != tc.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
