//go:build !unix

package main

import (
	"context"
	"os"

	"fluxd/cmd/fluxd/daemon"
)

// outlive does nothing: there are no such signals here.
func outlive(ctx context.Context) (_ context.Context, stops <-chan os.Signal) { return ctx, nil }

// forward ends the child when the context ends: there are no other signals here.
func forward(ctx context.Context, child *os.Process, _ <-chan os.Signal) (stop func()) {
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

// stopOnSignal does nothing: there are no such signals here.
func stopOnSignal(context.Context, *daemon.Robot, <-chan os.Signal) {}

// keepFromChildren has nothing to do: there is no supervision here.
func keepFromChildren(int) {}
