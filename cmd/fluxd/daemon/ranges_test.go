package daemon

import (
	"fluxd/cmd/fluxd/tuning"
	"log/slog"
	"testing"
)

// A threshold can be tuned within the device's range only, as Check demands. With a calibration curve there is no such limit,
// because the curve can be tuned, too.
func TestThresholdsAreTunedWithinTheDevicesRange(t *testing.T) {
	for curve, want := range map[string][2]float64{"": {0, 54612.5}, ", curve: [[0 lx, 0 lx], [100 lx, 1 lx]]": {-1e9, 1e9}} {
		text := `robot: r
board: {kind: sim}
sensors: {s: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms` + curve + `, encode: {kind: threshold, above: 1 lx, to: a}}}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`
		s, err := NewSimulation(parse(t, text, nil), 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		tuner := tuning.New(s.config, s.network, s.Robot)
		values, _, err := tuner.Get([]string{"sensors.s.encode.above"})
		if err != nil {
			t.Fatal(err)
		}
		if low, high := values["sensors.s.encode.above"].Min, values["sensors.s.encode.above"].Max; low != want[0] || high != want[1] {
			t.Errorf("%q: %v to %v, want %v", curve, low, high, want)
		}
	}
}
