// Package outcome has the exit codes of fluxctl, and errors that carry one:
//
//	err := outcome.Absentf("robot %s did not answer within %v", name, patience)
//	os.Exit(outcome.Code(err)) // 3
package outcome

import (
	"errors"
	"fmt"
)

// Exit codes.
const (
	OK      = 0
	Refused = 1 // the robot refused the request
	Usage   = 2 // the command line is wrong
	Absent  = 3 // no broker, no robot or no answer
	Output  = 4 // the output could not be written
)

// Failure is an error with its exit code.
type Failure struct {
	Exit int
	Err  error
}

// Error returns the text of the error.
func (f Failure) Error() string { return f.Err.Error() }

// Unwrap returns the error.
func (f Failure) Unwrap() error { return f.Err }

// Absentf makes an error for a broker, a robot or an answer that is missing.
func Absentf(format string, args ...any) error {
	return Failure{Absent, fmt.Errorf(format, args...)}
}

// Code returns the exit code of an error: Usage for one that carries none, OK for nil.
func Code(err error) int {
	var f Failure
	switch {
	case err == nil:
		return OK
	case errors.As(err, &f):
		return f.Exit
	}
	return Usage
}
