// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"syscall"
	"time"
)

// failoverMost is from a fault of the leader to the next acknowledged line, on a machine that does nothing else.
const failoverMost = 3 * time.Second

// faults are the rows of the matrix, in the order of 7-cluster's list.
func faults() []fault {
	rows := []fault{
		{name: "kill -9 the only node", nodes: 1, round: func(x *trial) { x.kill(0); x.again(0) }},
		{name: "kill -9 the leader", nodes: 3, most: failoverMost, round: func(x *trial) {
			i := x.leader()
			x.strike()
			x.kill(i)
			x.crowd.after(x.hit)
			x.again(i)
		}},
		{name: "kill -9 a follower", nodes: 3, most: failoverMost, round: func(x *trial) {
			i := x.follower(x.n)
			x.strike()
			x.kill(i)
			x.crowd.more(crowdSize)
			x.again(i)
		}},
		{name: "kill -9 all nodes", nodes: 3, round: func(x *trial) {
			for i := range x.nodes {
				x.kill(i)
			}
			x.restartAll()
		}},
		{name: "stop 0.3 s", nodes: 3, round: func(x *trial) { x.pause(300 * time.Millisecond) }},
		{name: "stop 3 s", nodes: 3, everyday: true, most: failoverMost, round: func(x *trial) { x.pause(3 * time.Second) }},
		{name: "stop 30 s", nodes: 3, most: failoverMost, round: func(x *trial) { x.pause(30 * time.Second) }},
	}
	rows = append(rows, networkFaults()...)
	return append(rows, diskFaults()...)
}

// restartAll starts all nodes at once and waits for them.
func (x *trial) restartAll() {
	for i := range x.nodes {
		x.start(i)
	}
	for i := range x.nodes {
		x.ready(i)
	}
}

// pause stops the leader with SIGSTOP, in every third round a follower, for so long.
func (x *trial) pause(d time.Duration) {
	i := x.leader()
	if x.n%3 == 2 {
		i = x.follower(x.n)
	}
	x.strike()
	x.signal(i, syscall.SIGSTOP)
	time.Sleep(d) // this is the fault
	x.signal(i, syscall.SIGCONT)
	x.ready(i)
}

// networkFaults are those of the lines between the nodes.
func networkFaults() []fault {
	const long = 5 * time.Second
	row := func(name string, round func(x *trial)) fault {
		return fault{name: name, nodes: 3, needs: []string{"netns"}, hosts: true, round: func(x *trial) {
			round(x)
			x.net.heal()
			for i := range x.nodes {
				x.ready(i)
			}
		}}
	}
	rows := []fault{
		row("partition, leader alone", func(x *trial) {
			i := x.leader()
			x.strike()
			x.net.alone(i)
			x.refuses(i)
			time.Sleep(long) // this is the fault
		}),
		row("partition, follower alone", func(x *trial) {
			i := x.follower(x.n)
			x.strike()
			x.net.alone(i)
			x.refuses(i)
			time.Sleep(long)
		}),
		row("partition, leader does not hear", func(x *trial) {
			i := x.leader()
			x.strike()
			for j := range x.nodes {
				x.net.set(j, i, rule{cut: true})
			}
			time.Sleep(long)
		}),
		row("partition, leader is not heard", func(x *trial) {
			i := x.leader()
			x.strike()
			for j := range x.nodes {
				x.net.set(i, j, rule{cut: true})
			}
			time.Sleep(long)
		}),
		row("partition, follower does not hear", func(x *trial) {
			i := x.follower(x.n)
			x.strike()
			for j := range x.nodes {
				x.net.set(j, i, rule{cut: true})
			}
			time.Sleep(long)
		}),
		row("partition, bridge", func(x *trial) {
			i := x.leader()
			j := (i + 1 + x.n%2) % 3 // the third reaches both
			if x.n%3 == 2 {
				i = (i + 2 - x.n%2) % 3 // and here the leader does
			}
			x.strike()
			x.net.set(i, j, rule{cut: true})
			x.net.set(j, i, rule{cut: true})
			time.Sleep(long)
		}),
		row("100 ms and 2 % loss", func(x *trial) {
			x.strike()
			x.net.all(rule{delay: 100 * time.Millisecond, loss: 0.02})
			time.Sleep(2 * long)
		}),
	}
	rows[0].everyday = true
	rows[0].most, rows[1].most = failoverMost, failoverMost
	return rows
}

// diskFaults are those of the disks.
func diskFaults() []fault {
	return nil
}
