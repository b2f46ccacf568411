// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// run starts a job and asks until it is over.
func run(t *testing.T, j *jobs, work func(ctx context.Context, tell note) (any, func(), error)) JobState {
	t.Helper()
	s, err := j.start(work)
	for err == nil && !s.Over {
		time.Sleep(askEvery)
		s, err = j.ask(t.Context(), JobArgs{ID: s.ID})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j jobs
		forgotten := 0
		forget := func() { forgotten++ }
		s := run(t, &j, func(_ context.Context, tell note) (any, func(), error) {
			tell("count", 1, 2)
			time.Sleep(time.Second)
			return 7, forget, nil
		})
		if string(s.Result) != "7" || s.What != "count" || s.Done != 1 || s.Total != 2 || forgotten != 0 {
			t.Errorf("it ended as %+v, forgotten %d times", s, forgotten)
		}
		time.Sleep(lease - time.Second)
		if _, err := j.ask(t.Context(), JobArgs{ID: s.ID}); err != nil {
			t.Errorf("a result that is asked for in time: %v", err)
		}
		time.Sleep(lease + time.Second)
		if _, err := j.ask(t.Context(), JobArgs{ID: s.ID}); err == nil || forgotten != 1 {
			t.Errorf("one that nobody asked for: %v, forgotten %d times", err, forgotten)
		}
		if s := run(t, &j, func(context.Context, note) (any, func(), error) { return nil, nil, errors.New("no luck") }); s.Error != "no luck" {
			t.Errorf("a failure: %+v", s)
		}
		ended := false
		s, err := j.start(func(ctx context.Context, _ note) (any, func(), error) {
			<-ctx.Done()
			ended = true
			return nil, nil, ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.ask(t.Context(), JobArgs{ID: s.ID, End: true}); err != nil || !ended {
			t.Errorf("ended by its caller: %v, %v", ended, err)
		}
		ended = false
		if _, err := j.start(func(ctx context.Context, _ note) (any, func(), error) {
			<-ctx.Done()
			ended = true
			return nil, forget, nil
		}); err != nil {
			t.Fatal(err)
		}
		j.close()
		if !ended || forgotten != 2 {
			t.Errorf("at the node's end: %v, forgotten %d times", ended, forgotten)
		}
		if _, err := j.start(nil); err == nil {
			t.Error("a job is taken after that")
		}
	})
}
