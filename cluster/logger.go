// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// logger hands what raft and its log have to say to slog, at debug: what matters of it the node says itself.
type logger struct {
	to      *slog.Logger
	name    string
	implied []any
}

func newLogger(to *slog.Logger) hclog.Logger { return &logger{to: to, name: "raft"} }

func (l *logger) say(level hclog.Level, msg string, args []any) {
	if !l.IsDebug() {
		return
	}
	for i, a := range args {
		switch v := a.(type) {
		case hclog.Format:
			args[i] = fmt.Sprintf(v[0].(string), v[1:]...)
		case fmt.Stringer:
			args[i] = v.String()
		}
	}
	l.to.Debug(msg, append([]any{"component", l.name, "says", level.String()}, args...)...)
}

func (l *logger) Log(level hclog.Level, msg string, args ...any) { l.say(level, msg, args) }
func (l *logger) Trace(string, ...any)                           {}
func (l *logger) Debug(msg string, args ...any)                  { l.say(hclog.Debug, msg, args) }
func (l *logger) Info(msg string, args ...any)                   { l.say(hclog.Info, msg, args) }
func (l *logger) Warn(msg string, args ...any)                   { l.say(hclog.Warn, msg, args) }
func (l *logger) Error(msg string, args ...any)                  { l.say(hclog.Error, msg, args) }

func (l *logger) IsTrace() bool { return false }
func (l *logger) IsDebug() bool { return l.to.Enabled(context.Background(), slog.LevelDebug) }
func (l *logger) IsInfo() bool  { return l.IsDebug() }
func (l *logger) IsWarn() bool  { return l.IsDebug() }
func (l *logger) IsError() bool { return l.IsDebug() }

func (l *logger) ImpliedArgs() []any { return l.implied }

func (l *logger) With(args ...any) hclog.Logger {
	return &logger{to: l.to.With(args...), name: l.name, implied: append(l.implied[:len(l.implied):len(l.implied)], args...)}
}

func (l *logger) Name() string { return l.name }

func (l *logger) Named(name string) hclog.Logger {
	return &logger{to: l.to, name: l.name + "." + name, implied: l.implied}
}

func (l *logger) ResetNamed(name string) hclog.Logger {
	return &logger{to: l.to, name: name, implied: l.implied}
}

func (l *logger) SetLevel(hclog.Level) {}

func (l *logger) GetLevel() hclog.Level {
	if l.IsDebug() {
		return hclog.Debug
	}
	return hclog.Off
}

func (l *logger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(io.Discard, "", 0)
}

func (l *logger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return io.Discard }
