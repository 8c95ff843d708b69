package daemon

import (
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/inspect"
	"fluxd/cmd/fluxd/kept"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/pretend"
	"fluxd/cmd/fluxd/reach"
	"fluxd/cmd/fluxd/reward"
	"fluxd/cmd/fluxd/safety"
	"fluxd/cmd/fluxd/sense"
	"fluxd/cmd/fluxd/surroundings"
	"fluxd/cmd/fluxd/tap"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"
)

// A Robot is all parts of one robot, wired as its configuration says. Either loop.go or virtual.go moves them; see the package.
type Robot struct {
	config *configs.Robot
	body   *hardware.Body
	base   *slog.Logger                               // of the components
	log    *slog.Logger                               // of the robot itself
	clock  func() time.Duration                       // since the start; virtual or real
	event  func(kind protocol.EventKind, text string) // publishes an event; never waits

	onTrial func() bool // the robot file is on trial: nobody has confirmed yet that it works

	// The stations of a spike, in their order. They belong to the goroutine that owns the network.
	sensors []*sensorLine
	network *core.Network
	neurons map[string][]int // indexes by name; a population's name stands for all its members
	outputs []*outputLine
	routes  [][]route // by neuron: the decoders that listen to it
	rewards []*reward.Reward
	scored  []*reward.Reward    // those that the score of a simulated world earns
	judged  []*reward.Reward    // those that recorded commands earn
	actors  [][]*reward.History // by neuron: the histories that record its spikes for rewards; nil without any
	spiked  []core.Spike        // buffer: the spikes of the latest step of the network
	fired   []uint64            // by neuron: spikes since the start
	encoded []encoders.Arrival  // buffer: the spikes of the latest reading
	late    uint64              // input that came for a past tick, and was delivered at the next one
	hand    byHand              // which actuator is driven by hand, instead of by the network
	tap     *tap.Tap            // the stream of readings, spikes, commands and rewards

	// For the measurement of latency in real time: spikes at or after answerFrom are answers to a reading. It is the tick of the
	// earliest reading whose spikes have not all been delivered; distantFuture without one.
	answerFrom   core.Tick
	readingDelay time.Duration // how far the network was past that reading when it came

	safety    *safety.Keeper
	pretended pretend.Robot       // readings that a user sets on the simulated board
	around    *surroundings.World // what the simulated board is in
	takenOver atomic.Bool         // a copy of hand.taken for other goroutines

	telemetry   atomic.Int64  // rate of telemetry of sensors and actuators, in micro-hertz
	savingEvery sense.Setting // time between two saves of learnt weights; 0 saves at the end only

	realTime
}

// realTime holds what a robot needs only when it runs in real time.
type realTime struct {
	start      time.Time
	seed       uint64 // of the first episode of the simulated world
	readings   chan reading
	requests   chan request
	done       chan struct{} // closed when the loop has ended: requests get no answer any more
	goroutines sync.WaitGroup
	tuner      *tuning.Tuner
	*inspect.Inspector
	links    *reach.Links // to MQTT and the page; nil without MQTT
	describe protocol.Description

	// Counters for telemetry, which other goroutines read.
	dropped      atomic.Uint64 // readings that found the queue full
	decoderDrops atomic.Uint64 // spikes that decoders dropped, since their windows were full
	spikes       atomic.Uint64
	arrivals     atomic.Uint64 // at neurons
	ignored      atomic.Uint64 // arrivals
	waiting      atomic.Int64  // arrivals in the network's queue
	lateInputs   atomic.Uint64 // a copy of late

	granted       protocol.Realtime // the realtime settings in effect
	loopLateness  machine.Latencies
	toWrite       [causes]machine.Latencies // from the time when a command was due until it was written
	meter         machine.Meter
	learnt, tuned *kept.File // nil where the robot file names none
}

// distantFuture is later than any spike.
const distantFuture = core.Tick(math.MaxInt64)

// halt brings the actuators to failsafe and releases sensors and board.
func (r *Robot) halt() error {
	failing := map[*hardware.Sensor]bool{} // the fault of these has been reported
	for _, s := range r.sensors {
		failing[s.Sensor.Sensor] = s.Failing()
	}
	return r.body.Halt(func(s *hardware.Sensor) bool { return failing[s] })
}

// protect is deferred by every goroutine that a robot needs. A panic in any of them brings the actuators to failsafe, then ends
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
