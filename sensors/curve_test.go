package sensors_test

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"fluxd/sensors"

	"pgregory.net/rapid"
)

// told is a sensor that reads what a test says.
type told struct {
	value int64
	err   error
	halts int
}

func (s *told) String() string                      { return "told" }
func (s *told) Unit() string                        { return "V" }
func (s *told) Halt() error                         { s.halts++; return nil }
func (s *told) Sample(time.Duration) (int64, error) { return s.value, s.err }

func TestCurve(t *testing.T) {
	s := &told{}
	c, err := sensors.NewCurve(s, []sensors.CurvePoint{{In: -10, Out: 1000}, {In: 0, Out: 0}, {In: 3, Out: 10}}, "m")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[int64]int64{-1000: 1000, -10: 1000, -9: 900, -1: 100, 0: 0, 1: 3, 2: 7, 3: 10, 1000: 10} {
		s.value = in
		expectReading(t, c, 0, want)
	}
	if c.Unit() != "m" || c.String() != "told" {
		t.Errorf("%s in %s", c, c.Unit())
	}
	s.err = errRemoteIO
	if _, err := c.Sample(0); !errors.Is(err, errRemoteIO) {
		t.Errorf("the sensor's error: got %v", err)
	}
	if _, ok := c.Next(0, 0); ok || c.LostEdges() != 0 {
		t.Error("edges of a sensor that has none")
	}
	for _, points := range [][]sensors.CurvePoint{nil, {{In: 1}}, {{In: 1}, {In: 1}}, {{In: 2}, {In: 1}}} {
		if _, err := sensors.NewCurve(s, points, "m"); err == nil {
			t.Errorf("%v: expected an error", points)
		}
	}
}

// For any two points and any reading, the result is that of exact fractions, rounded to the nearest.
func TestCurveIsExact(t *testing.T) {
	any := rapid.Int64()
	rapid.Check(t, func(t *rapid.T) {
		a, b, x := any.Draw(t, "a"), any.Draw(t, "b"), any.Draw(t, "x")
		if a == b {
			return
		}
		from, to := sensors.CurvePoint{In: min(a, b), Out: any.Draw(t, "from")}, sensors.CurvePoint{In: max(a, b), Out: any.Draw(t, "to")}
		c, err := sensors.NewCurve(&told{value: x}, []sensors.CurvePoint{from, to}, "")
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

func TestFrozen(t *testing.T) {
	s := &told{value: 7}
	f, err := sensors.NewFrozen(s, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	expectReading(t, f, 0, 7)
	expectReading(t, f, 999*ms, 7)
	for range 3 {
		expectFault(t, f, time.Second, "told: frozen: the same reading since 0s")
	}
	if s.halts != 1 {
		t.Errorf("halted %d times, want once", s.halts)
	}
	s.value = 8 // it moves again
	expectReading(t, f, 2*time.Second, 8)
	expectReading(t, f, 2900*ms, 8)
	s.err = errRemoteIO
	expectFault(t, f, 2950*ms, "remote I/O error")
	s.err = nil
	expectFault(t, f, 3*time.Second, "frozen")
	if s.halts != 2 {
		t.Errorf("halted %d times, want twice", s.halts)
	}
	if _, err := sensors.NewFrozen(s, 0); err == nil {
		t.Error("after 0: expected an error")
	}
}
