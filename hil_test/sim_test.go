package hil_test

import (
	"sync/atomic"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/cmd/fluxd/daemon"

	"periph.io/x/conn/v3/gpio"
)

// simulated is the rig with the simulated board. The board is part of the daemon: each robot has a new one.
type simulated struct {
	base    time.Time
	made    atomic.Pointer[sim.Board]
	celsius atomic.Int64
	leg     view
}

func newSim() rig {
	s := &simulated{base: time.Now()}
	s.leg.clock = s.clock
	return s
}

func (s *simulated) clock() time.Duration            { return time.Since(s.base) }
func (s *simulated) name() string                    { return "sim" }
func (s *simulated) board() string                   { return "{kind: sim}" }
func (s *simulated) daemon(*testing.T) string        { return "" }
func (s *simulated) missing() func(bool) error       { return nil }
func (s *simulated) watchdog() func() int            { return nil }
func (s *simulated) temperature(time.Duration) int64 { return s.celsius.Load() * 1_000_000 }

// The wires of the simulated board.
const (
	busName       = "I2C1"
	tmp105Address = 0x48
	tmp105Device  = "device: tmp105, bus: I2C1, address: 0x48"
	simPWM        = "GPIO12"
	simInput      = "GPIO27"
	simOutput     = "GPIO22"
)

func (s *simulated) started(r *daemon.Robot) {
	b := r.Simulated()
	s.made.Store(b)
	// With world: table the board has a thermometer already.
	_ = b.Attach(busName, tmp105Address, chips.NewTMP105(s.temperature))
	s.leg.changed(s.clock(), s.pin(simOutput).Read() == gpio.High)
	s.pin(simOutput).Watch(func(_ time.Duration, level gpio.Level) { s.leg.changed(s.clock(), level == gpio.High) })
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
		sensor: tmp105Device,
		set:    func(celsius int) { s.celsius.Store(int64(celsius)) },
		unplug: func(unplugged bool) { unplug(s.made.Load(), tmp105Address, unplugged) },
	}
}

// unplug unplugs a simulated device, or plugs it in again.
func unplug(b *sim.Board, address uint16, unplugged bool) {
	do := b.Replug
	if unplugged {
		do = b.Detach
	}
	if err := do(busName, address); err != nil {
		panic(err)
	}
}

func (s *simulated) pwm() *pwmProbe {
	return &pwmProbe{pin: simPWM, tolerance: 0.001, read: func() (frequency, duty float64) {
		d, f := s.pin(simPWM).PWMState()
		return float64(f) / 1e6, float64(d) / float64(gpio.DutyMax)
	}}
}

func (s *simulated) wire() *wire {
	return &wire{
		input: simInput, actuator: "device: relay, pin: " + simOutput,
		drive: func(high bool) {
			s.leg.mark()
			if s.made.Load() != nil { // before the first robot there is no board, and its lines start low
				s.pin(simInput).Drive(gpio.Level(high))
			}
		},
		mark: s.leg.mark,
		seen: s.leg.wait,
	}
}

func (s *simulated) pins() *pins {
	return &pins{
		one: simInput, two: simPWM,
		drive: func(pin string, high bool) { s.pin(pin).Drive(gpio.Level(high)) },
		watch: func(pin string, notify func(bool)) {
			s.pin(pin).Watch(func(_ time.Duration, level gpio.Level) { notify(level == gpio.High) })
		},
		release: func() {},
	}
}

func (s *simulated) bus() *bus {
	return &bus{name: busName, board: "{kind: sim, world: table}", devices: s.made.Load}
}
