//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"fluxd/cmd/fluxd/daemon"
)

// stopSignal is the emergency stop for whoever has a shell: kill -USR1.
const stopSignal = syscall.SIGUSR1

// haltPatience is how long a child may take to end in order.
const haltPatience = 10 * time.Second

// forward hands signals on to the child until the function that it returns is called. The context's end is a request to end in order;
// a child that does not follow it is killed.
func forward(ctx context.Context, child *os.Process) (stop func()) {
	stops := make(chan os.Signal, 8)
	signal.Notify(stops, stopSignal)
	ended := make(chan struct{})
	go func() {
		asked := ctx.Done()
		var kill <-chan time.Time
		for {
			select {
			case <-ended:
				return
			case s := <-stops:
				_ = child.Signal(s) // it may have ended meanwhile
			case <-asked:
				_ = child.Signal(syscall.SIGTERM)
				asked, kill = nil, time.After(haltPatience)
			case <-kill:
				_ = child.Kill()
				kill = nil
			}
		}
	}()
	return func() { signal.Stop(stops); close(ended) }
}

// stopOnSignal makes an emergency stop of the signal, until the context ends.
func stopOnSignal(ctx context.Context, r *daemon.Robot) {
	stops := make(chan os.Signal, 1)
	signal.Notify(stops, stopSignal)
	go func() {
		defer signal.Stop(stops)
		for {
			select {
			case <-ctx.Done():
				return
			case s := <-stops:
				r.EmergencyStop("signal " + s.String())
			}
		}
	}()
}
