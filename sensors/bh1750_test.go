package sensors_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

var _ sensors.Sensor = (*sensors.BH1750)(nil)

// bh1750Start is the transfers of a start before the opcode of the resolution. bh1750High includes the opcode of
// resolution high.
const (
	bh1750Start = "00 01 42 65 "
	bh1750High  = bh1750Start + "10 "
)

func newEye(t *testing.T, bus i2c.Bus) *sensors.BH1750 {
	t.Helper()
	eye, err := sensors.NewBH1750(bus, 0x23, &sensors.BH1750Opts{Resolution: "high"})
	if err != nil {
		t.Fatal(err)
	}
	expectNotYet(t, eye, 0) // starts the chip
	return eye
}

func TestBH1750Readings(t *testing.T) {
	cases := []struct {
		name       string
		resolution string
		opcode     string
		raw        string
		want       int64 // µlx
	}{
		{"the data sheet's example", "high", "10", "8390", 28_066_666_667},
		{"one count", "high", "10", "0001", 833_333},
		{"two counts", "high", "10", "0002", 1_666_667},
		{"brightest", "high", "10", "ffff", 54_612_500_000},
		{"half-lux mode, data sheet's example", "high2", "11", "8390", 14_033_333_333},
		{"half-lux mode, brightest", "high2", "11", "ffff", 27_306_250_000},
		{"fast mode", "low", "13", "012c", 250_000_000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			bus := playback(t, wire(t, 0x5c, bh1750Start, c.opcode, ">"+c.raw, "00")...)
			eye, err := sensors.NewBH1750(bus, 0x5c, &sensors.BH1750Opts{Resolution: c.resolution})
			if err != nil {
				t.Fatal(err)
			}
			expectNotYet(t, eye, 0)
			expectReading(t, eye, time.Second, c.want)
			if err := eye.Halt(); err != nil {
				t.Error(err)
			}
			if eye.Unit() != "lx" {
				t.Errorf("unit: got %q", eye.Unit())
			}
		})
	}
}

func TestBH1750RejectsBadOptions(t *testing.T) {
	if _, err := sensors.NewBH1750(playback(t), 0x24, nil); err == nil {
		t.Error("address 0x24: expected an error")
	}
	if _, err := sensors.NewBH1750(playback(t), 0x23, &sensors.BH1750Opts{Resolution: "highest"}); err == nil {
		t.Error("resolution highest: expected an error")
	}
}

func TestBH1750NoAnswerAtTheStart(t *testing.T) {
	eye, err := sensors.NewBH1750(&flaky{Bus: playback(t), dead: true}, 0x23, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = eye.Sample(0)
	if !errors.Is(err, errRemoteIO) {
		t.Fatalf("expected the bus's error, got %v", err)
	}
	for _, part := range []string{"bh1750 at 0x23 on ", "power down", "ADDR"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("expected %q in %q", part, err)
		}
	}
}

// A chip that did not answer for a while is powered on and set up again. Its readings are valid after a whole
// measurement.
func TestBH1750NoAnswerForAWhile(t *testing.T) {
	bus := &flaky{Bus: playback(t, wire(t, 0x23, bh1750High, ">0006", bh1750High, ">000c")...)}
	eye := newEye(t, bus)
	expectReading(t, eye, 200*ms, 5_000_000)

	bus.dead = true
	for _, at := range []time.Duration{220 * ms, 240 * ms, 260 * ms} {
		if _, err := eye.Sample(at); !errors.Is(err, errRemoteIO) {
			t.Errorf("at %v: expected the bus's error, got %v", at, err)
		}
	}
	if err := eye.Halt(); !errors.Is(err, errRemoteIO) {
		t.Errorf("halt: expected the bus's error, got %v", err)
	}

	bus.dead = false
	expectNotYet(t, eye, 280*ms)
	expectNotYet(t, eye, 459*ms)
	expectReading(t, eye, 460*ms, 10_000_000)
}

// A chip that was halted is off: the next Sample starts it again.
func TestBH1750AfterHalt(t *testing.T) {
	eye := newEye(t, playback(t, wire(t, 0x23, bh1750High, "00", bh1750High, ">0006")...))
	if err := eye.Halt(); err != nil {
		t.Error(err)
	}
	expectNotYet(t, eye, 200*ms)
	expectReading(t, eye, 380*ms, 5_000_000)
}

func TestBH1750OnSimulatedBoard(t *testing.T) {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	plug := func() {
		board.Detach("I2C1", 0x23)
		if err := board.Attach("I2C1", 0x23, chips.NewBH1750(func(time.Duration) int64 { return 250_000_000 })); err != nil {
			t.Fatal(err)
		}
	}
	plug()
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	eye := newEye(t, bus)
	now = 180 * ms
	expectReading(t, eye, now, 250_000_000)
	board.Detach("I2C1", 0x23)
	expectFault(t, eye, now, "bh1750 at 0x23 on I2C1: read", "remote I/O error")
	plug()
	expectNotYet(t, eye, now)
	now = 360 * ms
	expectReading(t, eye, now, 250_000_000)
}

// A chip that lost its supply for a moment answers zero forever. A zero is accepted only after the chip was started
// again.
func TestBH1750StuckAtZero(t *testing.T) {
	script := bh1750High
	for _, answer := range []string{">0006 ", ">0000 ", ">0000 ", ">0000 ", ">0006 ", ">0006 ", ">0000 ", ">0006 "} {
		script += answer
		if answer == ">0000 " {
			script += bh1750High
		}
	}
	eye := newEye(t, playback(t, wire(t, 0x23, script)...))
	expectReading(t, eye, 180*ms, 5_000_000)
	expectNotYet(t, eye, 200*ms)
	expectNotYet(t, eye, 379*ms)
	expectReading(t, eye, 380*ms, 0) // it is dark
	expectReading(t, eye, 559*ms, 0) // the last measurement, repeated
	expectReading(t, eye, 560*ms, 0)
	expectReading(t, eye, 739*ms, 0)
	expectReading(t, eye, 740*ms, 5_000_000)
	expectReading(t, eye, 760*ms, 5_000_000)
	expectNotYet(t, eye, 780*ms)
	expectReading(t, eye, 960*ms, 5_000_000) // it had lost its supply
}

// A chip that is read more often than it measures repeats the last measurement.
func TestBH1750RepeatsTheLastMeasurement(t *testing.T) {
	eye := newEye(t, playback(t, wire(t, 0x23, bh1750High, ">0006 >0006 >000c")...))
	expectReading(t, eye, 180*ms, 5_000_000)
	expectReading(t, eye, 200*ms, 5_000_000)
	expectReading(t, eye, 300*ms, 10_000_000)
}

func ExampleBH1750() {
	// On a robot the bus comes from the board; this one replays the transfers of a chip.
	var bus i2c.Bus = &i2ctest.Playback{Ops: []i2ctest.IO{
		{Addr: 0x23, W: []byte{0x00}},       // power down
		{Addr: 0x23, W: []byte{0x01}},       // power on
		{Addr: 0x23, W: []byte{0x42}},       // measurement time 69,
		{Addr: 0x23, W: []byte{0x65}},       // in two parts
		{Addr: 0x23, W: []byte{0x10}},       // measure continuously
		{Addr: 0x23, R: []byte{0x01, 0x2c}}, // 300 counts
		{Addr: 0x23, W: []byte{0x00}},       // power down
	}}
	eye, err := sensors.NewBH1750(bus, 0x23, &sensors.BH1750Opts{Resolution: "high"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = eye.Sample(0) // starts the chip
	fmt.Println(err)
	light, err := eye.Sample(180 * time.Millisecond)
	fmt.Println(light, "millionths of", eye.Unit(), err)
	fmt.Println(eye.Halt())
	// Output:
	// bh1750 at 0x23 on playback: no measurement yet: started, ready at 180ms, now 0s
	// 250000000 millionths of lx <nil>
	// <nil>
}
