// Package sensors reads the things that measure: light sensors, bumpers, and recordings played back as if they were live.
//
// A sensor sits on a pin or a bus of the periph.io interfaces and cannot tell a Raspberry Pi from a simulated board. It gives one
// number a reading, an integer count of millionths of its unit (µlx, µm), so that no reading is rounded twice and none depends on
// the processor's floating point:
//
//	eye, err := sensors.NewBH1750(bus, 0x23, nil)       // bus: an i2c.Bus of the board
//	if err != nil {
//		return err                                      // names the device, its address, its bus, and what to check
//	}
//	defer eye.Halt()                                    // powers the chip down
//	light, err := eye.Sample(at)                        // at: time since the robot started
//	if err == nil {
//		fmt.Println(light, "millionths of", eye.Unit())  // 250000000 millionths of lx
//	}
//
// No sensor here sleeps longer than a bus transfer takes, reads a clock or starts a goroutine: time is handed in, and the caller
// decides when to read. A read of a bus can block as long as the bus does, so a daemon gives each sensor a goroutine of its own.
//
// A robot whose sensor is unplugged must still start, and one that is plugged back must be used again. So making a sensor checks its
// options and touches no bus: the first Sample starts the chip, and so does the first one after a failure. A chip that measures
// several things has a Measure for each, a Sensor of its own that is read at a rate of its own; they share the chip and may be read
// from several goroutines.
//
// Each sort of sensor is a Kind, declared once, beside its driver: the keys that a robot file has for it, with their defaults, limits and
// documentation (the tags of its options), what it measures with them, its addresses on a bus, and how it is opened. KindOf finds one by
// its name, and Kinds lists them all:
//
//	kind, ok := sensors.KindOf("ina219")
//	opts := kind.New()                                  // a configuration sets them by their tags
//	device, err := opts.Open(parts)                     // parts: gives pins, buses and recordings by name
//	for _, m := range opts.Measures() {                 // current, voltage, power, shunt
//		sensor, err := device.Measure(m.Name)
//	}
//
// Where the time of an edge is the information (an echo, a wheel encoder), a sensor takes it from its pin, which has it from the
// kernel: see EdgePin.
package sensors

import (
	"errors"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/gpio"
)

// A Sensor gives readings. Its String names the device and where it is; Halt puts it to rest, until the next Sample.
type Sensor interface {
	conn.Resource
	// Sample takes one reading, in millionths of Unit. The time is counted from the start of the robot and never goes back from one
	// call to the next. ErrNotYet is no fault: there is no reading yet, or none at this call.
	Sample(at time.Duration) (int64, error)
	// Unit is the unit of a reading, "lx" or "m"; "" for a pure number.
	Unit() string
}

// ErrNotYet is what Sample fails with (errors.Is) while a chip has been started and has not finished its first measurement, and where
// readings come with edges alone.
var ErrNotYet = errors.New("no measurement yet")

// A Reading is what a sensor measured, in millionths of its unit, and when, counted from the start of the robot.
type Reading struct {
	At    time.Duration
	Value int64
}

// An EdgeSensor has readings that come with the edges of a pin, each at the time of its edge.
type EdgeSensor interface {
	Sensor
	// Next gives the oldest reading that has not been given yet. It blocks until there is one, at most as long as the timeout, and
	// reports false when that ran out; a timeout of 0 or less does not wait. Now is the time at which it is called; it never goes
	// back from one call of Next or Sample to the next.
	Next(now, timeout time.Duration) (Reading, bool)
	// LostEdges counts the edges that came faster than they were taken, and were dropped.
	LostEdges() uint64
}

// An EdgePin is a pin that keeps its edges, with their times, until somebody takes them: Linux stamps each edge as it happens. Edges
// are kept from In with an edge other than gpio.NoEdge on. What the pin has no room for is dropped and counted.
type EdgePin interface {
	gpio.PinIO
	// NextEdge takes the oldest edge: when it was, counted from the start of the robot, and the level after it. It blocks until
	// there is one, at most as long as the timeout, and reports false when that ran out; a timeout of 0 or less does not wait.
	NextEdge(timeout time.Duration) (at time.Duration, level gpio.Level, ok bool)
	// LostEdges counts the edges that were dropped.
	LostEdges() uint64
}
