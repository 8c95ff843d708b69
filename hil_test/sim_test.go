package hil_test

import (
	"sync/atomic"
	"time"

	"fluxd/boards/sim"
	"fluxd/cmd/fluxd/daemon"

	"periph.io/x/conn/v3/gpio"
)

// simulated is the simulated board, which lives inside the daemon: each robot has one of its own.
type simulated struct {
	made    atomic.Pointer[sim.Board]
	celsius atomic.Int64
}

func newSim() rig { return &simulated{} }

func (s *simulated) name() string  { return "sim" }
func (s *simulated) board() string { return "{kind: sim}" }

// The wires of the simulated board.
const (
	simBus     = "I2C1"
	simAddress = 0x48
	simPWM     = "GPIO12"
	simInput   = "GPIO17"
	simOutput  = "GPIO27"
)

func (s *simulated) started(r *daemon.Robot) {
	b := r.Simulated()
	s.made.Store(b)
	if err := b.Attach(simBus, simAddress, sim.NewTMP105(func(time.Duration) int64 { return s.celsius.Load() * 1_000_000 })); err != nil {
		panic(err)
	}
}

func (s *simulated) pin(name string) *sim.Pin {
	p, err := s.made.Load().Pin(name)
	if err != nil {
		panic(err)
	}
	return p.(*sim.Pin)
}

func (s *simulated) thermometer() *thermometer {
	return &thermometer{
		sensor: "device: tmp105, bus: I2C1, address: 0x48",
		set:    func(celsius int) { s.celsius.Store(int64(celsius)) },
		unplug: func(unplugged bool) {
			if unplugged {
				_ = s.made.Load().Detach(simBus, simAddress)
			} else {
				s.attachAgain()
			}
		},
	}
}

func (s *simulated) attachAgain() {
	if err := s.made.Load().Attach(simBus, simAddress, sim.NewTMP105(func(time.Duration) int64 { return s.celsius.Load() * 1_000_000 })); err != nil {
		panic(err)
	}
}

func (s *simulated) pwm() *pwmProbe {
	return &pwmProbe{pin: simPWM, read: func() (frequency, duty float64) {
		d, f := s.pin(simPWM).PWMState()
		return float64(f) / 1e6, float64(d) / float64(gpio.DutyMax)
	}}
}

func (s *simulated) loop() *loopBack {
	return &loopBack{
		input: simInput, output: simOutput,
		drive: func(high bool) {
			if s.made.Load() != nil {
				s.pin(simInput).Drive(gpio.Level(high))
			}
		},
		level: func() bool { return s.pin(simOutput).Read() == gpio.High },
	}
}
