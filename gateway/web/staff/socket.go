// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/web"
)

// Bounds of a socket.
const (
	frameBytes = 64 << 10
	frameTime  = 10 * time.Second // for one frame to be written
	helloTime  = 10 * time.Second // for the first one to come
)

// signInAgain is the close code of a socket whose cookie may not hold any more: the page asks over HTTP.
const signInAgain websocket.StatusCode = 4401

// socket is that of one open board.
type socket struct {
	d    *Door
	who  *Who
	conn *websocket.Conn
	seat *seat
	feed *feed
}

// boardSocket is GET /board/socket. Who is signed in was asked by the guard; a page of another site is told by its Origin,
// which browsers send with every handshake (RFC 6455 §10.2).
func (d *Door) boardSocket(w http.ResponseWriter, r *http.Request, who *Who) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "This address takes a WebSocket handshake.")
	}
	if !ownOrigin(r) {
		return web.NewProblem(http.StatusForbidden, web.CodeOrigin, "Only the desk's own pages may open the board's socket.")
	}
	if d.deps.Events == nil {
		return web.Unavailable(time.Minute, "This node has no live board.")
	}
	release, ok := d.sockets.Take(who.Account)
	if !ok {
		return web.Throttled(30*time.Second, "Too many boards of yours are open.")
	}
	defer release()
	ctx, done, ok := d.frame.Hold(w, r)
	if !ok {
		return &desk.Error{Code: desk.Stopping}
	}
	defer done()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(frameBytes)
	l := &socket{d: d, who: who, conn: conn}
	if conn.Subprotocol() != subprotocol {
		l.end(websocket.StatusPolicyViolation, "the subprotocol is "+subprotocol)
		return nil
	}
	l.serve(ctx)
	return nil
}

// ownOrigin reports whether a handshake comes from a page of the host that it is sent to.
func ownOrigin(r *http.Request) bool {
	u, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// serve takes the hello, then runs the halves of the socket until one of them ends: what happens goes down, frames come up.
func (l *socket) serve(ctx context.Context) {
	hello, err := l.hello(ctx)
	if err == nil {
		l.seat, err = l.d.seats.enter(ctx, l.who.Account, l.who.Session, hello.Page)
	}
	if err != nil {
		if ctx.Err() == nil && websocket.CloseStatus(err) == -1 { // a page that is left at once says so
			_ = l.fail(ctx, "", err)
			l.end(websocket.StatusPolicyViolation, problem(err).Code)
		}
		return
	}
	defer l.d.seats.leave(l.seat)
	if show, ok := showOf(hello.Show); ok {
		if err := l.setShow(ctx, show); err != nil {
			_ = l.fail(ctx, "", err)
			l.end(websocket.StatusTryAgainLater, problem(err).Code)
			return
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	l.feed = newFeed(l)
	var halves sync.WaitGroup
	defer halves.Wait()
	defer l.feed.shutAll()
	defer cancel()
	halves.Go(func() {
		defer cancel()
		l.feed.run(ctx, desk.Cursor{Epoch: hello.Epoch, Seq: hello.After})
	})
	l.listen(ctx)
}

// hello takes the first frame, which has to come soon.
func (l *socket) hello(ctx context.Context) (up, error) {
	timer := time.AfterFunc(helloTime, func() { _ = l.conn.CloseNow() })
	defer timer.Stop()
	f, err := l.read(ctx)
	if err == nil && (f.Type != "hello" || !goodID(f.Page)) {
		err = web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "The first frame is hello, with the page's id.")
	}
	return f, err
}

// goodID reports whether a client's own id can be part of a key.
func goodID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// showOf reads the board's word for how somebody is.
func showOf(word string) (desk.Show, bool) {
	switch word {
	case "online":
		return desk.ShowOnline, true
	case "away":
		return desk.ShowAway, true
	case "off":
		return desk.NoShow, true
	}
	return "", false
}

// listen takes frames until the page goes. One at a time: the next is read when the last is answered, so that what is
// typed keeps its order.
func (l *socket) listen(ctx context.Context) {
	for {
		f, err := l.read(ctx)
		var p *web.Problem
		switch {
		case errors.As(err, &p):
			_ = l.fail(ctx, "", err)
			l.end(websocket.StatusInvalidFramePayloadData, p.Code)
			return
		case err != nil:
			return
		}
		if err := l.take(ctx, f); err != nil && l.fail(ctx, f.ID, err) != nil {
			return
		}
	}
}

// take does what one frame asks for.
func (l *socket) take(ctx context.Context, f up) error {
	switch f.Type {
	case "ping":
		return l.write(ctx, down{Type: "pong"})
	case "typing":
		l.feed.types(f.Chat, f.On)
		return nil
	case "got":
		l.feed.got(f.Chat, f.Seq)
		return nil
	case "moved":
		l.d.seats.got(l.seat, f.Seq)
		return nil
	case "shut":
		l.feed.shut(f.Chat)
		return nil
	}
	if ok, wait := l.d.says.Take(l.who.Account); !ok {
		return web.Throttled(wait, "That is too fast. Wait a moment.")
	}
	switch f.Type {
	case "open":
		return l.feed.openChat(ctx, f.Chat, f.After)
	case "show":
		if show, ok := showOf(f.Show); ok {
			return l.setShow(ctx, show)
		}
	case "form":
		form, err := l.d.console.Form(ctx, l.actor(), place(f.Chat), f.Command)
		if err != nil {
			return err
		}
		return l.write(ctx, down{Type: "form", ID: f.ID, Chat: f.Chat, Form: shownForm(f.Command, form)})
	case "say", "run", "duty", "decline", "tell":
		if !goodID(f.ID) {
			return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "What waits for an answer has an id.")
		}
		a, err := l.do(ctx, f)
		if err != nil {
			return err
		}
		return l.write(ctx, down{Type: "answer", ID: f.ID, Chat: f.Chat, Answer: a})
	}
	return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "There is no such frame.")
}

// actor is the person acting in this board's desk session.
func (l *socket) actor() desk.Actor { return l.seat.actor }

// place is where something on the board is typed or clicked.
func place(chat uint64) console.Place { return console.Place{Chat: chat} }

// do commits what waits for an answer. A repeat with the same id, on any node, does nothing twice.
func (l *socket) do(ctx context.Context, f up) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, l.d.cfg.CommitWithin)
	defer cancel()
	key := desk.Key{Kind: desk.KeyWeb, Principal: l.who.Session, ID: f.ID}
	in := console.Input{Actor: l.actor(), Key: key, Place: place(f.Chat), ID: f.ID, Got: l.feed.gotOf, Typing: l.feed.typing}
	var a console.Answer
	var err error
	switch f.Type {
	case "say":
		in.Body = f.Text
		a, err = l.d.console.Handle(ctx, in)
	case "run":
		a, err = l.d.console.Submit(ctx, in, f.Command, f.Values)
	case "duty":
		return l.doOne(ctx, key, &desk.SetDuty{On: f.On})
	case "decline":
		return l.doOne(ctx, key, &desk.DeclineRing{Chat: f.Chat})
	case "tell":
		return l.doOne(ctx, key, &desk.SendMessage{To: f.To, ID: f.ID, Body: block(f.Text)})
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = &desk.Error{Code: desk.NoQuorum}
	}
	if err != nil {
		return nil, err
	}
	return answered(a), nil
}

// doOne commits a command that no word of the console stands for.
func (l *socket) doOne(ctx context.Context, key desk.Key, c desk.Command) (*answer, error) {
	reply, err := l.d.do(ctx, l.actor(), key, c)
	var refused *desk.Error
	if errors.As(err, &refused) && !undecided(err) {
		return &answer{Refused: string(refused.Code), Text: sentence(refused)}, nil
	}
	return &answer{Seq: reply.Seq, Chat: reply.Chat}, err
}

func (l *socket) setShow(ctx context.Context, show desk.Show) error {
	ctx, cancel := context.WithTimeout(ctx, l.d.cfg.CommitWithin)
	defer cancel()
	err := l.d.seats.setShow(ctx, l.seat, show)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &desk.Error{Code: desk.NoQuorum}
	}
	if errors.Is(err, &desk.Error{Code: desk.NotFound}) { // the desk has ended the session: the page begins anew
		l.d.seats.drop(l.seat)
		l.end(websocket.StatusTryAgainLater, "session")
	}
	return err
}

// read takes one frame. A *web.Problem means that it isn't one.
func (l *socket) read(ctx context.Context) (up, error) {
	var f up
	kind, data, err := l.conn.Read(ctx)
	if err != nil {
		return f, err
	}
	if kind != websocket.MessageText || json.Unmarshal(data, &f) != nil {
		return f, web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "A frame is one JSON object.")
	}
	return f, nil
}

// fail sends an error frame. With an id it is about that request, which is not lost when it says throttled or unavailable.
func (l *socket) fail(ctx context.Context, id string, err error) error {
	p := problem(err)
	if p.Code == web.CodeInternal && ctx.Err() == nil {
		l.d.log.ErrorContext(ctx, "board frame failed", "staff", l.who.Account, "err", err)
	}
	return l.write(ctx, down{Type: "error", ID: id, Code: p.Code, Text: p.Detail, RetryAfter: int(math.Ceil(p.RetryAfter.Seconds()))})
}

func (l *socket) write(ctx context.Context, f down) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, frameTime)
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageText, data)
}

// end closes politely, but waits a second at most for the other side.
func (l *socket) end(code websocket.StatusCode, reason string) {
	timer := time.AfterFunc(time.Second, func() { _ = l.conn.CloseNow() })
	defer timer.Stop()
	_ = l.conn.Close(code, reason)
}
