// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// patron is somebody with a chat, on a WebSocket (RFC 6455) of refdesk's API.
type patron struct {
	token, chat string
	m           *meter
	conn        net.Conn
	rd          *bufio.Reader
	ended       chan struct{}
	mu          sync.Mutex
}

// openChat asks the first question over HTTP.
func openChat(base string, m *meter) (*patron, error) {
	var secret [32]byte
	rand.Read(secret[:])
	p := &patron{token: base64.RawURLEncoding.EncodeToString(secret[:]), m: m}
	body, err := json.Marshal(map[string]string{"id": numbered(0), "token": p.token, "department": "reference", "question": "How many books can I borrow?"})
	if err != nil {
		return nil, err
	}
	res, err := http.Post(base+"/api/v1/chats", "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || res.StatusCode >= 300 {
		return nil, fmt.Errorf("open a chat: %d %s %w", res.StatusCode, answer, err)
	}
	var got struct{ Chat string }
	if err := json.Unmarshal(answer, &got); err != nil {
		return nil, err
	}
	p.chat = got.Chat
	return p, nil
}

// connect opens the socket and waits for ready.
func (p *patron) connect(base string) error {
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	conn, err := net.DialTimeout("tcp", u.Host, patience)
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	p.conn, p.rd, p.ended = conn, bufio.NewReaderSize(conn, 1024), make(chan struct{})
	if err := p.handshake(u.Host); err != nil {
		conn.Close()
		return err
	}
	_ = conn.SetDeadline(time.Time{})
	go p.serve()
	return nil
}

// comeBack connects, again and again if need be, as the widget does.
func (p *patron) comeBack(base string) (err error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = p.connect(base); err == nil {
			return nil
		}
	}
	return err
}

func (p *patron) handshake(host string) error {
	_, err := fmt.Fprintf(p.conn, "GET /api/v1/chats/%s/socket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: refdesk.v1\r\n\r\n", p.chat, host)
	if err != nil {
		return err
	}
	res, err := http.ReadResponse(p.rd, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(res.Status)
	}
	if err := p.write(`{"type":"auth","token":"` + p.token + `"}`); err != nil {
		return err
	}
	for {
		frame, err := p.read()
		if err != nil {
			return err
		}
		switch {
		case bytes.Contains(frame, []byte(`"type":"ready"`)):
			return nil
		case bytes.Contains(frame, []byte(`"type":"error"`)):
			return errors.New(string(frame))
		}
	}
}

// write sends one text frame. The mask is zero: it protects proxies, and there is none.
func (p *patron) write(text string) error {
	frame := []byte{0x81}
	if n := len(text); n < 126 {
		frame = append(frame, 0x80|byte(n))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	}
	frame = append(append(frame, 0, 0, 0, 0), text...)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.conn.Write(frame)
	return err
}

// read returns the content of the next frame; servers don't mask.
func (p *patron) read() ([]byte, error) {
	var head [10]byte
	if _, err := io.ReadFull(p.rd, head[:2]); err != nil {
		return nil, err
	}
	n := uint64(head[1] & 0x7f)
	switch n {
	case 126:
		if _, err := io.ReadFull(p.rd, head[2:4]); err != nil {
			return nil, err
		}
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		if _, err := io.ReadFull(p.rd, head[2:10]); err != nil {
			return nil, err
		}
		n = binary.BigEndian.Uint64(head[2:])
	}
	if n > maxElement {
		return nil, errHuge
	}
	data := make([]byte, n)
	_, err := io.ReadFull(p.rd, data)
	if err == nil && head[0]&0x0f == 8 {
		err = errEnd
	}
	return data, err
}

func (p *patron) serve() {
	defer close(p.ended)
	for {
		frame, err := p.read()
		if err != nil {
			p.conn.Close()
			return
		}
		if bytes.Contains(frame, []byte(`"type":"ack"`)) {
			if n := numberOf(frame); n > 0 {
				p.m.ack(n)
			}
		}
	}
}

// say sends line n.
func (p *patron) say(n int) error {
	return p.write(`{"type":"message","id":"` + numbered(n) + `","text":"` + textOf(n) + `"}`)
}

// idHead begins every id; the number of the message ends it.
const idHead = "00000000-0000-4000-8000-"

func numbered(n int) string { return idHead + fmt.Sprintf("%012d", n) }

func numberOf(frame []byte) int {
	_, rest, ok := bytes.Cut(frame, []byte(idHead))
	if !ok || len(rest) < 12 {
		return 0
	}
	n, _ := strconv.Atoi(string(rest[:12]))
	return n
}

// history calls found for each line that the chat holds on a node.
func (p *patron) history(base string, found func(int)) error {
	req, err := http.NewRequest(http.MethodGet, base+"/api/v1/chats/"+p.chat+"/events?after=0", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("history of chat %s: %s %w", p.chat, res.Status, err)
	}
	numbers(data, found)
	return nil
}

func (p *patron) cut() { reset(p.conn) }

// hostPort turns a base URL on localhost into one that needs no name to be looked up.
func hostPort(base string) string { return strings.Replace(base, "localhost", "127.0.0.1", 1) }
