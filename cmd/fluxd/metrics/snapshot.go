package metrics

import (
	"context"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/machine"
)

// A Robot is what is measured.
type Robot interface {
	// Snapshot returns what the robot counts and measures. It never waits for the control loop.
	Snapshot() Snapshot
	// Faults lists what keeps the robot from working, one line each; none: it is well. It waits for an answer of the control loop.
	Faults(ctx context.Context) []string
}

// A Snapshot is what a robot counts and measures, at one moment.
type Snapshot struct {
	Health    protocol.Health
	Readings  map[string]protocol.Measure // by sensor: those that have one
	Sensors   []Sensor
	Actuators []Actuator
	Rewards   []Reward
	World     *World // nil on a real board, and where nothing changes
	Neurons   int
	Arrivals  uint64 // at neurons
	Stalled   bool   // the control loop does not answer

	Loop, EdgeToWrite, SpikeToWrite *machine.Latencies

	LostReadings, LostSpikes uint64 // that found no room: in the queue of the loop, in the windows of decoders

	Link   *bridge.State // nil without MQTT
	Broker int           // the process of the robot's own broker; 0: there is none
}

// A Sensor is one of the robot's.
type Sensor struct {
	Name    string
	Stale   bool   // it has had no good reading for too long
	Failing bool   // its last reading failed
	Failed  uint64 // readings
	Lost    uint64 // edges
}

// An Actuator is one of the robot's.
type Actuator struct {
	Name    string
	Command float64  // as a part of full
	Label   *string  // of one that names a label, instead of a command
	Held    []string // the reasons for which it is at failsafe
	Failing bool     // its last write failed
	Failed  uint64   // writes
}

// A Reward is one of the robot's.
type Reward struct {
	Name         string
	For, Against uint64 // spikes
}

// A World is the simulated world.
type World struct {
	Episode int64
	Score   []Value
}

// A Value is one of the numbers of a score.
type Value struct {
	Name   string // with its unit, such as "first_s"
	Number float64
}
