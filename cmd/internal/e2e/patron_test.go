// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// patron is a patron on the public API. He knows all nodes and repeats what is unanswered, with the same id, elsewhere.
type patron struct {
	nodes   []string // base URLs
	at      int      // the node he talks to
	client  *http.Client
	patient time.Duration // for one line, over all repeats
	opening map[string]string
	chat    string
	acked   []ack
}

// ack is a line that the desk has acknowledged.
type ack struct {
	id, text string
	seq      uint64
	began    time.Time // of the first try
	got      time.Time
}

// event is what the history check needs of an event of the API.
type event struct {
	Seq  uint64 `json:"seq"`
	Kind string `json:"kind"`
	From string `json:"from"`
	By   string `json:"by"`
	ID   string `json:"id"`
	Text string `json:"text"`
}

func newPatron(nodes []string, at int) *patron {
	return &patron{nodes: nodes, at: at % len(nodes), client: &http.Client{Timeout: 3 * time.Second}, patient: patience}
}

// open starts a chat in a department.
func (p *patron) open(ctx context.Context, department, question string) error {
	return p.openAs(ctx, department, question, nil)
}

// openAs opens a chat with further members of the request, such as name and email.
func (p *patron) openAs(ctx context.Context, department, question string, more map[string]string) error {
	p.opening = map[string]string{"id": newID(), "token": token(), "department": department, "question": question}
	maps.Copy(p.opening, more)
	began := time.Now()
	var got struct {
		Chat string `json:"chat"`
		Seq  uint64 `json:"seq"`
	}
	if err := p.insist(ctx, "/api/v1/chats", p.opening, &got); err != nil {
		return fmt.Errorf("open chat: %w", err)
	}
	p.chat = got.Chat
	p.acked = append(p.acked, ack{p.opening["id"], question, got.Seq, began, time.Now()})
	return nil
}

// post sends a line and returns when it is acknowledged.
func (p *patron) post(ctx context.Context, text string) error {
	line := map[string]string{"id": newID(), "text": text}
	began := time.Now()
	var got struct {
		Seq uint64 `json:"seq"`
	}
	if err := p.insist(ctx, "/api/v1/chats/"+p.chat+"/messages", line, &got); err != nil {
		return fmt.Errorf("post line: %w", err)
	}
	p.acked = append(p.acked, ack{line["id"], text, got.Seq, began, time.Now()})
	return nil
}

// insist posts body until it is answered with 200 or 201, turning to the next node after each failure.
func (p *patron) insist(ctx context.Context, path string, body, result any) error {
	ctx, cancel := context.WithTimeout(ctx, p.patient)
	defer cancel()
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for {
		status, answer, err := p.call(ctx, http.MethodPost, p.nodes[p.at]+path, raw)
		switch {
		case err == nil && (status == http.StatusOK || status == http.StatusCreated):
			return json.Unmarshal(answer, result)
		case err == nil && status < 500 && status != http.StatusTooManyRequests:
			return fmt.Errorf("%d: %s", status, answer)
		}
		p.at = (p.at + 1) % len(p.nodes)
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("no acknowledgement in %s; last %d %s", p.patient, status, answer), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// history reads the whole chat from one node.
func (p *patron) history(ctx context.Context, node string) ([]event, error) {
	status, answer, err := p.call(ctx, http.MethodGet, node+"/api/v1/chats/"+p.chat+"/events?after=0", nil)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("history of chat %s: %d: %s", p.chat, status, answer)
	}
	var got struct {
		Events []event `json:"events"`
	}
	return got.Events, json.Unmarshal(answer, &got)
}

func (p *patron) call(ctx context.Context, method, url string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.opening["token"])
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	return res.StatusCode, answer, err
}

// lastSeq is the highest seq that this patron has been given.
func (p *patron) lastSeq() uint64 {
	var s uint64
	for _, a := range p.acked {
		s = max(s, a.seq)
	}
	return s
}

// newID makes a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func token() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// nth makes a line that no other equals.
func nth(who, n int) string {
	return "line " + strconv.Itoa(n) + " of patron " + strconv.Itoa(who) + " – é 👋 مرحبا <b>&amp;"
}
