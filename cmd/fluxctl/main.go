// Command fluxctl is the remote control of robots that run fluxd: it reads, tunes and watches them over MQTT alone, so it works
// from any machine that reaches the broker.
//
//	fluxctl get                                   every parameter with its value, unit and range
//	fluxctl set network.neurons.eye_l.threshold=90        one transaction: all of it or nothing
//	fluxctl watch                                 sensors, actuators and health, live
//
// It ends with 0 when done, 1 when the robot refused, 2 when it was called wrongly, 3 without a broker, a robot or an answer, 4
// when its output cannot be written.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"fluxd/bridge/protocol"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// What fluxctl ends with.
const (
	exitOK      = 0
	exitRefused = 1 // by the robot
	exitUsage   = 2
	exitAbsent  = 3 // no broker, no robot or no answer
	exitUnsaid  = 4 // what it had to print could not be written
)

// failure is an error with what fluxctl ends with. Every other error is one of usage.
type failure struct {
	code int
	error
}

func (f failure) Unwrap() error { return f.error }

func absent(format string, args ...any) error {
	return failure{exitAbsent, fmt.Errorf(format, args...)}
}

// run executes a command line and returns what the process ends with.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	stderr = filter{stderr}
	root := command(stderr)
	root.SetArgs(args)
	said := &checked{Writer: stdout}
	root.SetOut(said)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case errors.Is(said.failed, syscall.EPIPE):
		return exitOK // the reader of the pipe has gone, and knows it
	case said.failed != nil && err != nil && !errors.Is(err, said.failed): // it was not done, and that is what counts
		err = fmt.Errorf("%w; nor can the output be written: %v", err, said.failed)
	case said.failed != nil:
		err = failure{exitUnsaid, fmt.Errorf("it was done, but what there is to say of it cannot be written: %w", said.failed)}
	}
	if err == nil {
		return exitOK
	}
	code := exitUsage
	var f failure
	if errors.As(err, &f) {
		code = f.code
	}
	asJSON, _ := root.PersistentFlags().GetBool("json")
	if asJSON || slices.Contains(args, "--json") { // a line that cannot be understood may not have been read so far
		_ = printJSON(stderr, shown(code, err)) // a program that does not read it has the code
		return code
	}
	fmt.Fprintln(stderr, "fluxctl:", err)
	if code == exitUsage {
		fmt.Fprintln(stderr, "try: fluxctl --help")
	}
	return code
}

// shownError is an error as --json prints it on the standard error output.
type shownError struct {
	Exit  int             `json:"exit"`
	Error *protocol.Error `json:"error"`
}

// shown gives errors that are not the robot's own a code as well.
func shown(code int, err error) shownError {
	var e *protocol.Error
	if !errors.As(err, &e) {
		e = &protocol.Error{Code: map[int]protocol.Code{exitUsage: "usage", exitAbsent: "absent", exitUnsaid: "unsaid", exitRefused: protocol.Internal}[code], Message: err.Error()}
	}
	return shownError{Exit: code, Error: e}
}
