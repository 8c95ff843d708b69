package sensors_test

import (
	"fmt"
	"testing"
	"time"

	"periph.io/x/conn/v3/i2c"
	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// magnetic returns both measures of an AS5600.
func magnetic(t fataler, bus i2c.Bus, opts *sensors.AS5600Opts) (angle, position sensors.Sensor) {
	t.Helper()
	chip, err := sensors.NewAS5600(bus, 0x36, opts)
	both := measures(t, chip, err, "angle", "position")
	return both[0], both[1]
}

func TestAS5600OnTheWire(t *testing.T) {
	for _, c := range []struct {
		raw, inverted   string
		angle, position int64
	}{
		{"0000", "0000", 0, 0},
		{"0001", "0fff", 87_891, 244},
		{"0400", "0c00", 90_000_000, 250_000},
		{"0800", "0800", 180_000_000, 500_000},
		{"0fff", "0001", 359_912_109, 999_756},
	} {
		for raw, opts := range map[string]*sensors.AS5600Opts{c.raw: nil, c.inverted: {Inverted: true}} {
			// The bits of the factory and of the output pin keep their values.
			script := fmt.Sprintf("07>c2f3 07c4f0 0c>%s 07>c4f0000020 0c>%[1]s 07>c4f0000020", raw)
			angle, position := magnetic(t, playback(t, wire(t, 0x36, script)...), opts)
			expectNotYet(t, angle, 0)
			expectNotYet(t, position, 109*ms)
			expectReading(t, angle, 110*ms, c.angle)
			expectReading(t, position, 110*ms, c.position)
			if err := angle.Halt(); err != nil {
				t.Error(err)
			}
		}
	}
	_, err := sensors.NewAS5600(playback(t), 0x40, nil)
	expectError(t, err, "as5600 at 0x40 on playback: address: expected 0x36")
}

// shaft is a bus with a chip whose shaft is at one angle.
type shaft struct {
	i2c.Bus
	raw uint16
}

func (s *shaft) Tx(_ uint16, w, r []byte) error {
	switch {
	case w[0] == 0x0c:
		r[0], r[1] = byte(s.raw>>8), byte(s.raw)
	case len(r) == 5:
		copy(r, []byte{0x04, 0, 0, 0, 0x20})
	}
	return nil
}

func (s *shaft) String() string { return "shaft" }

// Whichever way the shaft turns, by less than half a revolution at a time, the position is the sum of all movements,
// and its fraction is the angle.
func TestAS5600CountsRevolutions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inverted := rapid.Bool().Draw(t, "inverted")
		counts := rapid.Int64Range(0, 4095).Draw(t, "start")
		bus := &shaft{}
		angle, position := magnetic(t, bus, &sensors.AS5600Opts{Inverted: inverted})
		_, err := angle.Sample(0)
		for i, move := range append([]int64{0}, rapid.SliceOf(rapid.Int64Range(-2047, 2047)).Draw(t, "moves")...) {
			counts += move
			if bus.raw = uint16(counts & 4095); inverted {
				bus.raw = uint16(-counts & 4095)
			}
			var revs, degrees int64
			if revs, err = position.Sample(time.Second); err == nil {
				degrees, err = angle.Sample(time.Second)
			}
			offPosition, offAngle := revs*4096-counts*1_000_000, degrees*4096-(counts&4095)*360_000_000 // in 4096ths of a millionth
			if err != nil || max(offPosition, -offPosition, offAngle, -offAngle) > 2048 {
				t.Fatalf("move %d: %d counts: position %d, angle %d, %v", i, counts, revs, degrees, err)
			}
		}
	})
}

func TestAS5600Faults(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         []string
		again        bool // the chip is started again
	}{
		{"no magnet", "0c>0123 07>0400000000",
			[]string{"magnet: expected the right strength, got no magnet", "magnetised across the shaft"}, false},
		{"no magnet, at the end of the gain", "0c>0123 07>0400000010", []string{"got no magnet"}, false},
		{"too weak", "0c>0123 07>0400000030", []string{"got too weak", "move the magnet nearer"}, false},
		{"too strong", "0c>0123 07>0400000028", []string{"got too strong", "move the magnet away"}, false},
		{"a lost supply", "0c>0123 07>0000000020",
			[]string{"read the settings: expected 0x0400, got 0x0000: it lost its supply for a moment"}, true},
		{"another program's settings", "0c>0123 07>0403000020", []string{"got 0x0403"}, true},
		{"a wire that no chip drives", "0c>ffff", []string{"read the angle: expected 0 to 4095, got 65535; check its supply"}, true},
		{"a wire that is held low", "0c>0000 07>0000000000", []string{"got 0x0000"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := "07>0000 070400 " + c.script
			if c.again {
				script += " 07>0000 070400"
			}
			angle, position := magnetic(t, playback(t, wire(t, 0x36, script+" 0c>0400 07>0400000020")...), nil)
			expectNotYet(t, angle, 0)
			expectFault(t, angle, 110*ms, append(c.want, "as5600 at 0x36 on playback: ")...)
			if c.again {
				expectNotYet(t, position, 120*ms)
			}
			expectReading(t, position, 230*ms, 250_000)
		})
	}
}

// Each transfer of a start and of a reading fails once.
func TestAS5600NoAnswerToOneTransfer(t *testing.T) {
	for n := range 6 {
		t.Run(fmt.Sprintf("transfer %d", n), func(t *testing.T) {
			bus, _, now := simulated(t, 0x36, chips.NewAS5600(constant(90_000_000)))
			_, position := magnetic(t, &failOnce{Bus: bus, transfers: n}, nil)
			expectOneFailure(t, position, now, time.Second, 10*ms, 250_000)
		})
	}
}

func TestAS5600OnSimulatedBoard(t *testing.T) {
	turning := func(at time.Duration) int64 { return 120_000_000 - at.Microseconds()*720 } // backward, two revolutions a second
	chip := chips.NewAS5600(turning)
	bus, board, now := simulated(t, 0x36, chip)
	angle, position := magnetic(t, bus, nil)
	expectNotYet(t, angle, 0)
	follows := func(until time.Duration) {
		t.Helper()
		for ; *now < until; *now += 10 * ms {
			expectNear(t, position, *now, turning(*now)/360, 600)
			expectNear(t, angle, *now, (turning(*now)%360_000_000+360_000_000)%360_000_000, 200_000)
		}
	}
	*now = 110 * ms
	follows(3 * time.Second)

	// The magnet falls off, and is back before the shaft has turned half a revolution.
	for magnet, want := range map[chips.AS5600Magnet]string{
		chips.MagnetMissing: "no magnet", chips.MagnetWeak: "too weak", chips.MagnetStrong: "too strong",
	} {
		chip.SetMagnet(magnet)
		expectFault(t, position, *now, want)
		chip.SetMagnet(chips.MagnetRight)
		*now += 100 * ms
		expectNear(t, position, *now, turning(*now)/360, 600)
	}

	// No answer, garbage, a lost supply.
	breakable(t, board).Refuse(0x36, 1)
	expectFault(t, angle, *now, "as5600 at 0x36 on I2C1: read the angle: ", "remote I/O error")
	expectNotYet(t, angle, *now)
	*now += 110 * ms
	follows(*now + time.Second)
	breakable(t, board).Garbage(0x36, 2, 5)
	expectFault(t, angle, *now, "expected")
	expectNotYet(t, angle, *now+10*ms) // the garbage has ended
	*now += 120 * ms
	follows(*now + time.Second)
	chip.Reset()
	expectFault(t, position, *now, "lost its supply")
	expectNotYet(t, position, *now)
	*now += 110 * ms
	follows(*now + time.Second)
	if chip.Burnt() {
		t.Error("the driver wrote to the permanent memory of the chip")
	}
}

func ExampleAS5600() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })                                    // on a robot: its board
	backward := func(at time.Duration) int64 { return -90_000_000 * int64((at+ms)/(50*ms)) } // a quarter of a revolution every 50 ms
	if err := board.Attach("I2C1", 0x36, chips.NewAS5600(backward)); err != nil {
		fmt.Println(err)
		return
	}
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	encoder, err := sensors.NewAS5600(bus, 0x36, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer encoder.Halt()
	position, err := encoder.Measure("position")
	if err != nil {
		fmt.Println(err)
		return
	}
	for ; now <= 400*time.Millisecond; now += 50 * time.Millisecond {
		if value, err := position.Sample(now); err == nil {
			fmt.Println(value, "millionths of", position.Unit())
		}
	}
	// Output:
	// 250000 millionths of rev
	// 0 millionths of rev
	// -250000 millionths of rev
	// -500000 millionths of rev
	// -750000 millionths of rev
	// -1000000 millionths of rev
}
