// SPDX-License-Identifier: Apache-2.0

package desk

// RestoreGap is how far a restore moves Seq on: further than the desk that was lost can have got after its last backup, so
// that no number stands for two events.
const RestoreGap = 1_000_000

// idSetting names the setting that keeps the desk's id.
const idSetting = "desk.id"

// ID returns the desk's id; "" if it has none yet. A restored desk is another desk.
func ID(src Source) (string, error) {
	v, err := load[Setting](src, (&Setting{Name: idSetting}).key())
	if v == nil || err != nil {
		return "", err
	}
	return v.Value, nil
}

// NameDesk returns the command that gives the desk its id.
func NameDesk(id string) *SetSetting {
	return &SetSetting{Setting: Setting{Name: idSetting, Value: id}}
}

// Renew makes the state behind tx, which comes from a backup, that of a new desk: another id, the next epoch, Seq beyond
// all that the old one can have given away. Nobody is connected to it: sessions, sign-ins and nodes are ended as if their
// nodes had gone down, at the time of the last command. What else the desk promised holds: accounts, tokens of patrons and
// of mails, Message-IDs, keys.
func Renew(tx Tx, id string) error {
	s := &state{tx: tx}
	if err := s.begin(); err != nil {
		return err
	}
	s.now = s.meta.Last
	s.env = Envelope{Request: Request{Actor: Actor{Kind: AdminKind, ID: "restore"}}, Stamp: s.now}
	s.meta.Epoch++
	s.meta.Seq += RestoreGap
	put(s, &Setting{Name: idSetting, Value: id})
	for _, o := range find[Session](s, Range{Index: byNode}) {
		s.endSession(o, "lost")
	}
	for _, h := range find[Chat](s, Range{Index: byNode}) {
		for _, node := range h.Attached {
			if now := get[Chat](s, chatKey(h.Number)); now != nil { // found once for each node
				s.detach(now, node)
			}
		}
	}
	for _, w := range find[WebSession](s, Range{}) {
		s.endWebSessions(w.Account)
	}
	for _, n := range find[Node](s, Range{}) {
		remove(s, n)
	}
	for _, j := range find[joinToken](s, Range{}) { // they were for another desk
		remove(s, j)
	}
	s.emit(Event{Kind: SettingChanged, Value: idSetting})
	s.finish()
	return s.err
}
