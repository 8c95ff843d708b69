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
// No sensor here sleeps, reads a clock or starts a goroutine: time is handed in, and the caller decides when to read. A read of a
// bus can block as long as the bus does, so a daemon gives each bus a goroutine of its own.
package sensors

import (
	"time"

	"periph.io/x/conn/v3"
)

// A Sensor gives readings. Its String names the device and where it is; Halt puts it to rest.
type Sensor interface {
	conn.Resource
	// Sample takes one reading, in millionths of Unit. The time is counted from the start of the robot and never goes back from one
	// call to the next.
	Sample(at time.Duration) (int64, error)
	// Unit is the unit of a reading, "lx" or "m"; "" for a pure number.
	Unit() string
}

// An EdgeSensor is a sensor that can say when it is worth a look.
type EdgeSensor interface {
	Sensor
	// WaitForEdge blocks until the sensor wants to be sampled, at most as long as the timeout; false when that ran out. It may wait in
	// one goroutine while Sample is called in another.
	WaitForEdge(timeout time.Duration) bool
}
