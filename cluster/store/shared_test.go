// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"refdesk/cluster/desk"
)

// What is shared between readers is never newer or older than what the database shows them.
func TestSharedRecordsBelongToTheSnapshot(t *testing.T) {
	s := open(t, t.TempDir())
	const commits, keys = 400, 3
	write := func(n int, same bool) {
		tx := begin(t, s)
		for k := range keys {
			if key := "k" + strconv.Itoa(k); n%7 == 3 {
				tx.Delete("setting", key, nil)
			} else {
				tx.Put("setting", key, []byte(strconv.Itoa(n)), nil, nil)
			}
		}
		if !same {
			tx.SetApplied(uint64(n), 1)
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
	}
	write(1, false)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for last := 0; ; {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.View(context.Background(), func(src desk.Source) error {
					got, err := look(src, keys)
					if err == nil && got != 0 && got < last {
						err = fmt.Errorf("%d after %d", got, last)
					}
					last = max(last, got)
					return err
				}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := 2; n <= commits; n++ {
		write(n, n%50 == 0) // an index that stands still tells nothing apart
	}
	close(stop)
	readers.Wait()
	if err := s.View(context.Background(), func(src desk.Source) error {
		if got, err := look(src, keys); err != nil || got != commits {
			return fmt.Errorf("%d, %w; want %d", got, err, commits)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// look reads all keys one by one and at once, and returns the commit that they are of; 0 if they are deleted.
func look(src desk.Source, keys int) (int, error) {
	var one []string
	for k := range keys {
		data, ok := src.Get("setting", "k"+strconv.Itoa(k))
		if ok != (len(data) > 0) {
			return 0, fmt.Errorf("%q, %t", data, ok)
		}
		if ok {
			one = append(one, string(data))
		}
	}
	var all []string
	for _, data := range src.Scan("setting", desk.Range{}) {
		all = append(all, string(data))
	}
	if fmt.Sprint(one) != fmt.Sprint(all) {
		return 0, fmt.Errorf("read one by one %q, at once %q", one, all)
	}
	for _, x := range all {
		if x != all[0] {
			return 0, fmt.Errorf("a torn state: %q", all)
		}
	}
	if len(all) == 0 {
		return 0, nil
	}
	return strconv.Atoi(all[0])
}
