// Package sensors has the drivers of everything that measures: light sensors, range finders, wheel encoders, bumpers, and
// recordings that are played back as if they were live.
//
// A driver works on a pin or a bus of the periph.io interfaces, so it runs unchanged on a Raspberry Pi and on a simulated
// board. A reading is one integer: the count of millionths of the sensor's unit (µlx, µm). So no reading is rounded twice, and
// none depends on the floating point of the processor:
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
// No driver sleeps, reads a clock or starts a goroutine: the caller decides when to read, and passes the time. A read takes as
// long as its bus transfers take, and can block as long as the bus does, so a daemon gives each sensor a separate goroutine.
//
// A robot must start when a sensor is unplugged, and must use the sensor again when it is plugged back in. So a constructor
// checks the options and leaves the bus alone: the first Sample starts the chip, and so does the first Sample after a failure.
// A chip that measures several things has a Measure for each. Every measure is a Sensor, which is read at any rate. Measures
// share their chip, and may be read from several goroutines.
//
// Each sort of sensor is a Kind, declared once, beside its driver. The kind says which keys a robot file has for the sensor,
// with their defaults, limits and documentation (the tags of its options), what the sensor measures with them, its addresses on
// a bus, and how it is opened. KindOf finds a kind by its name, and Kinds lists all of them:
//
//	kind, ok := sensors.KindOf("ina219")
//	opts := kind.New()                                  // a configuration sets them by their tags
//	device, err := opts.Open(parts)                     // parts: gives pins, buses and recordings by name
//	for _, m := range opts.Measures() {                 // current, voltage, power, shunt
//		sensor, err := device.Measure(m.Name)
//	}
//
// Where the time of an edge carries the information (an echo, a wheel encoder), a driver uses the time that the kernel stamped
// on the edge: see EdgePin.
package sensors

import (
	"errors"
	"time"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/gpio"
)

// A Sensor gives readings. Its String names the device and where it is. Halt puts the device to rest until the next Sample.
type Sensor interface {
	conn.Resource
	// Sample returns a reading, in millionths of Unit. The time is counted from the start of the robot, and never decreases
	// from one call to the next. ErrNotYet is not a fault: there is no reading yet, or none at this call.
	Sample(at time.Duration) (int64, error)
	// Unit is the unit of a reading, "lx" or "m"; "" for a pure number.
	Unit() string
}

// ErrNotYet is the error of Sample (errors.Is) while a chip that was started has not finished its first measurement, and for
// sensors whose readings come from EdgeSensor.Next alone.
var ErrNotYet = errors.New("no measurement yet")

// A Reading is a measured value, in millionths of the sensor's unit, with the time of the measurement, counted from the start of
// the robot.
type Reading struct {
	At    time.Duration
	Value int64
}

// An EdgeSensor has readings that come with the edges of a pin, each at the time of its edge.
type EdgeSensor interface {
	Sensor
	// Next returns the oldest reading that it has not returned yet. It blocks until there is one, at most for the timeout, and
	// reports false when the timeout is over; a timeout of 0 or less does not wait. Now is the time of the call; it never
	// decreases from one call of Next or Sample to the next.
	Next(now, timeout time.Duration) (Reading, bool)
	// LostEdges counts the edges that were dropped because they came faster than they were read.
	LostEdges() uint64
}

// An EdgePin is a pin that keeps its edges, with their times, until they are read: Linux stamps each edge as it happens. It keeps
// edges once In was called with an edge other than gpio.NoEdge. Edges that it has no room for are dropped and counted.
type EdgePin interface {
	gpio.PinIO
	// NextEdge removes and returns the oldest edge: its time, counted from the start of the robot, and the level after it. It
	// blocks until there is one, at most for the timeout, and reports false when the timeout is over; a timeout of 0 or less
	// does not wait.
	NextEdge(timeout time.Duration) (at time.Duration, level gpio.Level, ok bool)
	// LostEdges counts the edges that were dropped.
	LostEdges() uint64
}
