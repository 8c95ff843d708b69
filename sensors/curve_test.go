package sensors_test

import (
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// fake is a sensor with the readings that a test sets.
type fake struct {
	value int64
	err   error
	halts int
}

func (s *fake) String() string                      { return "fake" }
func (s *fake) Unit() string                        { return "V" }
func (s *fake) Halt() error                         { s.halts++; return nil }
func (s *fake) Sample(time.Duration) (int64, error) { return s.value, s.err }

func TestCurve(t *testing.T) {
	s := &fake{}
	c, err := sensors.NewCurve(s, []sensors.CurvePoint{{In: -10, Out: 1000}, {In: 0, Out: 0}, {In: 3, Out: 10}}, "m")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[int64]int64{-1000: 1000, -10: 1000, -9: 900, -1: 100, 0: 0, 1: 3, 2: 7, 3: 10, 1000: 10} {
		s.value = in
		expectReading(t, c, 0, want)
	}
	if c.Unit() != "m" || c.String() != "fake" {
		t.Errorf("%s in %s", c, c.Unit())
	}
	s.err = errRemoteIO
	if _, err := c.Sample(0); !errors.Is(err, errRemoteIO) {
		t.Errorf("the sensor's error: got %v", err)
	}
	if _, ok := c.Next(0, 0); ok || c.LostEdges() != 0 {
		t.Error("got edges from a sensor without edges")
	}
	if _, err := sensors.NewCurve(nil, []sensors.CurvePoint{{In: 1}, {In: 2}}, "m"); err == nil {
		t.Error("no sensor: expected an error")
	}
	for _, points := range [][]sensors.CurvePoint{nil, {{In: 1}}, {{In: 1}, {In: 1}}, {{In: 2}, {In: 1}}} {
		if _, err := sensors.NewCurve(s, points, "m"); err == nil {
			t.Errorf("%v: expected an error", points)
		}
		if err := c.Calibrate(points); err == nil {
			t.Errorf("another calibration of %v: expected an error", points)
		}
	}
	s.value, s.err = 3, nil
	expectReading(t, c, 0, 10) // rejected points did not change the calibration
	if err := c.Calibrate([]sensors.CurvePoint{{In: 0, Out: 0}, {In: 3, Out: 12}}); err != nil {
		t.Fatal(err)
	}
	expectReading(t, c, 0, 12)
}

// For any two points and any reading, the result equals that of exact fractions, rounded to the nearest.
func TestCurveIsExact(t *testing.T) {
	any := rapid.Int64()
	rapid.Check(t, func(t *rapid.T) {
		a, b, x := any.Draw(t, "a"), any.Draw(t, "b"), any.Draw(t, "x")
		if a == b {
			return
		}
		from, to := sensors.CurvePoint{In: min(a, b), Out: any.Draw(t, "from")},
			sensors.CurvePoint{In: max(a, b), Out: any.Draw(t, "to")}
		c, err := sensors.NewCurve(&fake{value: x}, []sensors.CurvePoint{from, to}, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Sample(0)
		if err != nil {
			t.Fatal(err)
		}
		along := new(big.Int).Sub(big.NewInt(min(max(x, from.In), to.In)), big.NewInt(from.In))
		exact := new(big.Rat).SetFrac(along, new(big.Int).Sub(big.NewInt(to.In), big.NewInt(from.In)))
		exact.Mul(exact, new(big.Rat).SetInt(new(big.Int).Sub(big.NewInt(to.Out), big.NewInt(from.Out))))
		exact.Add(exact, new(big.Rat).SetInt64(from.Out))
		off := exact.Sub(exact, new(big.Rat).SetInt64(got))
		if off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 {
			t.Errorf("%d between %v and %v: %d is off by %s", x, from, to, got, off.FloatString(3))
		}
	})
}

func ExampleCurve() {
	// An infrared range finder on the first input of an ADS1115, in front of a wall at 50 cm.
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	board.Attach("I2C1", 0x48, chips.NewADS1115([4]func(time.Duration) int64{func(time.Duration) int64 { return 850_000 }}))
	bus, err := board.Bus("I2C1")
	if err != nil {
		fmt.Println(err)
		return
	}
	converter, err := sensors.NewADS1115(bus, 0x48, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	volts, _ := converter.Measure("a0")
	finder, err := sensors.NewCurve(volts, []sensors.CurvePoint{
		{In: 400_000, Out: 800_000}, // 0.4 V is 80 cm
		{In: 1_300_000, Out: 200_000},
		{In: 2_800_000, Out: 80_000},
	}, "m")
	if err != nil {
		fmt.Println(err)
		return
	}
	finder.Sample(now) // starts the chip
	now = 20 * time.Millisecond
	distance, err := finder.Sample(now)
	fmt.Println(distance, "millionths of", finder.Unit(), err)
	// Output:
	// 500000 millionths of m <nil>
}
