// SPDX-License-Identifier: Apache-2.0

package desk

import "fmt"

// Apply does one command on the state behind tx and returns its reply and the events it caused.
//
// A refusal is a *Error: nothing changed but the recorded answer to the command's key. Any other error means that the
// state is damaged or that the command is from a later program; the node must stop.
//
// The events are already in the state; they are returned for those who count them.
func Apply(tx Tx, env Envelope) (Reply, []Event, error) {
	s := &state{tx: tx, env: env, now: env.Stamp}
	if err := s.begin(); err != nil {
		return Reply{}, nil, err
	}
	if reply, err, known := s.recorded(); known {
		return reply, nil, err
	}
	if s.overtaken() {
		return Reply{}, nil, refuseField(Over, "session")
	}
	err := env.Command.apply(s)
	if s.err != nil {
		return Reply{}, nil, fmt.Errorf("apply %s: %w", env.Command.CommandName(), s.err)
	}
	if err != nil {
		s.undo()
		s.reply = Reply{}
	}
	s.reply.At = s.now
	s.record(err)
	s.finish()
	if s.err != nil {
		return Reply{}, nil, fmt.Errorf("apply %s: %w", env.Command.CommandName(), s.err)
	}
	return s.reply, s.events, err
}
