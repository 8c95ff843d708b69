package expanders_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/boards/expanders"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
)

// fan is a simulated multiplexer with a thermometer at 0x48 on each channel; it reads 10 °C plus the number of the channel.
type fan struct {
	twin     *chips.TCA9548A
	board    *sim.Board
	bus      i2c.Bus
	branches [8]*sim.Bus
	channels [8]i2c.Bus
	reset    *sim.Pin
}

func newFan(t *testing.T, withReset bool) *fan {
	t.Helper()
	f := &fan{board: sim.New(func() time.Duration { return time.Minute })}
	for i := range f.branches {
		f.branches[i] = f.board.Branch(fmt.Sprintf("mux/%d", i))
		temperature := int64(10+i) * 1_000_000
		thermometer := chips.NewTMP102(func(time.Duration) int64 { return temperature })
		if err := f.board.Attach(fmt.Sprintf("mux/%d", i), 0x48, thermometer); err != nil {
			t.Fatal(err)
		}
	}
	f.twin = chips.NewTCA9548A(f.branches)
	if err := f.board.Attach("I2C1", 0x71, f.twin); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.bus, err = f.board.Bus("I2C1"); err != nil {
		t.Fatal(err)
	}
	var reset gpio.PinOut
	if withReset {
		if f.reset, err = f.board.Line("GPIO4"); err != nil {
			t.Fatal(err)
		}
		f.twin.ResetBy(f.reset)
		reset = f.reset
	}
	mux, err := expanders.NewTCA9548A(f.bus, 0x71, reset)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.channels {
		if f.channels[i], err = mux.Bus(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// read reads the thermometer of a channel, in whole degrees.
func (f *fan) read(channel int) (int, error) {
	r := make([]byte, 2)
	err := f.channels[channel].Tx(0x48, []byte{0}, r)
	return int(r[0]), err
}

func (f *fan) expect(t *testing.T, channels ...int) {
	t.Helper()
	for _, c := range channels {
		if got, err := f.read(c); err != nil || got != 10+c {
			t.Errorf("channel %d: got %d °C, %v", c, got, err)
		}
	}
}

func (f *fan) expectFault(t *testing.T, channel int, parts ...string) {
	t.Helper()
	_, err := f.read(channel)
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("channel %d: expected %q in %v", channel, part, err)
		}
	}
}

func TestTCA9548AOnTheWire(t *testing.T) {
	bus := &i2ctest.Playback{DontPanic: true, Ops: []i2ctest.IO{
		{Addr: 0x70, W: []byte{0x01}}, {Addr: 0x29, W: []byte{0xc0}, R: []byte{0xee}},
		{Addr: 0x70, W: []byte{0x80}}, {Addr: 0x29, W: []byte{0x00, 0x01}},
		{Addr: 0x70, W: []byte{0x80}}, {Addr: 0x36, W: []byte{0x0c}, R: []byte{0x01, 0x02}},
		{Addr: 0x70, R: []byte{0x80}},
		{Addr: 0x70, W: []byte{0x00}},
	}}
	mux, err := expanders.NewTCA9548A(bus, 0x70, nil)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := mux.Bus("0")
	last, _ := mux.Bus("7")
	r := make([]byte, 1)
	if err := first.Tx(0x29, []byte{0xc0}, r); err != nil || r[0] != 0xee {
		t.Error(r, err)
	}
	if err := last.Tx(0x29, []byte{0x00, 0x01}, nil); err != nil {
		t.Error(err)
	}
	r = make([]byte, 2)
	if err := last.Tx(0x36, []byte{0x0c}, r); err != nil || r[1] != 2 {
		t.Error(r, err)
	}
	if err := errors.Join(mux.Check(), mux.Halt(), bus.Close()); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(last); got != "channel 7 of tca9548a at 0x70 on playback" {
		t.Error(got)
	}
	if _, err := mux.Pin("3"); err == nil || !strings.Contains(err.Error(), `no pin "3": it has the buses 0 to 7`) {
		t.Error(err)
	}
	_, err = expanders.NewTCA9548A(bus, 0x78, nil)
	if err == nil || !strings.Contains(err.Error(), "address: 0x78: expected 0x70 to 0x77") {
		t.Error(err)
	}
}

// Each channel gives the reading of its thermometer: with concurrent readers, whatever another program has selected, and
// after a loss of the supply.
func TestTCA9548AKeepsChannelsApart(t *testing.T) {
	f := newFan(t, false)
	f.expect(t, 0, 1, 2, 3, 4, 5, 6, 7)
	for _, left := range []byte{0x00, 0x01, 0x88, 0xff} {
		if err := f.bus.Tx(0x71, []byte{left}, nil); err != nil {
			t.Fatal(err)
		}
		f.expect(t, 3, 0)
	}
	f.twin.Reset()
	f.expect(t, 5)
	var all sync.WaitGroup
	for c := range f.channels {
		all.Go(func() {
			for range 200 {
				if got, err := f.read(c); err != nil || got != 10+c {
					t.Errorf("channel %d: got %d °C, %v", c, got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestTCA9548ANoAnswer(t *testing.T) {
	for _, withReset := range []bool{false, true} {
		f := newFan(t, withReset)
		faults, err := f.board.Faults("I2C1")
		if err != nil {
			t.Fatal(err)
		}
		faults.Refuse(0x71, 2)
		f.expectFault(t, 4, "tca9548a at 0x71 on I2C1: select channel 4: ", "remote I/O error", "check its supply")
		if !withReset {
			f.expectFault(t, 4, "with a pin joined to RESET (reset) the others would go on") // with one it has been tried twice
		}
		f.expect(t, 4, 5)
		faults.Refuse(0x48, 1)
		f.expectFault(t, 6, "I2C1 address 0x48: remote I/O error")
		if joined := f.twin.Joined(); len(joined) > 0 {
			t.Error("after a failed transfer a channel is selected")
		}
		f.expect(t, 6)
	}
}

// A device that holds its wires low stops all channels if no pin is joined to RESET; otherwise only its own channel.
func TestTCA9548AChannelHeldLow(t *testing.T) {
	f := newFan(t, false)
	f.expect(t, 2)
	f.branches[2].HoldLow(true)
	f.expectFault(t, 2, "connection timed out",
		"no device behind it holds its wires low; with a pin joined to RESET (reset) the others would go on")
	f.expectFault(t, 3, "select channel 3: ", "connection timed out")
	f.branches[2].HoldLow(false)
	f.expect(t, 2, 3)

	f = newFan(t, true)
	f.expect(t, 2)
	f.branches[2].HoldLow(true)
	for range 3 {
		f.expectFault(t, 2, "connection timed out")
		f.expect(t, 3, 1)
		if err := f.bus.Tx(0x71, nil, make([]byte, 1)); err != nil { // its own bus is free, too
			t.Error(err)
		}
	}
	f.branches[2].HoldLow(false)
	f.expect(t, 2, 3)
	if err := f.reset.Out(gpio.Low); err != nil { // left behind by another program
		t.Fatal(err)
	}
	f.expect(t, 2, 3)
}

// deadPin is a pin that cannot be written.
type deadPin struct{ *sim.Pin }

func (deadPin) Out(gpio.Level) error { return errors.New("no such line") }

func TestTCA9548AResetFails(t *testing.T) {
	f := newFan(t, true)
	mux, err := expanders.NewTCA9548A(f.bus, 0x71, deadPin{f.reset})
	if err != nil {
		t.Fatal(err)
	}
	f.board.Detach("I2C1", 0x71)
	if f.channels[0], err = mux.Bus("0"); err != nil {
		t.Fatal(err)
	}
	f.expectFault(t, 0, "tca9548a at 0x71 on I2C1: reset: no such line")
	if err := mux.Check(); err == nil || !strings.Contains(err.Error(), "read: ") {
		t.Error(err)
	}
}

func ExampleTCA9548A() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now }) // on a robot: its board
	mux := chips.NewTCA9548A([8]*sim.Bus{0: board.Branch("mux/0"), 1: board.Branch("mux/1")})
	for bus, degrees := range map[string]int64{"mux/0": 21_000_000, "mux/1": -4_000_000} {
		board.Attach(bus, 0x48, chips.NewTMP102(func(time.Duration) int64 { return degrees }))
	}
	board.Attach("I2C1", 0x70, mux)
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}

	chip, err := expanders.NewTCA9548A(bus, 0x70, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"0", "1"} {
		channel, err := chip.Bus(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		thermometer, err := sensors.NewTMP102(channel, 0x48, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		thermometer.Sample(now) // starts it
		now += time.Second
		value, err := thermometer.Sample(now)
		fmt.Println(thermometer, value, err)
	}
	// Output:
	// tmp102 at 0x48 on channel 0 of tca9548a at 0x70 on I2C1 21000000 <nil>
	// tmp102 at 0x48 on channel 1 of tca9548a at 0x70 on I2C1 -4000000 <nil>
}
