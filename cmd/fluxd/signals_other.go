//go:build !unix

package main

import (
	"context"
	"os"
	"os/exec"
	"syscall"

	"fluxd/cmd/fluxd/daemon"
)

// surviveSignals does nothing: this operating system has no such signals.
func surviveSignals(ctx context.Context) (_ context.Context, stops <-chan os.Signal) { return ctx, nil }

// forward kills the child when the context ends: this operating system has no signals to ask it.
func forward(ctx context.Context, child *os.Process, _ <-chan os.Signal) (stop func()) {
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case <-ctx.Done():
			_ = child.Kill() // it may have ended already
		}
	}()
	return func() { close(ended) }
}

// stopOnSignal does nothing: this operating system has no such signals.
func stopOnSignal(context.Context, *daemon.Robot, <-chan os.Signal) {}

// closeInChildren does nothing: children inherit no files on this operating system.
func closeInChildren(int) {}

// apart changes nothing.
func apart() *syscall.SysProcAttr { return nil }

// become runs a program, and ends with it. It returns only with an error.
func become(program string, args []string) error {
	c := exec.Command(program, args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.Start(); err != nil {
		return err
	}
	_ = c.Wait() // its exit code is ours
	os.Exit(c.ProcessState.ExitCode())
	return nil
}
