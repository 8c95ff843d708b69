package broker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// serverLog receives the log of the NATS server. Most of its errors are errors of clients.
type serverLog struct {
	log    *slog.Logger
	failed chan<- error // receives the reason if the server cannot go on
}

func (j serverLog) Noticef(format string, v ...any) { j.log.Debug(fmt.Sprintf(format, v...)) }
func (j serverLog) Warnf(format string, v ...any)   { j.log.Debug(fmt.Sprintf(format, v...)) }
func (j serverLog) Debugf(string, ...any)           {}
func (j serverLog) Tracef(string, ...any)           {}

// Errorf logs an error as a warning. A denied subscription is not worth one: fluxctl subscribes to find out what the user may do.
func (j serverLog) Errorf(format string, v ...any) {
	text, level := fmt.Sprintf(format, v...), slog.LevelWarn
	if strings.Contains(text, "Subscription Violation") {
		level = slog.LevelDebug
	}
	j.log.Log(context.Background(), level, text)
}

// Fatalf passes on why the server cannot go on. The server does not end by itself.
func (j serverLog) Fatalf(format string, v ...any) {
	select {
	case j.failed <- fmt.Errorf(format, v...):
	default: // the first reason is enough
	}
}

const (
	// logRate and logBurst bound the records of the log, per second and at once: clients can cause any number of them.
	logRate  = 2
	logBurst = 20
	// logMost bounds the length of a record's text, in bytes.
	logMost = 500
)

// limitedHandler drops records of the log that come too fast, and counts them.
type limitedHandler struct {
	slog.Handler
	limit   *rate.Limiter
	dropped *atomic.Int64
}

func newLimitedHandler(h slog.Handler) *limitedHandler {
	return &limitedHandler{h, rate.NewLimiter(logRate, logBurst), &atomic.Int64{}}
}

// Handle passes a record on, or drops it.
func (h *limitedHandler) Handle(ctx context.Context, r slog.Record) error {
	if !h.limit.Allow() {
		h.dropped.Add(1)
		return nil
	}
	if len(r.Message) > logMost {
		r.Message = r.Message[:logMost] + "..."
	}
	if n := h.dropped.Swap(0); n > 0 {
		r.AddAttrs(slog.Int64("dropped", n))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *limitedHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return &limitedHandler{h.Handler.WithAttrs(a), h.limit, h.dropped}
}

// WithGroup implements slog.Handler.
func (h *limitedHandler) WithGroup(name string) slog.Handler {
	return &limitedHandler{h.Handler.WithGroup(name), h.limit, h.dropped}
}
