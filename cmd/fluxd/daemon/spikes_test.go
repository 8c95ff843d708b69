package daemon

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"fluxd/cmd/fluxd/tap"
)

// The tap shows readings, spikes, commands and rewards in the order in which they happen.
func TestTapShowsAllKindsOfRecords(t *testing.T) {
	s, err := NewSimulation(parse(t, `
robot: followed
board: {kind: sim, world: table}
sensors: {warm: {device: tmp102, bus: I2C1, address: 0x48, every: 100ms, encode: {kind: threshold, above: 20 °C, to: hot}}}
network: {neurons: {hot: {}, fan: {}, joy: {}}, synapses: [{from: hot, to: fan, weight: 200, delay: 2ms}]}
rewards: {cosy: {sensor: warm, on: level, gain: 0.1, to: joy}}
actuators: {fan: {device: dimmer, pwm: GPIO12, decode: {kind: count, neuron: fan, full: 10 Hz, window: 100ms}}}
mqtt: {broker: none}
`, nil), 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	reader := s.tap.Follow()
	defer reader.Leave()
	if err := s.Advance(context.Background(), 2*time.Second, func(time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	records, lost := reader.Read(nil)
	first := map[tap.Kind]int{}
	for i, r := range records {
		if _, seen := first[r.Kind]; !seen {
			first[r.Kind] = i
		}
		if i > 0 && r.At < records[i-1].At && r.Kind != tap.Command {
			t.Errorf("%+v after %+v", r, records[i-1])
		}
	}
	if len(first) != 4 || lost != 0 {
		t.Fatalf("%+v, %d lost", records, lost)
	}
	reading, spike := records[first[tap.Reading]], records[first[tap.Spike]]
	if reading.Value < 20_000_000 || reading.Index != 0 || spike.Index != 0 && spike.Index != 2 ||
		records[first[tap.Reward]].Value != 2 {
		t.Errorf("%+v, %+v, %+v", reading, spike, records[first[tap.Reward]])
	}
	if err := s.halt(); err != nil {
		t.Error(err)
	}
}
