package hardware

import (
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/configs"
)

// explosiveBus panics in each transfer, and explosiveBoard when a bus is opened.
type explosiveBus struct{ i2c.Bus }

func (explosiveBus) String() string                  { return "I2C1" }
func (explosiveBus) SetSpeed(physic.Frequency) error { return nil }
func (explosiveBus) Tx(uint16, []byte, []byte) error { panic("bus on fire") }

type explosiveBoard struct{ Board }

func (explosiveBoard) Bus(string) (i2c.BusCloser, error) { panic("board on fire") }
func (explosiveBoard) Halt() error                       { panic("board on fire") }

func TestBusAndBoardWhoseCodePanics(t *testing.T) {
	b := newBoundedBus(explosiveBus{}, BusWait)
	for range 2 { // the bus is free again
		if err := b.Tx(0x23, nil, nil); err == nil || !strings.Contains(err.Error(), "bus on fire") {
			t.Errorf("got %v", err)
		}
	}
	body := New(nil, Options{BusWait: BusWait}, nil)
	body.Board = explosiveBoard{}
	if _, err := body.bus("I2C1"); err == nil || !strings.Contains(err.Error(), "board on fire") {
		t.Errorf("got %v", err)
	}
	if err := body.Halt(nil); err == nil || !strings.Contains(err.Error(), "board on fire") {
		t.Errorf("halt: %v", err)
	}
}

// onFire is a device whose transfers panic while burns is set.
type onFire struct {
	sim.Device
	burns atomic.Bool
}

func (o *onFire) Tx(at time.Duration, w, r []byte) error {
	if o.burns.Load() {
		panic("chip on fire")
	}
	return o.Device.Tx(at, w, r)
}

const onTable = `robot: r
board: {kind: sim, world: table}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 10ms, encode: {kind: rate, range: [0 lx, 100 lx], max: 500 Hz, to: a}}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`

// A probe names a bus whose code panics, and probes the others.
func TestProbeOfABusWhoseCodePanics(t *testing.T) {
	config, err := configs.Parse("test.yaml", []byte(onTable), nil)
	if err != nil {
		t.Fatal(err)
	}
	body := New(config, Options{Log: slog.New(slog.DiscardHandler), BusWait: BusWait}, func() time.Duration { return 0 })
	if err := body.OpenBoard(); err != nil {
		t.Fatal(err)
	}
	eye := &onFire{Device: chips.NewBH1750(nil)}
	eye.burns.Store(true)
	if err := body.Board.(*sim.Board).Attach("I2C1", 0x5c, eye); err != nil {
		t.Fatal(err)
	}
	for _, answers := range body.probe() {
		burning := answers.Name == "I2C1"
		if got := answers.Err != nil && strings.Contains(answers.Err.Error(), "chip on fire"); got != burning {
			t.Errorf("%s: %v", answers.Name, answers.Err)
		}
		if burning && !slices.Equal(answers.Addresses, []uint16{0x23}) { // the robot's sensor answered before the panic
			t.Errorf("%x answer", answers.Addresses)
		}
	}
}
