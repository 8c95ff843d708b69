package broker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// journal is the server's log. What it calls an error is mostly one of a client.
type serverLog struct {
	log    *slog.Logger
	failed chan<- error // the server cannot go on
}

func (j serverLog) Noticef(format string, v ...any) { j.log.Debug(fmt.Sprintf(format, v...)) }
func (j serverLog) Warnf(format string, v ...any)   { j.log.Debug(fmt.Sprintf(format, v...)) }
func (j serverLog) Debugf(string, ...any)           {}
func (j serverLog) Tracef(string, ...any)           {}

// Errorf logs what the server calls an error. Who is refused a subscription knows it, and fluxctl asks in that way what it may.
func (j serverLog) Errorf(format string, v ...any) {
	text, level := fmt.Sprintf(format, v...), slog.LevelWarn
	if strings.Contains(text, "Subscription Violation") {
		level = slog.LevelDebug
	}
	j.log.Log(context.Background(), level, text)
}

// Fatalf passes on why the server cannot go on: it does not end by itself.
func (j serverLog) Fatalf(format string, v ...any) {
	select {
	case j.failed <- fmt.Errorf(format, v...):
	default: // the first says it
	}
}

const (
	// logRate and logBurst bound the records of the log, a second and at once: what a client does can be logged without end.
	logRate  = 2
	logBurst = 20
	// logMost bounds the length of a record's text, in bytes.
	logMost = 500
)

// calm drops records of the log that come too fast, and counts them.
type limitedHandler struct {
	slog.Handler
	limit   *rate.Limiter
	dropped *atomic.Int64
}

func newLimitedHandler(h slog.Handler) *limitedHandler {
	return &limitedHandler{h, rate.NewLimiter(logRate, logBurst), &atomic.Int64{}}
}

// Handle passes a record on, or drops it.
func (c *limitedHandler) Handle(ctx context.Context, r slog.Record) error {
	if !c.limit.Allow() {
		c.dropped.Add(1)
		return nil
	}
	if len(r.Message) > logMost {
		r.Message = r.Message[:logMost] + "..."
	}
	if n := c.dropped.Swap(0); n > 0 {
		r.AddAttrs(slog.Int64("dropped", n))
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs keeps the handler calm.
func (c *limitedHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return &limitedHandler{c.Handler.WithAttrs(a), c.limit, c.dropped}
}

// WithGroup keeps the handler calm.
func (c *limitedHandler) WithGroup(name string) slog.Handler {
	return &limitedHandler{c.Handler.WithGroup(name), c.limit, c.dropped}
}
