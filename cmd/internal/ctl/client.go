// SPDX-License-Identifier: Apache-2.0

package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// Call sends one command to the node that runs on dir and decodes its result into result, a pointer or nil. A refusal
// comes back as *Error; where no node answers, the error wraps ErrNotRunning.
func Call(ctx context.Context, dir, cmd string, args, result any) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("encode arguments of %s: %w", cmd, err)
	}
	q, err := json.Marshal(request{cmd, raw})
	if err != nil {
		return fmt.Errorf("encode %s: %w", cmd, err)
	}
	if len(q) >= maxRequest {
		return &Error{"too-large", fmt.Sprintf("%s: the arguments are too large", cmd)}
	}
	p, err := open(dir)
	if err != nil {
		return err
	}
	defer p.close()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", p.join(Name))
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w", dir, ErrNotRunning)
	}
	defer c.Close()
	return exchange(ctx, c, cmd, append(q, '\n'), result)
}

func exchange(ctx context.Context, c net.Conn, cmd string, q []byte, result any) error {
	limit := time.Now().Add(readTime + workTime + writeTime)
	if t, ok := ctx.Deadline(); ok && t.Before(limit) {
		limit = t
	}
	c.SetDeadline(limit)
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := c.Write(q); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("send %s: %w", cmd, err))
	}
	line, err := readLine(c, maxResponse)
	if err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("answer to %s: %w", cmd, err))
	}
	var r response
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("answer to %s: %w", cmd, err)
	}
	if r.Error != "" {
		return &Error{r.Code, r.Error}
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		return fmt.Errorf("answer to %s: %w", cmd, err)
	}
	return nil
}
