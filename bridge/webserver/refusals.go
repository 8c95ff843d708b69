package webserver

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Refusal is why something was refused, for the log.
type Refusal string

// What the server itself refuses.
const (
	TooManyConnections Refusal = "too many connections"
	TooManyRequests    Refusal = "too many requests"
	WrongHost          Refusal = "wrong Host"
	WrongOrigin        Refusal = "wrong Origin"
	WrongRequest       Refusal = "wrong request"
)

// refusalsEvery is the time between two lines in the log about what was refused.
const refusalsEvery = 10 * time.Second

// refusals counts what was refused.
type refusals struct {
	log   *slog.Logger
	mutex sync.Mutex
	count map[Refusal]int
	last  string
}

func newRefusals(log *slog.Logger) *refusals { return &refusals{log: log, count: map[Refusal]int{}} }

// add counts a refusal. Details says who or what was refused last.
func (r *refusals) add(why Refusal, details string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.count[why]++
	r.last = fmt.Sprintf("%s: %s", why, details)
}

// flush logs what was refused since the last call.
func (r *refusals) flush() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.count) == 0 {
		return
	}
	var all []string
	for _, why := range slices.Sorted(maps.Keys(r.count)) {
		all = append(all, fmt.Sprintf("%s: %d", why, r.count[why]))
	}
	r.log.Warn("refused", "what", strings.Join(all, ", "), "last", r.last)
	clear(r.count)
}

// run logs what is refused, until the context ends.
func (r *refusals) run(ctx context.Context) {
	defer r.flush()
	every := time.NewTicker(refusalsEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			r.flush()
		}
	}
}
