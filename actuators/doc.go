// Package actuators drives the devices that act (motors, servos, lamps, relays, and labels, which only have a name) and keeps
// them safe.
//
// A device accepts one number, a Command. It is driven only through a Guard. The guard starts it at its failsafe value, keeps
// commands within their range, limits how fast they change (the slew rate), and repeats writes that failed. When the robot stops,
// for whatever reason, it brings the device to its failsafe value for good:
//
//	wheel, err := actuators.NewHBridge(pwm, direction, nil, nil) // two gpio pins of the board, no standby, default options
//	// ...
//	guard, err := actuators.NewGuard(wheel, actuators.GuardOpts{Min: -actuators.Full, Max: actuators.Full, Slew: 4_000_000})
//	// ...
//	defer guard.Failsafe()              // at the end, and when the program panics
//	err = guard.Start(at)               // at: time since the robot started; writes the failsafe value
//	guard.Set(at, actuators.Full/2)     // requests a command
//	for due, ok := guard.Due(); ok; due, ok = guard.Due() {
//		err = guard.Step(sleepUntil(due)) // writes what is due
//	}
//
// Kinds lists all kinds of devices. Each kind has a struct of options beside its driver: the tags of that struct are the keys of
// a robot file, with defaults, limits and documentation. The constructors enforce the same limits.
//
// This package does not sleep, read a clock or start a goroutine: the caller sleeps until Due, and passes the time.
package actuators

import "periph.io/x/conn/v3"

// Command is what a device is to do, in millionths of full scale: from -1,000,000 (full reverse, one end of a servo) to 1,000,000
// (full forward, its other end). For a Label it is an index instead.
type Command int64

// Full is the largest command.
const Full Command = 1_000_000

// A Device acts. Its String names the device and its pins; Halt releases it: no torque, no pulses. Only its Guard may drive it.
type Device interface {
	conn.Resource
	// Drive carries out a command at once. A command outside the device's range is an error, and changes nothing.
	Drive(c Command) error
}
