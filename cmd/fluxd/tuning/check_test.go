package tuning

import (
	"errors"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"
	"fluxd/sensors"
)

// still is a robot that accepts every change.
type still struct{}

func (still) Readings(int) sensors.Range              { return sensors.Range{} }
func (still) Prepare(Part, *Settings) (func(), error) { return func() {}, nil }
func (still) ConvertWeights(*Settings) func()         { return func() {} }

// newTuner makes the tuner of a robot file, for a robot that accepts every change.
func newTuner(t *testing.T, name, text string) *Tuner {
	t.Helper()
	config, err := configs.Parse(name, []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	network, err := core.Build(config.Network)
	if err != nil {
		t.Fatal(err)
	}
	return New(config, network, still{})
}

// A change is checked like a robot file, with the same errors.
func TestChangesAreCheckedLikeAFile(t *testing.T) {
	tuner := newTuner(t, "lamp.yaml", `robot: lamp
board: {kind: sim}
network: {neurons: {a: {}}}
actuators: {lamp: {device: dimmer, pwm: GPIO12, decode: {kind: count, neuron: a, window: 100ms}}}
mqtt: {broker: none}
`)
	of, known := tuner.byPath["actuators.lamp.decode.full"]
	if !known {
		t.Fatal("no such parameter")
	}
	after := tuner.Settings().clone()
	after.copyPart(tuner.all[of].of)
	if err := tuner.check(of, &after); err != nil {
		t.Errorf("as it is configured: %v", err)
	}
	after.Actuators[0].Decode.Options.(*encoders.CountOpts).Window = time.Nanosecond
	var refused *protocol.Error
	if err := tuner.check(of, &after); !errors.As(err, &refused) || refused.Path != "actuators.lamp.decode.window" ||
		refused.Message != "1ns: expected at least 1µs" {
		t.Errorf("an invalid window: %v", err)
	}
	if tuner.Settings().Actuators[0].Decode.Options.(*encoders.CountOpts).Window != 100*time.Millisecond {
		t.Error("the refused change had an effect")
	}
}

// The limits of an encoder depend on the sensor's present rate, not on that at the start.
func TestEncodersAreCheckedAtTheTunedRate(t *testing.T) {
	tuner := newTuner(t, "eye.yaml", `robot: eye
board: {kind: sim}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 100ms, encode: {kind: rate, range: [0 lx, 100 lx], max: 50 Hz, to: a}}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`)
	const most = 1e6 // 10,000 spikes a reading, every 10 ms
	fast := map[string]float64{"sensors.eye.encode.max": most}
	if err := tuner.Set(Request{Values: fast}); err == nil {
		t.Error("a rate of 100,000 spikes a reading is accepted")
	}
	if err := tuner.Set(Request{Values: map[string]float64{"sensors.eye.every": 10_000}}); err != nil {
		t.Fatal(err)
	}
	if err := tuner.Set(Request{Values: fast}); err != nil {
		t.Errorf("read more often: %v", err)
	}
}

// Tuning moves the two intervals of a decoder, but never reverses what they mean.
func TestIntervalsKeepTheirDirection(t *testing.T) {
	tuner := newTuner(t, "wheel.yaml", `robot: wheel
board: {kind: sim}
network: {neurons: {a: {}}}
actuators: {wheel: {device: dimmer, pwm: GPIO12, decode: {kind: isi, neuron: a, intervals: [50ms, 5ms]}}}
mqtt: {broker: none}
`)
	const longer, shorter = "actuators.wheel.decode.intervals[0]", "actuators.wheel.decode.intervals[1]"
	for _, c := range []struct {
		path     string
		ms       float64
		accepted bool
	}{{longer, 4, false}, {shorter, 50, false}, {longer, 100, true}, {shorter, 70, true}, {longer, 90, true}, {longer, 60, false}} {
		if err := tuner.Set(Request{Values: map[string]float64{c.path: c.ms * 1000}}); (err == nil) != c.accepted {
			t.Errorf("%s=%gms: %v", c.path, c.ms, err)
		}
	}
}
