//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"fluxd/cmd/fluxd/daemon"
)

// outlive keeps a process that answers for actuators from being ended or suspended by what leaves them as they are, for as long as it lives.
// A terminal sends its signals to the parent and the child at once, so that neither could help the other.
//
// The context that it returns ends with a signal to quit (ctrl-\) too. The stops are an emergency stop each: for whoever has a shell, kill -USR1;
// and ctrl-Z, since a robot that is suspended is one that runs away. A log that nobody reads any more, and a terminal that belongs to somebody
// else, are errors of a write like any other.
func outlive(ctx context.Context) (_ context.Context, stops <-chan os.Signal) {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGTTIN, syscall.SIGTTOU)
	ctx, _ = signal.NotifyContext(ctx, syscall.SIGQUIT)
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGTSTP)
	return ctx, c
}

// forward hands stops on to the child until the function that it returns is called. The context's end is a request to end in order.
func forward(ctx context.Context, child *os.Process, stops <-chan os.Signal) (stop func()) {
	ended := make(chan struct{})
	go func() {
		asked := ctx.Done()
		for {
			select {
			case <-ended:
				return
			case s := <-stops:
				_ = child.Signal(s) // it may have ended meanwhile
			case <-asked:
				_ = child.Signal(syscall.SIGTERM)
				asked = nil
			}
		}
	}()
	return func() { close(ended) }
}

// stopOnSignal makes an emergency stop of each of the stops, until the context ends.
func stopOnSignal(ctx context.Context, r *daemon.Robot, stops <-chan os.Signal) {
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case s := <-stops:
				who := "signal " + s.String()
				if s == syscall.SIGTSTP {
					who = "ctrl-Z"
				}
				r.EmergencyStop(who)
			}
		}
	}()
}

// keepFromChildren closes an inherited file in the processes that this one starts: its end must be the end of this process, and of no other.
func keepFromChildren(file int) { syscall.CloseOnExec(file) }
