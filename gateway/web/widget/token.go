// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// tokenBytes is the length of a token before it is written in base64url without padding (43 characters).
const tokenBytes = 32

// patron is an authorised party: a chat and the hash of the token that opens it.
type patron struct {
	chat  uint64
	hash  string
	since time.Time // when the call began
}

func (p patron) actor() desk.Actor { return desk.PatronActor(p.hash) }

// key makes a command of this patron idempotent under the client's own id.
func (p patron) key(id string) desk.Key {
	return desk.Key{Kind: desk.KeyPatron, Principal: p.hash, ID: id}
}

// hashToken gives the hex SHA-256 of a token's bytes; ok is false if it isn't a token.
func hashToken(token string) (hash string, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != tokenBytes {
		return "", false
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), true
}

// tokenInURL refuses a request whose URL carries a secret: URLs end up in logs and histories.
func tokenInURL(r *http.Request) error {
	for name := range r.URL.Query() {
		switch strings.ToLower(name) {
		case "token", "access_token", "bearer", "authorization":
			return web.NewProblem(http.StatusBadRequest, web.CodeTokenInURL, "A token belongs into the Authorization header, never into a URL.")
		}
	}
	return nil
}

// authorise finds out whose call this is. A missing or malformed token is 401, a chat that does not exist 404, the token
// of another chat 403.
func (d *Door) authorise(r *http.Request) (patron, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return patron{}, web.NewProblem(http.StatusUnauthorized, web.CodeUnauthorized, "The call needs the chat's token as Authorization: Bearer.")
	}
	return d.admit(r.Context(), r.PathValue("chat"), strings.TrimSpace(token))
}

// admit checks a token for a chat.
func (d *Door) admit(ctx context.Context, chat, token string) (patron, error) {
	hash, ok := hashToken(token)
	if !ok {
		return patron{}, web.NewProblem(http.StatusUnauthorized, web.CodeUnauthorized, "This is not a chat's token.")
	}
	number, err := strconv.ParseUint(chat, 10, 63)
	if err != nil || strconv.FormatUint(number, 10) != chat {
		return patron{}, &desk.Error{Code: desk.NotFound, Field: "chat"}
	}
	p := patron{chat: number, hash: hash, since: time.Now()}
	err = d.store.View(ctx, p.actor(), func(rd desk.Reader) error {
		_, err := rd.Chat(number)
		return err
	})
	if !errors.Is(err, &desk.Error{Code: desk.NotFound}) {
		return p, err
	}
	// The patron may not know of the chat. Whether it exists decides between the two answers.
	known := d.store.View(ctx, desk.NodeActor(d.cfg.Node), func(rd desk.Reader) error {
		_, err := rd.Chat(number)
		return err
	})
	if known == nil {
		err = &desk.Error{Code: desk.NotAllowed}
	}
	return p, err
}
