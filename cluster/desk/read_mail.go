// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

func (r *reader) MailsWanted(limit int) ([]*TicketEntry, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	return scan[TicketEntry](r.src, Range{Index: byTime, Limit: limit})
}

func (r *reader) MailsDue(now Time, limit int) ([]*MailOut, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	found, err := scan[MailOut](r.src, Range{Index: byTime, Limit: limit})
	later := slices.IndexFunc(found, func(m *MailOut) bool { return max(m.HoldUntil, m.NotBefore) > now })
	if later >= 0 {
		found = found[:later]
	}
	return found, err
}

func (r *reader) MailsClaimed() ([]*MailOut, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	return scan[MailOut](r.src, Range{Index: byState})
}

func (r *reader) MailOut(id uint64) (*MailOut, error) {
	m, err := one[MailOut](r, key("").num(id), "mail")
	if err != nil {
		return nil, err
	}
	ok, err := r.readsMail(m)
	if err == nil && !ok {
		err = refuseField(NotFound, "mail")
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (r *reader) MailsOf(ticket uint64) ([]*MailOut, error) {
	if _, err := r.ownTicket(ticket); err != nil {
		return nil, err
	}
	return scan[MailOut](r.src, Range{Index: byChat, Prefix: string(ticketKey(ticket))})
}

func (r *reader) Outbox(before uint64, limit int) ([]*MailOut, error) {
	var out []*MailOut
	limit = min(max(limit, 1), maxTickets)
	const page = 100
	for run := (Range{Desc: true, Limit: page}); ; {
		if before != 0 {
			run.After = string(key("").num(before))
		}
		found, err := scan[MailOut](r.src, run)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			ok, err := r.readsMail(m)
			if err != nil {
				return nil, err
			}
			if ok {
				if out = append(out, m); len(out) == limit {
					return out, nil
				}
			}
		}
		if len(found) < page {
			return out, nil
		}
		before = found[len(found)-1].ID
	}
}

func (r *reader) MailIn(group, dedupe string) (*MailIn, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	return one[MailIn](r, (&MailIn{Group: group, Dedupe: dedupe}).key(), "mail")
}

func (r *reader) ByMessageID(group string, ids []string) (map[string]uint64, error) {
	if err := r.can(RunNode, Object{}); err != nil {
		return nil, err
	}
	out := map[string]uint64{}
	for _, id := range ids {
		m, err := load[mailID](r.src, mailIDKey(id, group))
		if err != nil {
			return nil, err
		}
		if m != nil {
			out[id] = m.Ticket
		}
	}
	return out, nil
}
