//go:build !unix

package main

import (
	"context"
	"os"

	"fluxd/cmd/fluxd/daemon"
)

// forward ends the child when the context ends: there are no other signals here.
func forward(ctx context.Context, child *os.Process) (stop func()) {
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case <-ctx.Done():
			_ = child.Kill() // it may have ended meanwhile
		}
	}()
	return func() { close(ended) }
}

// stopOnSignal does nothing: there is no such signal here.
func stopOnSignal(context.Context, *daemon.Robot) {}
