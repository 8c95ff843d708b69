package bridge

import (
	"context"
	"time"

	"fluxd/bridge/protocol"
)

// ByHand takes commands and readings from somebody instead of the network and the world, and sets the zero of sensors: the verbs drive, sense
// and zero.
type ByHand interface {
	// Drive has an actuator obey a command for a time, instead of the network, which commands nothing from then on until Arm.
	Drive(ctx context.Context, who, actuator string, value float64, length time.Duration) error
	// Sense has a sensor of a simulated board read a value for a time, in the sensor's unit.
	Sense(ctx context.Context, sensor string, value float64, length time.Duration) error
	// Zero has what a sensor reads now be 0 from now on, and returns what that was, in the sensor's unit.
	Zero(ctx context.Context, who, sensor string) (was float64, err error)
}

func (b *Bridge) drive(ctx context.Context, who string, r protocol.Request, _ *protocol.Response) error {
	if r.Actuator == "" || !holds(r, protocol.MaxDrive) {
		return refuse(protocol.Malformed, `drive: expected an actuator, a value, and for how long, 1 to %d ms, `+
			`such as {"actuator":"left_wheel","value":0.3,"lease_ms":2000}`, protocol.MaxDrive.Milliseconds())
	}
	return b.robot.ByHand.Drive(ctx, who, r.Actuator, *r.Value, time.Duration(r.Lease)*time.Millisecond)
}

func (b *Bridge) sense(ctx context.Context, _ string, r protocol.Request, _ *protocol.Response) error {
	if r.Sensor == "" || !holds(r, protocol.MaxLease) {
		return refuse(protocol.Malformed, `sense: expected a sensor, a value, and for how long, 1 to %d ms, `+
			`such as {"sensor":"left_eye","value":300,"lease_ms":2000}`, protocol.MaxLease.Milliseconds())
	}
	return b.robot.ByHand.Sense(ctx, r.Sensor, *r.Value, time.Duration(r.Lease)*time.Millisecond)
}

func (b *Bridge) zero(ctx context.Context, who string, r protocol.Request, to *protocol.Response) error {
	if r.Sensor == "" {
		return refuse(protocol.Malformed, `zero: expected a sensor, such as {"sensor":"scale"}`)
	}
	was, err := b.robot.ByHand.Zero(ctx, who, r.Sensor)
	if err == nil {
		to.Was = &was
	}
	return err
}

// holds reports whether a request has a value, and says for how long it holds.
func holds(r protocol.Request, most time.Duration) bool {
	return r.Value != nil && finite(*r.Value) && r.Lease >= 1 && r.Lease <= most.Milliseconds()
}
