// SPDX-License-Identifier: Apache-2.0

// Package alarm tells people who are not at the desk that a chat waits and nobody claims it: by mail, or by a message to
// Teams, Slack, Matrix, ntfy or a hook of the library's own. It says which chat, where and how long, never what a patron wrote.
package alarm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"refdesk/bridge/alarm/target"
)

// Alarm is what is told.
type Alarm struct {
	Chat       uint64
	Department string        // id
	Name       string        // of the department
	Waited     time.Duration // since the patron asked
	Board      string        // URL of the staff's board; may be ""
}

// Title is the alarm in a few words.
func (a Alarm) Title() string { return fmt.Sprintf("Chat %d waits in %s", a.Chat, a.Name) }

// Text is the alarm in a sentence.
func (a Alarm) Text() string {
	s := fmt.Sprintf("Chat %d in %s has waited for %s, and nobody has claimed it.", a.Chat, a.Name, a.Waited)
	if a.Board != "" {
		s += " " + a.Board
	}
	return s
}

// request makes the message to a target.
func request(ctx context.Context, t target.Target, a Alarm, id string) (*http.Request, error) {
	method, to, kind := http.MethodPost, t.URL, "application/json"
	head := map[string]string{}
	var body any
	switch t.Kind {
	case target.Teams:
		// Workflows take a message with an Adaptive Card, the retired connectors took the same.
		body = map[string]any{"type": "message", "attachments": []any{map[string]any{
			"contentType": "application/vnd.microsoft.card.adaptive", "content": map[string]any{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
				"body": []any{
					map[string]any{"type": "TextBlock", "text": plain(a.Title()), "weight": "Bolder", "wrap": true},
					map[string]any{"type": "TextBlock", "text": plain(a.Text()), "wrap": true},
				},
			},
		}}}
	case target.Slack:
		body = map[string]any{"text": escape(a.Text())}
	case target.Matrix:
		token, err := os.ReadFile(t.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("read the access token: %w", err)
		}
		// Client-Server API, "Sending events to a room": the same transaction id is the same message.
		method, to = http.MethodPut, t.URL+"/_matrix/client/v3/rooms/"+url.PathEscape(t.Room)+"/send/m.room.message/"+url.PathEscape(id)
		head["Authorization"] = "Bearer " + strings.TrimSpace(string(token))
		body = map[string]any{"msgtype": "m.text", "body": a.Text()}
	case target.Ntfy:
		kind = "text/plain; charset=utf-8"
		head["X-Title"], head["X-Priority"], head["X-Tags"] = ascii(a.Title()), "high", "bell"
	default:
		body = map[string]any{
			"kind": "chat-waits", "chat": a.Chat, "department": a.Department, "waited_seconds": int(a.Waited / time.Second), "text": a.Text(),
		}
	}
	data := []byte(a.Text())
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", kind)
	for k, v := range head {
		r.Header.Set(k, v)
	}
	return r, nil
}

// escape writes text so that Slack takes none of it for a command or a mention.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// plain writes text so that a card takes none of it for Markdown.
func plain(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "`", "\\`").Replace(s)
}

// ascii is a text as it may stand in a header.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
