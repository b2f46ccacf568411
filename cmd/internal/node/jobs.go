// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"sync"
	"time"

	"refdesk/cmd/internal/ctl"
)

// lease is how long a job outlives the last question for it.
const lease = time.Minute

// jobs is work that takes longer than one answer of the admin socket may: the caller gets an id and asks how far it is.
type jobs struct {
	mu     sync.Mutex
	all    map[string]*job
	closed bool
	wg     sync.WaitGroup
}

type job struct {
	cancel context.CancelFunc
	expiry *time.Timer
	over   chan struct{}

	mu     sync.Mutex
	state  JobState
	forget func() // gives back what the result stands for
}

// JobArgs ask for a job's state; End ends it.
type JobArgs struct {
	ID  string
	End bool
}

// JobState is how far a job is.
type JobState struct {
	ID          string
	What        string `json:",omitempty"` // what it is doing
	Done, Total int    `json:",omitempty"`
	Over        bool
	Error       string          `json:",omitempty"`
	Result      json.RawMessage `json:",omitempty"`
}

// note tells what a job is doing.
type note func(what string, done, total int)

// start begins a job. Forget, which the work may return, is called when nobody asks for the job any more.
func (j *jobs) start(work func(ctx context.Context, tell note) (result any, forget func(), err error)) (JobState, error) {
	ctx, cancel := context.WithCancel(context.Background())
	x := &job{cancel: cancel, over: make(chan struct{}), state: JobState{ID: rand.Text()}}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		cancel()
		return JobState{}, &ctl.Error{Code: "stopping", Text: "the node is stopping"}
	}
	if j.all == nil {
		j.all = map[string]*job{}
	}
	j.all[x.state.ID] = x
	x.expiry = time.AfterFunc(lease, func() { j.end(x.state.ID) })
	j.wg.Go(func() {
		result, forget, err := work(ctx, x.tell)
		x.finish(result, forget, err)
		close(x.over)
	})
	return JobState{ID: x.state.ID}, nil
}

func (x *job) tell(what string, done, total int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state.What, x.state.Done, x.state.Total = what, done, total
}

func (x *job) finish(result any, forget func(), err error) {
	if err != nil {
		err = sentence(err)
	}
	data, bad := json.Marshal(result)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state.Over, x.forget = true, forget
	switch {
	case err != nil:
		x.state.Error = err.Error()
	case bad != nil:
		x.state.Error = "the answer can't be written as JSON"
	default:
		x.state.Result = data
	}
}

// ask answers how far a job is.
func (j *jobs) ask(_ context.Context, a JobArgs) (JobState, error) {
	if a.End {
		j.end(a.ID)
		return JobState{ID: a.ID, Over: true}, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	x := j.all[a.ID]
	if x == nil {
		return JobState{}, &ctl.Error{Code: "not-found", Text: "the node knows nothing of that work any more: it was started again, or nobody asked for a minute"}
	}
	x.expiry.Reset(lease)
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.state, nil
}

// end ends a job and forgets it.
func (j *jobs) end(id string) {
	j.mu.Lock()
	x := j.all[id]
	delete(j.all, id)
	j.mu.Unlock()
	if x == nil {
		return
	}
	x.expiry.Stop()
	x.cancel()
	x.clear()
}

// clear gives back what the job made, once it is over.
func (x *job) clear() {
	<-x.over
	if x.forget != nil {
		x.forget()
	}
}

// close ends all jobs and waits for them.
func (j *jobs) close() {
	j.mu.Lock()
	j.closed = true
	var ids []string
	for id := range j.all {
		ids = append(ids, id)
	}
	j.mu.Unlock()
	for _, id := range ids {
		j.end(id)
	}
	j.wg.Wait()
}
