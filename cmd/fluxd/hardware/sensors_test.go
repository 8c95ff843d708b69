package hardware

import (
	"errors"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/configs"
	"fluxd/sensors"
)

// A reading passes frozen, median and curve, in this order.
func TestStagesOfAReading(t *testing.T) {
	config, err := configs.Parse("test.yaml", []byte(`robot: r
board: {kind: sim, world: none}
sensors:
  ir: {device: ads1115, bus: I2C1, address: 0x48, measure: a0, every: 10ms, frozen: 100ms, median: 3, stale: 1s,
       curve: [[0 V, 10 m], [1 V, 0 m], [2 V, 10 m]], encode: {kind: rate, range: [0 m, 10 m], max: 100 Hz, to: a}}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var now time.Duration
	body := New(config, Options{BusWait: BusWait}, func() time.Duration { return now })
	if err := body.OpenBoard(); err != nil {
		t.Fatal(err)
	}
	volts := int64(0)
	input := func(time.Duration) int64 { return volts }
	chip := chips.NewADS1115([4]func(time.Duration) int64{input, input, input, input})
	if err := body.Board.(*sim.Board).Attach("I2C1", 0x48, chip); err != nil {
		t.Fatal(err)
	}
	ir, err := body.OpenSensor(config.Sensors[0])
	if err != nil {
		t.Fatal(err)
	}
	read := func(v int64) (int64, error) {
		volts = v
		for {
			now += 10 * time.Millisecond
			if m, err := ir.Sample(now); !errors.Is(err, sensors.ErrNotYet) {
				return m, err
			}
		}
	}
	if m, err := read(500_000); err != nil || m/1000 != 5000 {
		t.Fatalf("0.5 V: %d um, %v, want 5 m", m, err)
	}
	// A calibration before the median would turn these into 5, 0 and 5 m, whose median is 5 m. The median of the voltages is 1 V,
	// which is 0 m.
	for _, v := range []int64{1_000_000, 1_500_000} {
		if _, err = read(v); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := read(1_000_000); err != nil || m > 2000 {
		t.Errorf("0.5, 1, 1.5 and 1 V: %d um, %v, want 0 m", m, err)
	}
	// The median stays the same while the readings change: only readings can freeze.
	for i := range int64(30) {
		if _, err := read(1_000_000 + i%3*100_000); err != nil {
			t.Fatalf("readings that change: %v", err)
		}
	}
	for range 11 {
		_, err = read(1_000_000)
	}
	if err == nil {
		t.Error("a frozen sensor has readings")
	}
	ir.Adjust(config.Sensors[0].Value)
}
