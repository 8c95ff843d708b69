package daemon

import (
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/broker"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/kept"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/pretend"
	"fluxd/cmd/fluxd/reward"
	"fluxd/cmd/fluxd/safety"
	"fluxd/cmd/fluxd/sense"
	"fluxd/cmd/fluxd/tap"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
)

// A Robot is a configuration made real: parts that are wired, and one of two drivers that moves them (see the package).
type Robot struct {
	config *configs.Robot
	body   *hardware.Body
	log    *slog.Logger
	clock  func() time.Duration                       // since the start; virtual or real
	event  func(kind protocol.EventKind, text string) // reports to the outside; never waits

	// The stations of a spike. They belong to the goroutine that owns the network, as far as they do not say else.
	sensors []*sensorLine
	network *core.Network
	neurons map[string][]int // by name; a population's name stands for all its members
	outputs []*outputLine
	routes  [][]route // by neuron: the decoders that listen to it
	rewards []*reward.Reward
	actors  [][]*reward.History // by neuron: whose spikes are remembered for rewards; nil without any
	latest  []core.Spike        // of the latest step of the network
	arrival []core.Tick         // of the latest reading
	late    uint64              // arrivals that came for a tick already past, and were delivered at the next
	hand    byHand              // what somebody drives instead of the network
	tap     *tap.Tap            // what happens, for those who follow it

	// Which spikes answer a reading, for the measurement of latency in real time.
	since core.Tick     // those from this tick on do: that of the earliest reading that has not been fully served; never without one
	held  time.Duration // how long that reading was under way while the network went on

	safety    *safety.Keeper
	pretended pretend.Robot // on the simulated board
	takenOver atomic.Bool   // hand.taken, for others to see

	telemetry   atomic.Int64  // of sensors and actuators, in micro-hertz
	savingEvery sense.Setting // from one save of what was learnt to the next; 0: only at the end

	realTime
}

// realTime is what a robot has beside its parts when it runs in real time.
type realTime struct {
	start      time.Time
	readings   chan reading
	requests   chan request
	done       chan struct{} // closed when the loop has ended: nobody answers requests any more
	goroutines sync.WaitGroup
	tuner      *tuning.Tuner
	bridge     *bridge.Bridge // nil without MQTT
	broker     *broker.Broker // nil without one of its own
	describe   protocol.Description

	dropped   atomic.Uint64 // readings that found the queue full
	forgotten atomic.Uint64 // spikes, by decoders whose windows were full
	spikes    atomic.Uint64
	ignored   atomic.Uint64 // arrivals
	waiting   atomic.Int64
	lateness  atomic.Uint64

	granted       protocol.Realtime // by the machine, at the start
	loopLateness  machine.Latencies
	toWrite       [causes]machine.Latencies // from when a command was due until it was written
	meter         machine.Meter
	learnt, tuned *kept.File        // nil where the robot file names none
	keptRevision  protocol.Revision // that tuned holds; its mutex's
}

// never is later than any spike.
const never = core.Tick(math.MaxInt64)

// halt brings the actuators to failsafe and lets go of sensors and board.
func (r *Robot) halt() error {
	failing := map[*hardware.Sensor]bool{} // that they do not answer has been reported
	for _, s := range r.sensors {
		failing[s.Sensor.Sensor] = s.Failing()
	}
	return r.body.Halt(func(s *hardware.Sensor) bool { return failing[s] })
}

// protect is deferred by every goroutine that a robot lives on: a panic anywhere brings the actuators to failsafe before it ends
// the process.
func (r *Robot) protect() {
	if p := recover(); p != nil {
		r.log.Error("panic: actuators go to failsafe", "panic", p)
		if err := r.body.Failsafe(); err != nil {
			r.log.Error("failsafe", "error", err)
		}
		panic(p)
	}
}
