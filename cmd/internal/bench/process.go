// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// processors is the processor time that each process has used so far, in user and system mode (proc_pid_stat(5)).
func processors(pids []int) []time.Duration {
	out := make([]time.Duration, len(pids))
	for i, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		out[i] = processorTime(data)
	}
	return out
}

// tick is the unit of /proc/PID/stat on Linux, whatever the kernel's own.
const tick = 10 * time.Millisecond

func processorTime(stat []byte) time.Duration {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name may hold anything
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(string(fields[11]))
	system, _ := strconv.Atoi(string(fields[12]))
	return time.Duration(user+system) * tick
}

func sum(d []time.Duration) (all time.Duration) {
	for _, x := range d {
		all += x
	}
	return all
}

// resident is the memory of each process, in KiB.
func resident(pids []int) []int {
	out := make([]int, len(pids))
	for i, pid := range pids {
		data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, rest, ok := bytes.Cut(data, []byte("VmRSS:")); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				out[i], _ = strconv.Atoi(string(f[0]))
			}
		}
	}
	return out
}

func total(kib []int) (all int) {
	for _, x := range kib {
		all += x
	}
	return all
}
