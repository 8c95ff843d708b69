// Package actuators drives the things that act, motors, servos and outputs that only have a name, and keeps them safe.
//
// A device takes one number, a Command. It is driven through a Guard and through nothing else: the guard starts it at its failsafe
// value, keeps commands within their range, lets them change no faster than the slew rate, repeats writes that failed, and brings the
// device to its failsafe value for good when the robot stops, for whatever reason:
//
//	wheel, err := actuators.NewHBridge(pwm, direction, nil, nil) // two gpio pins of the board, no standby, options as by default
//	// ...
//	guard, err := actuators.NewGuard(wheel, actuators.GuardOpts{Min: -actuators.Full, Max: actuators.Full, Slew: 4_000_000})
//	// ...
//	defer guard.Failsafe()              // at the end, and when the program panics
//	err = guard.Start(at)               // at: time since the robot started; writes the failsafe value
//	guard.Set(at, actuators.Full/2)     // a wish
//	for due, ok := guard.Due(); ok; due, ok = guard.Due() {
//		err = guard.Step(sleepUntil(due)) // writes what is due
//	}
//
// Kinds lists all sorts of devices. Each has one struct of options beside its driver: their tags are the keys of a robot file,
// with defaults, limits and documentation. A constructor holds its caller to the same limits.
//
// Nothing here sleeps, reads a clock or starts a goroutine: the caller sleeps until Due and hands the time in.
package actuators

import "periph.io/x/conn/v3"

// Command is what a device is told: millionths of full scale, from -1,000,000 (full reverse, the servo's one end) to 1,000,000 (full
// forward, its other end). A Label takes an index instead.
type Command int64

// Full is the largest command.
const Full Command = 1_000_000

// A Device acts. Its String names the device and where it is; Halt lets it go: no torque, no pulses. A device is driven by its Guard.
type Device interface {
	conn.Resource
	// Drive does as commanded, at once. A command that the device does not know is an error, and changes nothing.
	Drive(c Command) error
}
