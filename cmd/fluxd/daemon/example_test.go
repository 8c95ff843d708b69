package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"
)

// This robot has a knob, a neuron that the knob excites, and a lamp that glows with the spikes of the neuron.
const robot = `robot: lamp
board: {kind: sim, world: table}
sensors:
  knob: {device: ads1115, bus: I2C1, address: 0x48, measure: a0, every: 20ms,
         encode: {kind: rate, range: [0 V, 3 V], max: 100 Hz, to: eager}}
network:
  neurons: {eager: {}}
actuators:
  lamp: {device: dimmer, pwm: GPIO12, decode: {kind: count, neuron: eager, full: 100 Hz, window: 200ms}}
mqtt: {broker: none}
`

// In real time, the robot is armed at the start, because its board is simulated. It runs until the context ends. Here the
// program turns its knob.
func ExampleRun() {
	config, err := configs.Parse("lamp.yaml", []byte(robot), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	glows := func(r *daemon.Robot) {
		defer cancel()
		if err := r.Sense(ctx, "knob", 3, time.Hour); err != nil {
			fmt.Println(err)
		}
		for r.Actuators()["lamp"].Value != 1.0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		fmt.Println("the lamp is at full, and the robot is", r.Health().Safety.State)
	}
	err = daemon.Run(ctx, config, daemon.RunOptions{Started: func(r *daemon.Robot) { go glows(r) }})
	fmt.Println("ended:", err)
	// Output:
	// the lamp is at full, and the robot is armed
	// ended: <nil>
}

// In virtual time, a minute of the demo robot passes in milliseconds, and is the same on every machine.
func ExampleNewSimulation() {
	config, err := configs.Load("lightseeker")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := daemon.NewSimulation(config, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = s.Advance(context.Background(), time.Minute, func(time.Duration) {})
	fmt.Println(s.World().Score().Text)
	fmt.Println(s.Network.Counters().Spikes, "spikes in", s.Now())
	fmt.Println("ended:", errors.Join(err, s.Halt()))
	// Output:
	// reached the lamp after 2.670 s, 8 lamps in all, 1.18 m to the next
	// 15920 spikes in 1m0s
	// ended: <nil>
}

// The health of a robot shows its safety state, latency and losses, as clients see it over MQTT.
func ExampleRobot_Health() {
	config, err := configs.Parse("lamp.yaml", []byte(robot), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err = daemon.Run(ctx, config, daemon.RunOptions{Started: func(r *daemon.Robot) {
		r.EmergencyStop("ann")
		h := r.Health()
		fmt.Println(h.Safety.State, "by", h.Safety.By)
		cancel()
	}})
	fmt.Println("ended:", err)
	// Output:
	// stopped by ann
	// ended: <nil>
}
