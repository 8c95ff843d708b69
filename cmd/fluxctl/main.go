// Command fluxctl is the remote control of robots that run fluxd. It reads, tunes and watches them over MQTT, so it works from
// any machine that reaches the broker.
//
//	fluxctl get                                       every parameter with its value, unit and range
//	fluxctl set network.neurons.eye_l.threshold=90    change parameters, all or none
//	fluxctl watch                                     sensors, actuators and health, live
//
// Exit codes: 0 done, 1 the robot refused, 2 wrong command line, 3 no broker, no robot or no answer, 4 the output could not be
// written.
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
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/internal/printable"
	"fluxd/cmd/internal/usage"
)

// version is set by the linker (see Makefile).
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitOK      = outcome.OK
	exitRefused = outcome.Refused
	exitUsage   = outcome.Usage
	exitAbsent  = outcome.Absent
	exitOutput  = outcome.Output
)

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	stderr = printable.Writer{Writer: stderr}
	root := command(stderr)
	root.SetArgs(args)
	output := &checked{Writer: stdout}
	root.SetOut(output)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case errors.Is(output.failed, syscall.EPIPE):
		return exitOK // the reader of the pipe has closed it
	case output.failed != nil && err != nil && !errors.Is(err, output.failed): // the command failed: that matters more
		err = fmt.Errorf("%w; the output cannot be written either: %v", err, output.failed)
	case output.failed != nil:
		unsaid := fmt.Errorf("the command was done, but its output cannot be written: %w", output.failed)
		err = outcome.Failure{Exit: exitOutput, Err: unsaid}
	}
	if err == nil {
		return exitOK
	}
	code := outcome.Code(err)
	asJSON, _ := root.PersistentFlags().GetBool("json")
	if asJSON || slices.Contains(args, "--json") { // parsing may have stopped at a mistake before it reached --json
		_ = printJSON(stderr, shown(code, err)) // when this fails, the exit code is left
		return code
	}
	fmt.Fprintln(stderr, "fluxctl:", usage.Text(err))
	if code == exitUsage {
		fmt.Fprintf(stderr, "try: %s --help\n", usage.Command(root, args))
	}
	return code
}

// shownError is an error as --json prints it on stderr.
type shownError struct {
	Exit  int             `json:"exit"`
	Error *protocol.Error `json:"error"`
}

// codes are the codes of errors that do not come from the robot.
var codes = map[int]protocol.Code{
	exitRefused: protocol.Internal,
	exitUsage:   "usage",
	exitAbsent:  "absent",
	exitOutput:  "unsaid",
}

func shown(code int, err error) shownError {
	var e *protocol.Error
	if !errors.As(err, &e) {
		e = &protocol.Error{Code: codes[code], Message: usage.Text(err)}
	}
	return shownError{Exit: code, Error: e}
}
