package bridge

import (
	"context"
	"time"

	"fluxd/bridge/protocol"
)

// ByHand lets users command actuators instead of the network, set readings instead of the simulated world, and set the zero of
// sensors: the verbs drive, sense and zero.
type ByHand interface {
	// Drive has an actuator obey a command for a time. From then on, until Arm, the network commands nothing.
	Drive(ctx context.Context, user, actuator string, value float64, length time.Duration) error
	// Sense has a sensor of a simulated board read a value for a time, in the sensor's unit.
	Sense(ctx context.Context, sensor string, value float64, length time.Duration) error
	// Zero makes the sensor's current reading count as 0, and returns that reading, in the sensor's unit.
	Zero(ctx context.Context, user, sensor string) (was float64, err error)
}

func (b *Bridge) drive(ctx context.Context, user string, r protocol.Request, _ *protocol.Response) error {
	if r.Actuator == "" || !hasLease(r, protocol.MaxDrive) {
		return refuse(protocol.Malformed, `drive: expected an actuator, a value and a lease_ms of 1 to %d, `+
			`such as {"actuator":"left_wheel","value":0.3,"lease_ms":2000}`, protocol.MaxDrive.Milliseconds())
	}
	return b.robot.ByHand.Drive(ctx, user, r.Actuator, *r.Value, time.Duration(r.Lease)*time.Millisecond)
}

func (b *Bridge) sense(ctx context.Context, _ string, r protocol.Request, _ *protocol.Response) error {
	if r.Sensor == "" || !hasLease(r, protocol.MaxLease) {
		return refuse(protocol.Malformed, `sense: expected a sensor, a value and a lease_ms of 1 to %d, `+
			`such as {"sensor":"left_eye","value":300,"lease_ms":2000}`, protocol.MaxLease.Milliseconds())
	}
	return b.robot.ByHand.Sense(ctx, r.Sensor, *r.Value, time.Duration(r.Lease)*time.Millisecond)
}

func (b *Bridge) zero(ctx context.Context, user string, r protocol.Request, to *protocol.Response) error {
	if r.Sensor == "" {
		return refuse(protocol.Malformed, `zero: expected a sensor, such as {"sensor":"scale"}`)
	}
	was, err := b.robot.ByHand.Zero(ctx, user, r.Sensor)
	if err == nil {
		to.Was = &was
	}
	return err
}

// hasLease reports whether a request has a value and says for how long it holds.
func hasLease(r protocol.Request, longest time.Duration) bool {
	return r.Value != nil && finite(*r.Value) && r.Lease >= 1 && r.Lease <= longest.Milliseconds()
}
