// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"math/rand/v2"
	"slices"
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
	return slices.Concat(rows, networkFaults(), diskFaults(), logFaults(), timeFaults(), powerFaults(), changeFaults())
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

// timeFaults are those of the clocks: one node, which gets to lead, has the wrong time.
func timeFaults() []fault {
	var rows []fault
	for name, shift := range map[string]string{"clock 1 h ahead": "3600", "clock 1 h behind": "-3600"} {
		rows = append(rows, fault{name: name, nodes: 3, program: (*variants).shifted, round: func(x *trial) {
			const wrong = 0
			if x.n == 0 {
				x.end(wrong)
				x.nodes[wrong].env = []string{clockEnv + "=" + shift}
				x.again(wrong)
			}
			for range 20 { // until the lot falls on it
				i := x.leader()
				if i == wrong {
					break
				}
				x.end(i)
				x.crowd.after(time.Now())
				x.again(i)
			}
			x.crowd.more(2 * crowdSize)
			if x.leader() != wrong {
				x.remark("the node with the wrong clock never led")
			}
			x.strike()
			x.kill(wrong)
			x.crowd.after(x.hit)
			x.again(wrong)
		}})
	}
	slices.SortFunc(rows, func(a, b fault) int { return len(a.name) - len(b.name) })
	return rows
}

// powerFaults are power cuts: what was written and not synced is gone.
func powerFaults() []fault {
	cut := func(x *trial, nodes ...int) {
		x.strike()
		for _, i := range nodes {
			x.signal(i, syscall.SIGSTOP)
		}
		for _, i := range nodes {
			x.nodes[i].volume.cut()
		}
		for _, i := range nodes {
			x.kill(i)
		}
		if len(nodes) < len(x.nodes) {
			x.crowd.after(x.hit)
		}
		for _, i := range nodes {
			x.nodes[i].volume.again()
			x.start(i)
		}
		for _, i := range nodes {
			x.ready(i)
		}
	}
	return []fault{
		{name: "power cut, the only node", nodes: 1, needs: []string{"loop"}, disk: ".", round: func(x *trial) { cut(x, 0) }},
		{name: "power cut, the leader", nodes: 3, needs: []string{"loop"}, disk: ".", round: func(x *trial) { cut(x, x.leader()) }},
		{name: "power cut, a follower", nodes: 3, needs: []string{"loop"}, disk: ".", round: func(x *trial) { cut(x, x.follower(x.n)) }},
		{name: "power cut, all nodes", nodes: 3, needs: []string{"loop"}, disk: ".", round: func(x *trial) { cut(x, 0, 1, 2) }},
		{name: "restart storm", nodes: 3, round: func(x *trial) {
			x.strike()
			for range 12 {
				i := rand.IntN(len(x.nodes))
				if rand.IntN(2) == 0 {
					x.kill(i)
				} else {
					x.end(i)
				}
				x.start(i)
				time.Sleep(time.Duration(rand.IntN(700)) * time.Millisecond) // a storm has no rhythm
			}
			for i := range x.nodes {
				x.again(i)
			}
		}},
	}
}
