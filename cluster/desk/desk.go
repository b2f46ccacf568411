// SPDX-License-Identifier: Apache-2.0

// Package desk is the domain of refdesk: what a desk is and what may happen on it.
//
// It is pure. Commands go in, ordered events come out, and nothing else does: Apply has no clock, no randomness, no
// goroutine and no I/O, so that every node that applies the same log holds the same records and the same digest.
//
// The package declares the records with their indexes (Chat, Line, Staff, …), the commands that change them, the events
// that tell of a change, the rights (Can), and the three interfaces by which the rest of the program reaches a desk:
// Tx (what Apply writes through), Reader (typed, read-only queries bound to an actor) and Store (what doors get).
package desk

import "time"

// Time is a moment in milliseconds since the Unix epoch, UTC. The leader stamps every command with one; Apply knows no
// other time. Zero means "never" or "not yet".
type Time int64

// At converts a moment of the standard library.
func At(t time.Time) Time { return Time(t.UnixMilli()) }

// Std converts to the standard library's time, in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add returns the moment d later.
func (t Time) Add(d time.Duration) Time { return t + Time(d/time.Millisecond) }

// Sub returns the time that lies between u and t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// MaxText is the longest line, note or question, in Unicode code points.
const MaxText = 4000

// MaxCommand is the largest encoded command, in bytes. Nothing larger enters the log.
const MaxCommand = 64 << 10
