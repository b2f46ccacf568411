// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"refdesk/cmd/internal/demo"
)

// crowd measures what idle people cost, and how long it takes until all are back who were cut at once.
func crowd(s subject, sc scale) (figures, error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	defer s.stop()
	time.Sleep(sc.settle)
	f := figures{}
	if d, ok := s.(*desk); ok {
		return f, d.crowd(sc, f)
	}
	before := total(resident(s.pids()))
	m := newMeter()
	all, err := signInAll(s, max(sc.staff, sc.stormed+sc.stormedStaff), sc.staff, m, func() {
		time.Sleep(sc.settle)
		f["per staff"] = float64(total(resident(s.pids()))-before) / float64(sc.staff)
	})
	if err != nil {
		return nil, err
	}
	all = leave(all, sc.stormed+sc.stormedStaff)
	took, err := storm(all, nil, func(i int) (*client, error) {
		addr, domain := s.reach(i)
		return connect(addr, domain, s.people()[i%accounts], "back"+fmt.Sprint(i/accounts), m)
	}, nil)
	if err != nil {
		return f, err
	}
	f["storm"] = took.Seconds()
	return f, nil
}

// signInAll signs n staff clients in, five an account or more; at the first pause of them it calls measured.
func signInAll(s subject, n, pause int, m *meter, measured func()) ([]*client, error) {
	all := make([]*client, n)
	in := func(from, to int) error {
		return each(to-from, 8, func(k int) (err error) {
			i := from + k
			addr, domain := s.reach(i)
			all[i], err = connect(addr, domain, s.people()[i%accounts], "r"+fmt.Sprint(i/accounts), m)
			return err
		})
	}
	if err := in(0, pause); err != nil {
		return nil, err
	}
	measured()
	return all, in(pause, n)
}

// leave signs those out who are beyond n.
func leave(all []*client, n int) []*client {
	for _, c := range all[min(n, len(all)):] {
		c.close()
	}
	time.Sleep(500 * time.Millisecond)
	return all[:min(n, len(all))]
}

// crowd does the same for a desk, whose patrons and operators are different things. They are spread over all nodes, and
// the memory is that of all nodes.
func (d *desk) crowd(sc scale, f figures) error {
	m := newMeter()
	anywhere := func(i int) demo.Member { return d.at(i) }
	f["fresh"] = float64(total(resident(d.pids()))) / 3 / 1024
	owners, err := d.operators(0, receivers, anywhere, m)
	if err != nil {
		return err
	}
	passing, err := d.attend(sc.patrons/5, owners, anywhere, m) // what grows once only is not theirs
	if err != nil {
		return err
	}
	for _, p := range passing {
		p.cut()
	}
	time.Sleep(sc.settle)
	before := total(resident(d.pids()))
	patrons, err := d.attend(sc.patrons, owners, anywhere, m)
	if err != nil {
		return err
	}
	d.patrons = append(d.patrons, patrons)
	time.Sleep(sc.settle)
	after := total(resident(d.pids()))
	f["per patron"] = float64(after-before) / float64(sc.patrons)
	staff, err := signInAll(d, sc.staff, sc.staff, m, func() {
		time.Sleep(sc.settle)
		f["per staff"] = float64(total(resident(d.pids()))-after) / float64(sc.staff)
	})
	if err != nil {
		return err
	}
	staff = leave(staff, sc.stormedStaff)
	patrons = patrons[:sc.stormed]
	took, err := storm(staff, patrons, func(i int) (*client, error) {
		addr, domain := d.reach(i)
		return connect(addr, domain, d.who[i%accounts], "back"+fmt.Sprint(i/accounts), m)
	}, func(i int) error { return patrons[i].comeBack(anywhere(i).HTTP) })
	if err != nil {
		return err
	}
	f["storm"] = took.Seconds()
	return nil
}

// storm cuts all connections at once and has everybody come back, so many at a time as there are people, under another
// resource: ejabberd makes a client wait that takes the name of one whose session might be resumed.
func storm(staff []*client, patrons []*patron, staffBack func(int) (*client, error), patronBack func(int) error) (time.Duration, error) {
	for _, c := range staff {
		c.cut()
	}
	for _, p := range patrons {
		p.cut()
	}
	for _, c := range staff {
		<-c.ended
	}
	for _, p := range patrons {
		<-p.ended
	}
	began := time.Now()
	n := len(staff) + len(patrons)
	back := make([]*client, len(staff))
	err := each(n, n, func(i int) (err error) {
		if i < len(staff) {
			back[i], err = staffBack(i)
			return err
		}
		return patronBack(i - len(staff))
	})
	took := time.Since(began)
	for _, c := range back {
		if c != nil {
			c.conn.Close()
		}
	}
	return took, err
}
