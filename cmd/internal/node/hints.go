// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/binary"
	"sync"

	"refdesk/cluster/wire"
	"refdesk/gateway/web/widget"
)

// hintBuffer is how many hints a slow reader may be behind before it misses some.
const hintBuffer = 8

// hints passes typing hints between the doors of this node, and to and from the other nodes. They may get lost.
type hints struct {
	relay func(widget.Typing) // to the other nodes; nil on a desk of one

	mu      sync.Mutex
	next    int
	readers map[uint64]map[int]chan widget.Typing // by chat; 0 = all chats
}

func newHints(relay func(widget.Typing)) *hints {
	return &hints{relay: relay, readers: map[uint64]map[int]chan widget.Typing{}}
}

// Publish tells the readers here and the other nodes.
func (h *hints) Publish(t widget.Typing) {
	h.deliver(t)
	if h.relay != nil {
		h.relay(t)
	}
}

// deliver tells the readers on this node.
func (h *hints) deliver(t widget.Typing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, of := range []uint64{t.Chat, 0} {
		for _, r := range h.readers[of] {
			select {
			case r <- t:
			default: // it is only a hint
			}
		}
	}
}

// Subscribe yields the hints of one chat, or of all with 0, until stop is called.
func (h *hints) Subscribe(chat uint64) (<-chan widget.Typing, func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	id, ch := h.next, make(chan widget.Typing, hintBuffer)
	if h.readers[chat] == nil {
		h.readers[chat] = map[int]chan widget.Typing{}
	}
	h.readers[chat][id] = ch
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.readers[chat], id)
		if len(h.readers[chat]) == 0 {
			delete(h.readers, chat)
		}
	}
}

// typingKind marks typing hints between nodes: eight bytes of chat, one of what.
const typingKind = "typing"

// Bits of the last byte.
const (
	byPatron = 1 << iota
	isOn
)

// tellOthers sends a hint to the other nodes.
func (n *Node) tellOthers(t widget.Typing) {
	var what byte
	if t.FromPatron {
		what |= byPatron
	}
	if t.On {
		what |= isOn
	}
	h := wire.Hint{Kind: typingKind, Data: append(binary.BigEndian.AppendUint64(nil, t.Chat), what)}
	if err := n.store.Hint(h); err != nil {
		n.log.Debug("hint not sent", "err", err)
	}
}

// hinted takes a hint of another node.
func (n *Node) hinted(_ string, h wire.Hint) {
	if h.Kind != typingKind || len(h.Data) != 9 {
		return // of a later program
	}
	n.hints.deliver(widget.Typing{
		Chat: binary.BigEndian.Uint64(h.Data), FromPatron: h.Data[8]&byPatron != 0, On: h.Data[8]&isOn != 0,
	})
}

// passHints hands what patrons type to the staff's door.
func (n *Node) passHints(ctx context.Context) error {
	all, stop := n.hints.Subscribe(0)
	defer stop()
	for {
		select {
		case t := <-all:
			if t.FromPatron {
				n.staff.Typing(t.Chat, t.On)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
