package sensors_test

import (
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/sensors"

	"periph.io/x/conn/v3/physic"
)

const ina219Start = "008000 00399f"

func TestINA219OnTheWire(t *testing.T) {
	for _, c := range []struct {
		name, transfers string
		opts            *sensors.INA219Opts
		want            map[string]int64
	}{
		{"a motor that turns", ina219Start + " 00>399f 01>07d0 02>5dc2", nil, map[string]int64{"shunt": 20_000, "current": 200_000, "voltage": 12_000_000, "power": 2_400_000}},
		{"and brakes", ina219Start + " 00>399f 01>f830 02>5dc2", nil, map[string]int64{"shunt": -20_000, "current": -200_000, "voltage": 12_000_000, "power": -2_400_000}},
		{"a large shunt resistor, a small current", "008000 00219f 00>219f 01>0001 02>0008", &sensors.INA219Opts{Shunt: 3 * physic.Ohm, MaxCurrent: 10 * physic.MilliAmpere},
			map[string]int64{"shunt": 10, "current": 3, "voltage": 4_000, "power": 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			chip, err := sensors.NewINA219(playback(t, wire(t, 0x40, c.transfers)...), 0x40, c.opts)
			for name, want := range c.want { // one pair of conversions for all
				m := measure(t, chip, err, name)
				if _, err := m.Sample(0); err == nil {
					t.Error("a reading before the first conversion is over")
				}
				expectReading(t, m, 2*ms, want)
			}
		})
	}
}

func TestINA219RefusesWhatTheChipDoesNotHave(t *testing.T) {
	if _, err := sensors.NewINA219(playback(t), 0x50, nil); err == nil {
		t.Error("address 0x50: expected an error")
	}
	for _, opts := range []sensors.INA219Opts{{Shunt: physic.MicroOhm}, {MaxCurrent: -1}, {MaxCurrent: 4 * physic.Ampere}, {Shunt: 200 * physic.Ohm}} {
		if _, err := sensors.NewINA219(playback(t), 0x40, &opts); err == nil {
			t.Errorf("%+v: expected an error", opts)
		}
	}
	chip, err := sensors.NewINA219(playback(t), 0x40, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = chip.Measure("resistance")
	expectError(t, err, "ina219 at 0x40 on playback: ", "current, power, shunt, voltage")
}

func TestINA219OnSimulatedBoard(t *testing.T) {
	current := int64(-1_234_000)
	bus, _, now := simulated(t, 0x41, sim.NewINA219(func(time.Duration) int64 { return current }, constant(7_400_000), 100_000))
	chip, err := sensors.NewINA219(bus, 0x41, nil)
	amps, volts, watts := measure(t, chip, err, "current"), measure(t, chip, err, "voltage"), measure(t, chip, err, "power")
	expectNotYet(t, amps, 0)
	*now = 2 * ms
	expectReading(t, amps, *now, -1_234_000)
	expectReading(t, volts, *now, 7_400_000)
	expectReading(t, watts, *now, -9_131_600)
	current = 50_000_000 // a short circuit: that much or more
	*now = 4 * ms
	expectReading(t, amps, *now, 3_200_000)
	if err := amps.Halt(); err != nil {
		t.Error(err)
	}
	expectNotYet(t, amps, *now) // started again
}

func TestINA219Faults(t *testing.T) {
	device := sim.NewINA219(constant(1_000_000), constant(7_400_000), 100_000)
	bus, board, now := simulated(t, 0x40, device)
	chip, err := sensors.NewINA219(bus, 0x40, &sensors.INA219Opts{MaxCurrent: physic.Ampere}) // whose configuration is not that of power-up
	m := measure(t, chip, err, "current")
	recovers := func() {
		t.Helper()
		expectNotYet(t, m, *now)
		*now += 2 * ms
		expectReading(t, m, *now, 1_000_000)
		*now += 2 * ms
	}
	recovers()
	breakable(t, board).Refuse(0x40, 1)
	expectFault(t, m, *now, "ina219 at 0x40 on I2C1: read: ", "remote I/O error")
	recovers()
	device.Reset()
	expectFault(t, m, *now, "lost its supply")
	recovers()
	breakable(t, board).Garbage(0x40, 3, 7)
	expectFault(t, m, *now, "another chip")
	recovers()
}
