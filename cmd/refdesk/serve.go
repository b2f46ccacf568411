// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"

	"refdesk/cmd/internal/config"
	"refdesk/cmd/internal/demo"
	"refdesk/cmd/internal/node"
)

func runServe(ctx context.Context, in *invocation) error {
	file := in.flags.String("c", "", "the configuration `FILE`")
	if err := in.parse(); err != nil {
		return err
	}
	cfg, err := loadConfig(*file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := endWithParent(cancel); err != nil {
		return err
	}
	n, err := node.Open(cfg, logger(cfg, in.stderr))
	if err != nil {
		return err
	}
	if err := n.Run(ctx); !errors.Is(err, node.ErrLeft) {
		return err
	}
	fmt.Fprintf(in.stdout, "%s has left the desk; %s can be deleted.\n", cfg.Cluster.ID, cfg.Desk.Dir)
	return nil
}

func loadConfig(file string) (config.Config, error) {
	if file == "" {
		return config.Config{}, usagef("-c FILE is missing")
	}
	return config.Load(file)
}

func logger(cfg config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// endWithParent ends the node when the demo that started it is gone: the pipe that it handed down closes.
func endWithParent(cancel context.CancelCauseFunc) error {
	value := os.Getenv(demo.ParentEnv)
	if value == "" {
		return nil
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < 3 {
		return fmt.Errorf("%s=%q is not a descriptor; unset it", demo.ParentEnv, value)
	}
	pipe := os.NewFile(uintptr(fd), "parent")
	go func() { // ends with the process: a blocked read of the pipe is all it does
		_, _ = io.Copy(io.Discard, pipe)
		cancel(nil)
	}()
	return nil
}
