// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"context"
	"iter"
)

// ActorKind says what sort of party acts or reads.
type ActorKind uint8

// The kinds of actor.
const (
	NoActor    ActorKind = iota // anybody: sees what is public
	PatronKind                  // a patron; ID is the hex SHA-256 of the chat's token
	StaffKind                   // a member of staff; ID is the account (localpart)
	NodeKind                    // a desk node itself: sessions, timers, digests; ID is the node's id
	AdminKind                   // the administrator at the node's local socket; ID is the system user
)

// Actor is who acts or reads.
type Actor struct {
	Kind    ActorKind
	ID      string
	Session string // staff: the session in which they act
}

// PatronActor, StaffActor and NodeActor name an actor of each kind.
func PatronActor(tokenHash string) Actor { return Actor{Kind: PatronKind, ID: tokenHash} }

// StaffActor is a member of staff acting in one of their sessions.
func StaffActor(account, session string) Actor {
	return Actor{Kind: StaffKind, ID: account, Session: session}
}

// NodeActor is a desk node.
func NodeActor(id string) Actor { return Actor{Kind: NodeKind, ID: id} }

// Key makes a command idempotent: the same key with the same command gives the same answer on any node, also after a
// failover; the same key with another command is a Conflict (Field "key"). The zero Key is not recorded.
type Key struct {
	Kind      string // "patron", "stanza", "web", "mail", "admin"
	Principal string // token hash; stream-management id; web session; mailbox group; admin run
	ID        string // the sender's own id, at most 64 bytes; stanza numbers are StanzaID(n)
}

// Request is a proposed change.
type Request struct {
	Actor   Actor
	Key     Key
	Command Command
}

// Envelope is a request as it stands in the log, stamped by the leader.
type Envelope struct {
	Request
	Stamp Time
	Term  uint64 // the raft term of the log entry, filled in at Apply
}

// Reply is what an accepted command answers: at most 1 KiB encoded, and never a secret.
type Reply struct {
	Seq    uint64 // seq of the event that tells of the change (a line's seq); 0 when nothing changed
	Chat   uint64 // the chat concerned
	Line   uint64 // number of the line within its chat
	At     Time   // when it was applied first
	Value  string // a small value: the session's granted resource; "masked" = a card number was taken out of the line; what was undone; …
	Staff  string // the colleague concerned: whom a transfer was offered to
	Again  bool   // this answers a repeat; nothing was done this time. Not recorded
	Opened bool   // OpenChat: a chat was made (false: an open chat was continued)
	Ticket uint64 // the ticket concerned
	Entry  uint64 // number of the entry within its ticket
	Mail   uint64 // the outgoing mail concerned
}

func (r *Reply) code(c *coder) {
	c.u64(&r.Seq)
	c.u64(&r.Chat)
	c.u64(&r.Line)
	c.time(&r.At)
	c.str(&r.Value)
	c.str(&r.Staff)
	c.flag(&r.Opened)
	c.u64(&r.Ticket)
	c.u64(&r.Entry)
	c.u64(&r.Mail)
}

// Cursor is a place in the history of events. The zero Cursor is before the first event kept.
type Cursor struct {
	Epoch uint64 // the desk's epoch, raised by a restore; 0 stands for the current one
	Seq   uint64
}

// Batch is a run of events in the order of their seq. Cursor is where the follower stands after it.
type Batch struct {
	Events []Event
	Cursor Cursor
}

// Store is what a door gets of the cluster.
type Store interface {
	// Do proposes a command and returns after it was committed by a majority and applied on the leader. A refusal is a
	// *Error. With NoQuorum the outcome may be unknown: repeat with the same key, on any node.
	Do(ctx context.Context, r Request) (Reply, error)
	// View runs f on one consistent state of this node, bound to what the actor may read. Nothing of the Reader may be
	// used after f returns.
	View(ctx context.Context, actor Actor, f func(Reader) error) error
	// Follow yields the events of a topic after the cursor as they are applied on this node, until ctx ends (its error is
	// the last element) or the cursor is TooOld. It reads from the store, so a slow follower holds nothing up. A first
	// batch is yielded at once, also when it is empty, so that the follower knows its cursor.
	Follow(ctx context.Context, actor Actor, topic Topic, after Cursor) iter.Seq2[Batch, error]
	// WaitApplied returns when this node has applied the event with the given seq, or ctx has ended.
	WaitApplied(ctx context.Context, seq uint64) error
}
