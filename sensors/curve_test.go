package sensors_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/sensors"
)

var (
	_ sensors.Sensor = (*sensors.Curve)(nil)
	_ sensors.Sensor = (*sensors.Frozen)(nil)
)

// dial is a sensor that reads what it was set to.
type dial struct {
	value  int64
	fail   error
	halted int
}

func (d *dial) String() string                      { return "dial" }
func (d *dial) Unit() string                        { return "V" }
func (d *dial) Halt() error                         { d.halted++; return d.fail }
func (d *dial) Sample(time.Duration) (int64, error) { return d.value, d.fail }

func TestCurve(t *testing.T) {
	finder := []sensors.CurvePoint{{400_000, 800_000}, {1_300_000, 200_000}, {2_800_000, 80_000}}
	steps := []sensors.CurvePoint{{0, 0}, {3, 1}, {6, 0}, {7, 5}}
	widest := []sensors.CurvePoint{{math.MinInt64, math.MaxInt64}, {math.MaxInt64, math.MinInt64}}
	for _, c := range []struct {
		name     string
		points   []sensors.CurvePoint
		in, want int64
	}{
		{"at the first point", finder, 400_000, 800_000},
		{"at one between", finder, 1_300_000, 200_000},
		{"at the last", finder, 2_800_000, 80_000},
		{"half way", finder, 850_000, 500_000},
		{"one step down the line", finder, 400_001, 799_999},
		{"in the second part", finder, 2_050_000, 140_000},
		{"below the first point", finder, 399_999, 800_000},
		{"far below", finder, math.MinInt64, 800_000},
		{"above the last", finder, 2_800_001, 80_000},
		{"far above", finder, math.MaxInt64, 80_000},
		{"a third is rounded down", steps, 1, 0},
		{"two thirds up", steps, 2, 1},
		{"on the way down, too", steps, 4, 1},
		{"and", steps, 5, 0},
		{"the widest curve, at 0", widest, 0, -1},
		{"the widest curve, at -1", widest, -1, 0},
		{"the widest curve, near its end", widest, math.MaxInt64 - 1, math.MinInt64 + 1},
		{"the widest curve, at its end", widest, math.MaxInt64, math.MinInt64},
		{"a level line", []sensors.CurvePoint{{-5, 7}, {5, 7}}, 3, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			curve, err := sensors.NewCurve(&dial{value: c.in}, c.points, "m")
			if err != nil {
				t.Fatal(err)
			}
			expectReading(t, curve, 0, c.want)
		})
	}
}

// Whatever the points, the output is the nearest to the line, in exact arithmetic.
func TestCurveIsExact(t *testing.T) {
	values := []int64{math.MinInt64, math.MinInt64 + 1, -1 << 40, -1_000_003, -1, 0, 1, 2, 999_983, 1 << 33, 1<<62 + 12345, math.MaxInt64}
	half := big.NewRat(1, 2)
	for i, x0 := range values {
		for _, x1 := range values[i+1:] {
			for _, y0 := range values {
				for _, y1 := range values {
					in := x0/2 + x1/2
					d := &dial{value: in}
					curve, err := sensors.NewCurve(d, []sensors.CurvePoint{{x0, y0}, {x1, y1}}, "")
					if err != nil {
						t.Fatal(err)
					}
					got, _ := curve.Sample(0)
					if in < x0 || in > x1 {
						continue
					}
					difference := func(a, b int64) *big.Int { return new(big.Int).Sub(big.NewInt(a), big.NewInt(b)) }
					line := new(big.Rat).SetFrac(new(big.Int).Mul(difference(in, x0), difference(y1, y0)), difference(x1, x0))
					line.Add(line, new(big.Rat).SetInt64(y0))
					if off := line.Sub(line, new(big.Rat).SetInt64(got)); off.Abs(off).Cmp(half) > 0 {
						t.Fatalf("(%d, %d) to (%d, %d) at %d: got %d, off by %s", x0, y0, x1, y1, in, got, off.FloatString(3))
					}
				}
			}
		}
	}
}

func TestCurveRefuses(t *testing.T) {
	_, err := sensors.NewCurve(nil, []sensors.CurvePoint{{0, 0}, {1, 1}}, "m")
	expectError(t, err, "expected a sensor")
	_, err = sensors.NewCurve(&dial{}, []sensors.CurvePoint{{0, 0}}, "m")
	expectError(t, err, "dial: curve", "at least 2 points, got 1")
	_, err = sensors.NewCurve(&dial{}, []sensors.CurvePoint{{0, 0}, {5, 1}, {5, 2}}, "m")
	expectError(t, err, "point 3", "above 5", "got 5")
}

// The rest is the sensor's; the points are the curve's own.
func TestCurveIsTheSensorOtherwise(t *testing.T) {
	d := &dial{value: 5}
	points := []sensors.CurvePoint{{0, 0}, {10, 100}}
	curve, err := sensors.NewCurve(d, points, "m")
	if err != nil {
		t.Fatal(err)
	}
	points[1].Output = 0
	expectReading(t, curve, 0, 50)
	if curve.Unit() != "m" || curve.String() != "dial" {
		t.Errorf("got %q, %q", curve.Unit(), curve)
	}
	for _, fail := range []error{errRemoteIO, fmt.Errorf("dial: %w", sensors.ErrNotYet)} {
		d.fail = fail
		if _, err := curve.Sample(0); !errors.Is(err, fail) {
			t.Errorf("got %v, want %v", err, fail)
		}
	}
	if err := curve.Halt(); !errors.Is(err, d.fail) || d.halted != 1 {
		t.Errorf("halt: %v, %d times", err, d.halted)
	}
}

func ExampleCurve() {
	// An infrared range finder on the first input of an ADS1115, before a wall at 50 cm.
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	board.Attach("I2C1", 0x48, sim.NewADS1115([4]func(time.Duration) int64{func(time.Duration) int64 { return 850_000 }}))
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
		{400_000, 800_000}, // 0.4 V is 80 cm
		{1_300_000, 200_000},
		{2_800_000, 80_000},
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
