//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"fluxd/cmd/fluxd/daemon"
)

// surviveSignals keeps signals from ending or suspending this process while its actuators move. A terminal sends its signals to
// the parent and to the child at the same time, so neither could help the other.
//
//   - ctrl-\ (SIGQUIT) ends the returned context, as ctrl-C does.
//   - ctrl-Z (SIGTSTP) and kill -USR1 are received from stops. Each is an emergency stop: a suspended robot could not react.
//   - SIGPIPE, SIGTTIN and SIGTTOU are ignored. A write to a closed pipe or to another process's terminal then returns an error.
func surviveSignals(ctx context.Context) (_ context.Context, stops <-chan os.Signal) {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGTTIN, syscall.SIGTTOU)
	ctx, _ = signal.NotifyContext(ctx, syscall.SIGQUIT)
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGUSR1, syscall.SIGTSTP)
	return ctx, c
}

// forward sends the stops on to the child, and SIGTERM when the context ends, until the returned function is called.
func forward(ctx context.Context, child *os.Process, stops <-chan os.Signal) (stop func()) {
	ended := make(chan struct{})
	go func() {
		asked := ctx.Done()
		for {
			select {
			case <-ended:
				return
			case s := <-stops:
				_ = child.Signal(s) // it may have ended already
			case <-asked:
				_ = child.Signal(syscall.SIGTERM)
				asked = nil
			}
		}
	}()
	return func() { close(ended) }
}

// stopOnSignal makes an emergency stop for each signal received from stops, until the context ends.
func stopOnSignal(ctx context.Context, r *daemon.Robot, stops <-chan os.Signal) {
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case s := <-stops:
				who := "signal SIGUSR1"
				if s == syscall.SIGTSTP {
					who = "ctrl-Z"
				}
				r.EmergencyStop(who)
			}
		}
	}()
}

// closeInChildren closes an inherited file in the processes that this one starts. The other end of the pipe must close when this
// process ends, even if its children live on.
func closeInChildren(file int) { syscall.CloseOnExec(file) }

// apart puts a process into a group without the others that the terminal sends its signals to.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// become replaces this process by a new one of a program. It returns only with an error.
func become(program string, args []string) error { return syscall.Exec(program, args, os.Environ()) }
