package sensors_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// row is a group of VL53L0X on one bus, with XSHUT on GPIO4, GPIO5 and so on. Each sees a wall 0.1 m farther away than
// the one before.
type row struct {
	now   time.Duration
	board *sim.Board
	bus   i2c.Bus
	twins []*chips.VL53L0X
	eyes  []*sensors.VL53L0X
}

// newRow makes a row of count chips. Through wraps the bus of the sensors; nil leaves it as it is.
func newRow(t fataler, count int, through func(i2c.Bus) i2c.Bus) *row {
	t.Helper()
	r := &row{}
	r.board = sim.New(func() time.Duration { return r.now })
	bus, err := r.board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	if r.bus = bus; through != nil {
		r.bus = through(bus)
	}
	group := sensors.NewVL53L0XGroup(r.bus)
	for i := range count {
		twin := chips.NewVL53L0X(constant(r.wall(i)))
		pin, err := r.board.Line(fmt.Sprintf("GPIO%d", 4+i))
		if err != nil {
			t.Fatal(err)
		}
		twin.ResetBy(pin)
		if err := r.board.Attach("I2C1", r.address(i), twin); err != nil {
			t.Fatal(err)
		}
		eye, err := group.NewVL53L0X(pin, r.address(i), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.twins, r.eyes = append(r.twins, twin), append(r.eyes, eye)
	}
	return r
}

func (r *row) wall(i int) int64     { return 500_000 + int64(i)*100_000 }
func (r *row) address(i int) uint16 { return uint16(0x2a + i) }
func (r *row) supply(lost ...int) {
	for _, i := range lost {
		r.twins[i].Reset()
	}
}

// run reads all chips for some time, each every 20 ms. A reading must be right, but may be missing. It counts the
// faults of each chip, and the chips without a reading at the end.
func (r *row) run(t fataler, lasts time.Duration) (faults []int, blind int) {
	t.Helper()
	faults = make([]int, len(r.eyes))
	for end := r.now + lasts; r.now < end; r.now += 5 * ms {
		for i, eye := range r.eyes {
			if (r.now/(5*ms)+time.Duration(i))%4 != 0 {
				continue
			}
			value, err := eye.Sample(r.now)
			switch {
			case err == nil && value != r.wall(i):
				t.Fatal(fmt.Sprintf("%s at %v: got %d", eye, r.now, value))
			case err != nil && !errors.Is(err, sensors.ErrNotYet):
				faults[i]++
			}
			if err != nil && r.now+20*ms >= end {
				blind++
			}
		}
	}
	return faults, blind
}

func (r *row) expect(t *testing.T, lasts time.Duration, faults ...int) {
	t.Helper()
	if got, blind := r.run(t, lasts); blind > 0 || !slices.Equal(got, faults) {
		t.Errorf("faults %v, want %v; %d without a reading", got, faults, blind)
	}
}

func TestVL53L0XGroupOnTheWire(t *testing.T) {
	var seen *i2ctest.Record
	r := newRow(t, 2, func(bus i2c.Bus) i2c.Bus {
		seen = &i2ctest.Record{Bus: bus}
		return seen
	})
	for _, step := range []struct {
		at   time.Duration
		eye  int
		does []i2ctest.IO
	}{
		{0, 0, nil}, {0, 1, nil}, // in reset
		{5 * ms, 0, nil}, // the first chip is released, and boots
		{6199 * time.Microsecond, 1, nil},
		// Then the second chip, whichever is read.
		{6200 * time.Microsecond, 1, slices.Concat(wire(t, 0x29, "8a2a"), wire(t, 0x2a, "c0>ee"))},
		{7 * ms, 0, wire(t, 0x2a, vl53l0xStart[1])},
		{9 * ms, 1, slices.Concat(
			wire(t, 0x29, "8a2b"), wire(t, 0x2b, "c0>ee"), wire(t, 0x2a, "c0>00"), wire(t, 0x2b, vl53l0xStart[1]))},
	} {
		seen.Ops = nil
		r.now = step.at
		expectNotYet(t, r.eyes[step.eye], r.now)
		if fmt.Sprint(seen.Ops) != fmt.Sprint(step.does) {
			t.Errorf("at %v:\n got %v\nwant %v", r.now, seen.Ops, step.does)
		}
	}
}

func TestVL53L0XGroupRefuses(t *testing.T) {
	r := newRow(t, 1, nil)
	group := sensors.NewVL53L0XGroup(r.bus)
	pin, other := newContact(), spare(t, r, "GPIO9")
	for _, c := range []struct {
		pin     gpio.PinOut
		address uint16
		want    string
	}{
		{pin, 0x2a, ""}, {other, 0x2a, "expected an address and a pin that no other vl53l0x has"},
		{pin, 0x2b, "that no other vl53l0x has, got GPIO17"},
		{other, 0x28, "address: expected 0x29 to 0x30"}, {other, 0x31, "address: expected 0x29 to 0x30"}, {other, 0x29, ""},
	} {
		if _, err := group.NewVL53L0X(c.pin, c.address, nil); c.want != "" {
			expectError(t, err, c.want)
		} else if err != nil {
			t.Error(err)
		}
	}
	_, err := sensors.NewVL53L0X(r.bus, 0x2a, nil)
	expectError(t, err, "expected 0x29", "use a VL53L0XGroup to give it another")
	for _, c := range []struct {
		opts sensors.VL53L0XOpts
		want string
	}{
		{sensors.VL53L0XOpts{Address: 0x29}, ""}, {sensors.VL53L0XOpts{Address: 0x2a, XSHUT: "GPIO4"}, ""},
		{sensors.VL53L0XOpts{Address: 0x2a}, "0x2a: a vl53l0x has 0x29 after each boot; " +
			"to give it another address, xshut must name the pin that starts it"},
	} {
		if got := fmt.Sprint(c.opts.Check()); !strings.Contains(got, c.want) || c.want == "" && got != "[]" {
			t.Errorf("%+v: %s", c.opts, got)
		}
	}
}

func spare(t *testing.T, r *row, name string) gpio.PinOut {
	t.Helper()
	pin, err := r.board.Line(name)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

// The other chips keep measuring while one of them starts again. After a common loss of supply all start again.
func TestVL53L0XGroupLosesItsSupply(t *testing.T) {
	r := newRow(t, 7, nil)
	r.expect(t, time.Second, 0, 0, 0, 0, 0, 0, 0)
	for i := range r.twins {
		r.supply(i)
		want := make([]int, 7)
		want[i] = 1
		r.expect(t, time.Second, want...)
	}
	r.supply(0, 1, 2, 3, 4, 5, 6)
	faults, blind := r.run(t, 2*time.Second)
	if slices.Max(faults) > 1 || blind > 0 {
		t.Errorf("a common loss of supply: faults %v, %d without a reading", faults, blind)
	}
	for _, eye := range r.eyes[:3] {
		if err := eye.Halt(); err != nil {
			t.Error(err)
		}
	}
	for i, twin := range r.twins {
		if _, answers := twin.Address(); answers != (i >= 3) {
			t.Errorf("%d, halted: answers %v", i, answers)
		}
	}
	r.expect(t, time.Second, make([]int, 7)...)
}

// Another program gave them each other's addresses, or the same address.
func TestVL53L0XGroupReassignsWrongAddresses(t *testing.T) {
	for _, addresses := range [][]byte{{0x2b, 0x2c, 0x2a}, {0x2a, 0x2a, 0x2a}, {0x29, 0x55, 0x2b}} {
		r := newRow(t, 3, nil)
		for i, twin := range r.twins {
			if err := twin.Tx(0, []byte{0x8a, addresses[i]}, nil); err != nil {
				t.Fatal(err)
			}
		}
		r.expect(t, time.Second, 0, 0, 0)
	}
}

// Any of the chips may lose their supply at any time, and their bus may fail: no reading is that of another chip, or
// mixed from two, and all chips are back after half a second.
func TestVL53L0XGroupNeverMixesChips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(2, 4).Draw(t, "sensors")
		stumble := &failOnce{transfers: -1}
		r := newRow(t, count, func(bus i2c.Bus) i2c.Bus {
			stumble.Bus = bus
			return stumble
		})
		for range rapid.IntRange(1, 6).Draw(t, "faults") {
			r.run(t, time.Duration(rapid.IntRange(0, 60).Draw(t, "5 ms"))*5*ms)
			r.supply(rapid.SliceOfN(rapid.IntRange(0, count-1), 0, count).Draw(t, "lost")...)
			stumble.transfers = rapid.IntRange(-1, 40).Draw(t, "transfers")
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, count-1), 0, 2).Draw(t, "also in the middle") {
				r.run(t, 5*ms)
				r.supply(i)
			}
		}
		stumble.transfers = -1
		r.run(t, 1500*ms)
		if _, blind := r.run(t, 500*ms); blind > 0 {
			t.Fatal(fmt.Sprintf("%d without a reading", blind))
		}
	})
}

func TestVL53L0XGroupFaults(t *testing.T) {
	// Another device is at 0x29: chips with an address keep measuring, and no other chip gets one.
	r := newRow(t, 2, nil)
	r.expect(t, time.Second, 0, 0)
	colour, _ := chips.Find("tcs34725")
	if err := r.board.Attach("I2C1", 0x29, colour.OnBus(nil, nil)); err != nil {
		t.Fatal(err)
	}
	r.expect(t, time.Second, 0, 0)
	r.supply(1)
	expectFault(t, r.eyes[1], r.now, "vl53l0x at 0x2b on I2C1: read: ", "XSHUT is connected to GPIO5")
	for range 3 {
		expectNotYet(t, r.eyes[1], r.now)
		expectFault(t, r.eyes[1], r.now, "assign its address: expected no device at 0x29 before this one is started: another device")
		expectReading(t, r.eyes[0], r.now, r.wall(0))
		r.now += 20 * ms
	}
	if err := r.board.Detach("I2C1", 0x29); err != nil {
		t.Fatal(err)
	}
	r.expect(t, time.Second, 0, 0)

	// One chip is unplugged: the other is not affected.
	if err := r.board.Detach("I2C1", 0x2b); err != nil {
		t.Fatal(err)
	}
	faults, blind := r.run(t, time.Second)
	if faults[0] != 0 || faults[1] < 3 || blind != 1 {
		t.Errorf("unplugged: faults %v, %d without a reading", faults, blind)
	}
	r.run(t, 20*ms)
	for { // until the running start is over
		if _, err := r.eyes[1].Sample(r.now); !errors.Is(err, sensors.ErrNotYet) {
			expectError(t, err, "vl53l0x at 0x2b on I2C1: assign its address: ", "remote I/O error", "GPIO5")
			break
		}
		r.now += 20 * ms
	}
	if err := r.board.Replug("I2C1", 0x2b); err != nil {
		t.Fatal(err)
	}
	r.run(t, 300*ms)
	r.expect(t, time.Second, 0, 0)
}

// The pins may be on an expander, which can fail too.
func TestVL53L0XGroupPinFails(t *testing.T) {
	r := newRow(t, 0, nil)
	pin := &brokenOut{Pin: spare(t, r, "GPIO4").(*sim.Pin)}
	twin := chips.NewVL53L0X(constant(700_000))
	twin.ResetBy(pin.Pin)
	if err := r.board.Attach("I2C1", 0x2a, twin); err != nil {
		t.Fatal(err)
	}
	eye, err := sensors.NewVL53L0XGroup(r.bus).NewVL53L0X(pin, 0x2a, nil)
	if err != nil {
		t.Fatal(err)
	}
	starts := func() {
		t.Helper()
		for end := r.now + 150*ms; r.now < end; r.now += 10 * ms {
			if _, err := eye.Sample(r.now); err != nil && !errors.Is(err, sensors.ErrNotYet) {
				t.Error(err)
			}
		}
		expectReading(t, eye, r.now, 700_000)
	}
	// The write that resets all chips, the one that resets this chip, and the one that releases it.
	for _, fails := range []int{2, 1, 2} {
		pin.fails = fails
		if fails > 1 {
			expectNotYet(t, eye, r.now)
		}
		expectFault(t, eye, r.now, "vl53l0x at 0x2a on I2C1: ", errRemoteIO.Error(), "GPIO4")
		starts()
		pin.fails = 1
		expectFault(t, halts{eye}, r.now, "put into reset: ", errRemoteIO.Error())
	}
}

// halts is a sensor whose Sample halts it.
type halts struct{ *sensors.VL53L0X }

func (h halts) Sample(time.Duration) (int64, error) { return 0, h.Halt() }

// brokenOut is a pin on which one write fails.
type brokenOut struct {
	*sim.Pin
	fails int
}

func (b *brokenOut) Out(level gpio.Level) error {
	if b.fails--; b.fails == 0 {
		return errRemoteIO
	}
	return b.Pin.Out(level)
}
