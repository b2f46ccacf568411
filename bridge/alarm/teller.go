// SPDX-License-Identifier: Apache-2.0

package alarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"refdesk/bridge/alarm/target"
)

// How messages are sent.
const (
	queued   = 16 // alarms that wait for one target
	sendTime = 10 * time.Second
)

// again is how long to wait after the first, second … failure. An alarm that is late helps nobody: then it is left.
func again() []time.Duration { return []time.Duration{time.Second, 5 * time.Second, 15 * time.Second} }

// Teller sends alarms to all targets but those of mail.
type Teller struct {
	lines  []*line
	client *http.Client
	log    *slog.Logger
	again  []time.Duration
}

// line is a target with what waits for it: a slow one holds up no other.
type line struct {
	target.Target
	queue chan Alarm
}

// New returns a teller. A nil log discards.
func New(targets []target.Target, log *slog.Logger) *Teller {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	t := &Teller{log: log, again: again(), client: &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1},
		Timeout:       sendTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, x := range targets {
		if x.Kind != target.Mail {
			t.lines = append(t.lines, &line{x, make(chan Alarm, queued)})
		}
	}
	return t
}

// Raise has an alarm told, soon. It does not block; what there is no room for is left.
func (t *Teller) Raise(a Alarm) {
	for _, l := range t.lines {
		if !l.For(a.Department) {
			continue
		}
		select {
		case l.queue <- a:
		default:
			t.log.Warn("an alarm is left out: too many wait", "target", l.String(), "chat", a.Chat)
		}
	}
}

// Run tells alarms until ctx ends.
func (t *Teller) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, l := range t.lines {
		wg.Go(func() {
			for {
				select {
				case a := <-l.queue:
					t.tell(ctx, l.Target, a)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	<-ctx.Done()
	wg.Wait()
	t.client.CloseIdleConnections()
	return nil
}

// tell tells one alarm, several times if need be.
func (t *Teller) tell(ctx context.Context, to target.Target, a Alarm) {
	id := fmt.Sprintf("refdesk-%d-%d", a.Chat, int(a.Waited/time.Second))
	for tries := 0; ; tries++ {
		err := t.send(ctx, to, a, id)
		if err == nil || ctx.Err() != nil {
			return
		}
		var final refusal
		if errors.As(err, &final) || tries == len(t.again) {
			t.log.Warn("an alarm could not be told", "target", to.String(), "chat", a.Chat, "err", err)
			return
		}
		timer := time.NewTimer(t.again[tries])
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// refusal is an answer that asking again doesn't change.
type refusal int

func (r refusal) Error() string {
	return fmt.Sprintf("the target refuses it: %d %s", int(r), http.StatusText(int(r)))
}

func (t *Teller) send(ctx context.Context, to target.Target, a Alarm, id string) error {
	r, err := request(ctx, to, a, id)
	if err != nil {
		return err
	}
	res, err := t.client.Do(r)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err // without the address: it is a secret
		}
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	switch {
	case res.StatusCode < 300:
		return nil
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusRequestTimeout:
		return fmt.Errorf("the target answers %s", res.Status)
	}
	return refusal(res.StatusCode)
}
