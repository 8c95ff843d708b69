package hil_test

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"

	"periph.io/x/conn/v3/gpio"
)

// faulty starts the heated robot on a bus that can be made to fail.
func faulty(t *testing.T, c *testCase) *sim.Faults {
	text := heated(c)
	b := under.bus()
	c.needs(b != nil, "bus that can be made to fail")
	under.thermometer().set(55)
	start(t, text)
	eventually(t, "the fan to start", fanOn)
	f, err := b.devices().Faults(b.name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A single refused transfer does not stop the actuator. A stuck bus, or a device that refuses for long or answers very late,
// brings it to failsafe. When the fault is gone, the robot continues by itself.
func TestBusFaults(t *testing.T) {
	c := begin(t)
	f := faulty(t, c)
	for range 3 {
		f.Refuse(tmp105Address, 1)
		for begun := time.Now(); time.Since(begun) < time.Second; time.Sleep(10 * time.Millisecond) {
			if fanOff() {
				t.Fatal("one refused transfer has stopped the fan")
			}
		}
	}
	for _, fault := range []struct {
		name       string
		begin, end func()
	}{
		{"refused", func() { f.Refuse(tmp105Address, 1<<30) }, func() { f.Refuse(tmp105Address, 0) }},
		{"stuck", f.Stick, f.Release},
		{"slow", func() { f.Slow(3 * time.Second) }, func() { f.Slow(0) }},
	} {
		fault.begin()
		c.figure("%s: failsafe after %v", fault.name, eventually(t, "failsafe", fanOff).Round(time.Millisecond))
		fault.end()
		c.figure("on again after %v", eventually(t, "the fan to start again", fanOn).Round(time.Millisecond))
	}
	f.Garbage(tmp105Address, 50, 1)
	time.Sleep(time.Second)
	f.Garbage(tmp105Address, 0, 1)
	eventually(t, "the fan to start after garbage", fanOn)
}

// Every I2C sensor, read through the kernel, has the value of its simulated chip on the table.
func TestEverySensorOnTheBus(t *testing.T) {
	c := begin(t)
	b := under.bus()
	c.needs(b != nil, "bus with every device")
	if b.early {
		for name, address := range map[string]uint16{
			"ads1115": 0x4a, "adxl345": 0x53, "bh1750": 0x23, "bme280": 0x76, "ina219": 0x41,
			"mcp23017": 0x20, "mpu6050": 0x68, "tmp102": 0x49, "vl53l0x": 0x29,
		} {
			kind, _ := chips.Find(name)
			if err := b.devices().Attach(b.name, address, kind.OnBus(nil, nil)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = b.devices().Detach(b.name, address) }) // after the robot has ended
		}
	}
	under.thermometer().set(25)
	r, _ := start(t, fmt.Sprintf(`robot: table
board: %s
expanders: {more: {device: mcp23017, bus: I2C1, address: 0x20}}
sensors:
  near: {device: vl53l0x, bus: I2C1, every: 50ms, encode: {kind: threshold, above: 0 m, to: n}}
  battery: {device: ads1115, bus: I2C1, address: 0x4a, measure: a1, every: 100ms, encode: {kind: threshold, above: 0 V, to: n}}
  light: {device: bh1750, bus: I2C1, address: 0x23, every: 200ms, encode: {kind: threshold, above: 0 lx, to: n}}
  current: {device: ina219, bus: I2C1, address: 0x41, measure: current, every: 50ms, encode: {kind: threshold, above: 0 A, to: n}}
  turn: {device: mpu6050, bus: I2C1, address: 0x68, measure: gyro_z, every: 20ms, encode: {kind: threshold, above: 0 °/s, to: n}}
  tilt: {device: mpu6050, bus: I2C1, address: 0x68, measure: accel_z, every: 20ms,
    encode: {kind: threshold, above: 0 m/s², to: n}}
  shake: {device: adxl345, bus: I2C1, address: 0x53, measure: accel_z, every: 20ms,
    encode: {kind: threshold, above: 0 m/s², to: n}}
  warm: {device: tmp102, bus: I2C1, address: 0x49, every: 200ms, encode: {kind: threshold, above: 0 °C, to: n}}
  heat: {device: tmp105, bus: I2C1, address: 0x48, every: 200ms, encode: {kind: threshold, above: 0 °C, to: n}}
  air: {device: bme280, bus: I2C1, address: 0x76, measure: pressure, every: 1s, encode: {kind: threshold, above: 300 hPa, to: n}}
  knob: {device: button, pin: more/A3, pull: none, every: 20ms, encode: {kind: edge, on: both, to: n}}
network: {neurons: {n: {}}}
mqtt: {broker: none}
`, b.board))
	want := map[string]float64{
		"near": 1, "battery": 1.65, "light": 300, "current": 0.2, "turn": 0, "tilt": 9.807, "shake": 9.807,
		"warm": 22.5, "heat": 25, "air": 100_653, "knob": 0,
	}
	if !b.early {
		want["heat"] = 22.5 // the table's own
	}
	for name, value := range want {
		var got any
		wrong := func() bool {
			m, seen := r.Sensors()[name]
			got = m.Value
			v, ok := m.Value.(float64)
			return !seen || !ok || math.Abs(v-value) > 0.02+value/200
		}
		for begun := time.Now(); wrong() && time.Since(begun) < patience/2; {
			time.Sleep(20 * time.Millisecond)
		}
		if wrong() {
			t.Errorf("%s: %v, want %v", name, got, value)
		}
	}
	c.figure("%d readings as they should be", len(want))
}

// Every actuator on I2C outputs: the outputs of a PCA9685 and an MCP23017 are read from the registers of the simulated chips.
func TestEveryActuatorOnTheBus(t *testing.T) {
	c := begin(t)
	b := under.bus()
	c.needs(b != nil && b.early, "bus whose devices are attached before the robot starts")
	driver, more := chips.NewPCA9685(), chips.NewMCP23017()
	for address, device := range map[uint16]sim.Device{0x40: driver, 0x20: more} {
		if err := b.devices().Attach(b.name, address, device); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.devices().Detach(b.name, address) })
	}
	decode := "decode: {kind: count, neuron: beat, full: 100 Hz, window: 100ms}"
	text := fmt.Sprintf(`robot: table
board: %s
expanders:
  servos: {device: pca9685, bus: I2C1, address: 0x40, frequency: 50 Hz}
  more: {device: mcp23017, bus: I2C1, address: 0x20}
network: {neurons: {beat: {pacemaker: 10ms}}}
actuators:
  arm: {device: servo, pwm: servos/0, %[2]s}
  winch: {device: continuous, pwm: servos/1, %[2]s}
  prop: {device: esc, pwm: servos/2, %[2]s}
  lamp: {device: dimmer, pwm: servos/3, %[2]s}
  wheel: {device: hbridge, pwm: servos/4, in1: more/B1, in2: more/B2, %[2]s}
  horn: {device: relay, pin: more/B0, active: low, %[2]s}
mqtt: {broker: none}
`, b.board, decode)
	_, stop := start(t, text)
	duty := func(output int) float64 {
		return float64(driver.Duty(b.clock(), output)) / float64(gpio.DutyMax)
	}
	level := func(name string) bool {
		p, err := more.Line(name)
		if err != nil {
			t.Fatal(err)
		}
		return p.Read() == gpio.High
	}
	near := func(output int, want float64) func() bool {
		return func() bool { return math.Abs(duty(output)-want) < 0.002 }
	}
	for _, one := range []struct {
		what string
		is   func() bool
	}{
		{"servo at 2 ms", near(0, 0.1)},
		{"continuous servo at 2 ms", near(1, 0.1)},
		{"ESC at 2 ms", near(2, 0.1)},
		{"dimmer at full", near(3, 1)},
		{"wheel forward at full", func() bool { return near(4, 1)() && level("B1") && !level("B2") }},
		{"horn, active low", func() bool { return !level("B0") }},
	} {
		c.figure("%s after %v", one.what, eventually(t, one.what, one.is).Round(time.Millisecond))
	}
	err := daemon.Run(t.Context(), parse(t, text), daemon.RunOptions{})
	if err == nil || !strings.Contains(err.Error(), "another fluxd commands it") {
		t.Errorf("a second robot with the same PCA9685: %v", err)
	}
	stop()
	for _, output := range []int{2, 3, 4} {
		if output != 2 && duty(output) != 0 || output == 2 && !near(2, 0.05)() && duty(2) != 0 {
			t.Errorf("output %d is at %.3f after the end", output, duty(output))
		}
	}
	if !level("B0") {
		t.Error("the horn sounds after the end")
	}
}

// Each device that answers on the kernel's buses can be read by the driver of one of the devices with its address.
func TestWhateverAnswers(t *testing.T) {
	c := begin(t)
	c.needs(under.name() != "sim", "I2C bus of a kernel")
	robot := parse(t, fmt.Sprintf("robot: probe\nboard: %s\nnetwork: {neurons: {n: {}}}\n", under.board()))
	board, buses, err := hardware.ProbeRobot(robot, hardware.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]struct{ measure, unit string }{
		"ads1115": {"measure: a0, ", "V"},
		"adxl345": {"measure: accel_z, ", "m/s²"},
		"bh1750":  {"", "lx"},
		"bme280":  {"measure: temperature, ", "°C"},
		"ina219":  {"measure: voltage, ", "V"},
		"mpu6050": {"measure: accel_z, ", "m/s²"},
		"tmp102":  {"", "°C"},
		"tmp105":  {"", "°C"},
		"vl53l0x": {"", "m"},
	}
	found := 0
	for _, bus := range buses {
		for _, address := range bus.Addresses {
			found++
			var read []string
			for _, device := range configs.DevicesAt(address) {
				as, isSensor := known[device]
				if !isSensor {
					continue
				}
				r, stop := start(t, fmt.Sprintf(`robot: one
board: %s
sensors:
  it: {device: %s, bus: %s, address: 0x%02x, %severy: 100ms, encode: {kind: threshold, above: 0 %s, to: n}}
network: {neurons: {n: {}}}
mqtt: {broker: none}
`, under.board(), device, bus.Name, address, as.measure, as.unit))
				for begun := time.Now(); time.Since(begun) < 2*time.Second; time.Sleep(10 * time.Millisecond) {
					if m, seen := r.Sensors()["it"]; seen {
						read = append(read, fmt.Sprintf("%s %v %s", device, m.Value, m.Unit))
						break
					}
				}
				stop()
			}
			if len(read) == 0 {
				t.Errorf("%s 0x%02x answers on %s, but cannot be read as any of %v", bus.Name, address, board, configs.DevicesAt(address))
			}
			c.figure("%s 0x%02x: %s", bus.Name, address, strings.Join(read, " or "))
		}
	}
	c.needs(found > 0, "device on I2C")
}
