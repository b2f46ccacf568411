// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"net/http"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/console"
	"refdesk/gateway/web"
)

// mostLines is how many of a chat's lines come when it is opened.
const mostLines = 500

// follows reports whether the page has a chat open.
func (f *feed) follows(chat uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open[chat] != nil
}

// openChat has the page follow a chat, and sends how it stands and its lines after one that the page has.
func (f *feed) openChat(ctx context.Context, chat, after uint64) error {
	// A page may ask before the feed has begun; what happened between its reading and the first event would never come.
	select {
	case <-f.attached:
	case <-ctx.Done():
		return ctx.Err()
	}
	if chat == 0 || !f.begin(ctx, chat) {
		return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "That chat can't be opened on this page.")
	}
	// From here on events of the chat come. What is read now holds everything before.
	x := down{Type: "chat", Chat: chat}
	err := f.view(ctx, func(r desk.Reader) error {
		at, err := r.Cursor()
		if err != nil {
			return err
		}
		x.Seq = at.Seq
		if x.Head, err = f.readHead(r, chat); err != nil {
			return err
		}
		x.Lines, err = readLines(r, chat, after, f.l.who.Account)
		return err
	})
	if err != nil {
		f.shut(chat)
		if ignoreMissing(err) == nil {
			return f.l.write(ctx, down{Type: "gone", Chat: chat, Text: sentence(&desk.Error{Code: desk.NotFound})})
		}
		return err
	}
	x.Head.Commands = f.commands(ctx, chat)
	return f.l.write(ctx, x)
}

// begin marks a chat as open and passes on what its patron types, until shut.
func (f *feed) begin(ctx context.Context, chat uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[chat] != nil {
		return true
	}
	if len(f.open) >= mostOpen {
		return false
	}
	hints, stop := f.l.d.deps.Hints.PatronTypes(chat)
	done := make(chan struct{})
	f.open[chat] = func() { close(done); stop() }
	f.work.Go(func() {
		for {
			select {
			case on, ok := <-hints:
				f.noteTyping(chat, on)
				if !ok || f.l.write(ctx, down{Type: "typing", Chat: chat, On: on}) != nil {
					return
				}
			case <-done:
				return
			case <-ctx.Done():
				return
			}
		}
	})
	return true
}

// shut ends what openChat began.
func (f *feed) shut(chat uint64) {
	f.mu.Lock()
	stop := f.open[chat]
	delete(f.open, chat)
	delete(f.parts, chat)
	delete(f.typed, chat)
	f.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// shutAll ends what runs for the page, and waits for it.
func (f *feed) shutAll() {
	f.mu.Lock()
	open := f.open
	f.open = map[uint64]func(){}
	f.mu.Unlock()
	for _, stop := range open {
		stop()
	}
	f.work.Wait()
}

// readHead reads how a chat stands, and notes whether the person may write in it.
func (f *feed) readHead(r desk.Reader, chat uint64) (*head, error) {
	h, err := readHead(r, chat, f.l.who, f.l.d.now())
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.parts[chat] = h.Writable
	return h, nil
}

func (f *feed) commands(ctx context.Context, chat uint64) []command {
	return commandsOf(f.l.d.console.Commands(ctx, f.l.actor(), place(chat)))
}

// head sends how an open chat stands now.
func (f *feed) head(ctx context.Context, chat uint64) error {
	if !f.follows(chat) {
		return nil
	}
	var h *head
	err := f.view(ctx, func(r desk.Reader) (err error) {
		h, err = f.readHead(r, chat)
		return err
	})
	if ignoreMissing(err) != nil {
		return err
	}
	if err != nil {
		f.shut(chat)
		return f.l.write(ctx, down{Type: "gone", Chat: chat, Text: sentence(&desk.Error{Code: desk.NotFound})})
	}
	h.Commands = f.commands(ctx, chat)
	return f.l.write(ctx, down{Type: "head", Chat: chat, Head: h})
}

// types tells a chat's patron that the person is writing, or has stopped.
func (f *feed) types(chat uint64, on bool) {
	f.mu.Lock()
	part := f.parts[chat]
	f.mu.Unlock()
	if part {
		f.l.d.deps.Hints.StaffTypes(chat, on)
	}
}

// typingFor is how long a patron counts as typing after a hint (2-desk, "Close").
const typingFor = 10 * time.Second

func (f *feed) noteTyping(chat uint64, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.typed, chat)
	if on {
		f.typed[chat] = time.Now()
	}
}

// typing reports whether the patron of an open chat was typing a moment ago.
func (f *feed) typing(chat uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.typed[chat]
	return ok && time.Since(at) < typingFor
}

// got notes as far as the person was shown a chat.
func (f *feed) got(chat, seq uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[chat] != nil {
		f.gots[chat] = max(f.gots[chat], seq)
	}
}

func (f *feed) gotOf(chat uint64) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gots[chat]
}

// commandsOf are the console's commands as the page lists them.
func commandsOf(found []console.CommandInfo) []command {
	out := make([]command, 0, len(found))
	for _, c := range found {
		out = append(out, command{Name: c.Name, Label: c.Label})
	}
	return out
}
