package hardware

import (
	"fmt"
	"strings"
	"testing"

	"fluxd/configs"
)

// measuring is a robot with one sensor.
func measuring(device, encode string) string {
	return fmt.Sprintf(`robot: r
board: {kind: raspberrypi}
sensors:
  s: {%s,
      encode: {%s, to: a}}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`, device, encode)
}

// An option that no reading reaches is a mistake, with its line; behind a calibration it is a warning.
func TestThresholdsThatNoReadingReaches(t *testing.T) {
	const (
		ads  = "device: ads1115, bus: I2C1, address: 0x48, measure: a0, full_scale: 2.048 V, every: 20ms"
		bh   = "device: bh1750, bus: I2C1, address: 0x23, every: 20ms"
		bme  = "device: bme280, bus: I2C1, address: 0x76, every: 50ms, measure: "
		ina  = "device: ina219, bus: I2C1, address: 0x40, max_current: 1 A, every: 20ms, measure: "
		mpu  = "device: mpu6050, bus: I2C1, address: 0x68, every: 20ms, measure: "
		vl   = "device: vl53l0x, bus: I2C1, every: 40ms"
		hc   = "device: hcsr04, trigger: GPIO23, echo: GPIO24, every: 60ms"
		quad = "device: quadrature, a: GPIO5, b: GPIO6, counts: 48, measure: position"
		line = "device: linearray, pins: [GPIO5, GPIO6, GPIO7], every: 20ms, measure: "
	)
	for _, c := range []struct {
		device, encode, mistake string // mistake "": none
		warning                 bool
	}{
		{ads, "kind: threshold, above: 3 V", "above: 3 V: the device measures -0.3 to 2.047938 V: no reading reaches that", false},
		{ads, "kind: threshold, above: 2 V", "", false},
		{ads, "kind: threshold, above: 2.048 V", "no reading reaches that", false}, // the last step is 62 µV below
		{ads, "kind: threshold, below: -0.5 V", "no reading reaches that", false},
		{ads, "kind: threshold, below: 2.1 V", "every reading is beyond that", false},
		{ads, "kind: threshold, above: 1 V, hysteresis: 1.5 V",
			"hysteresis: 1.5 V: the device measures -0.3 to 2.047938 V: no reading goes back so far", false},
		{ads, "kind: threshold, above: 1 V, hysteresis: 1.5 V, repeat: true", "", false},
		{ads, "kind: rate, range: [3 V, 5 V], max: 100 Hz", "range: 3 to 5 V: the device measures", false},
		{ads, "kind: rate, range: [0 V, 5 V], max: 100 Hz", "range: readings end at 2.047938 V: at most 41 Hz of 100 Hz", true},
		{ads, "kind: rate, range: [5 V, 0 V], max: 100 Hz", "", false},
		{ads, "kind: phase, range: [5 V, 3 V], period: 100ms", "range: 5 to 3 V: the device measures", false},
		{ads, "kind: delta, step: 3 V", "step: 3 V", false},
		{ads, "kind: step-forward, step: 3 V", "step: 3 V", false},
		{ads, "kind: moving-window, step: 3 V",
			"step: 3 V: the device measures -0.3 to 2.047938 V: no two readings are so far apart", false},
		{ads, "kind: isi, range: [5 V, 3 V], intervals: [1ms, 2ms]", "range: 5 to 3 V: the device measures", false},
		{ads, "kind: poisson, range: [0 V, 5 V], max: 100 Hz", "range: readings end at 2.047938 V: at most 41 Hz of 100 Hz", true},
		{ads + ", curve: [[0 V, 0 m], [2 V, 1 m]]", "kind: threshold, above: 3 m",
			"above: 3 m: the device measures 0 to 1 m: no reading reaches that (by its curve)", true},
		{ads + ", curve: [[0 V, 0 m], [4 V, 2 m]]", "kind: threshold, above: 1.5 m", "the device measures 0 to 1.023969 m", true},
		{ads + ", curve: [[3 V, 0 m], [4 V, 2 m]]", "kind: threshold, above: 0 m",
			"curve: 3 to 4 V: the device measures -0.3 to 2.047938 V", true},
		{ads + ", curve: [[0 V, 0 m], [2 V, 1 m]]", "kind: threshold, above: 0.5 m", "", false},
		{ads + ", frozen: 1s", "kind: threshold, above: 3 V", "no reading reaches that", false},
		{bh, "kind: threshold, above: 60 klx", "54612.5 lx", false},
		{bh + ", resolution: high2", "kind: threshold, above: 30000 lx", "27306.25 lx", false},
		{bme + "pressure", "kind: threshold, above: 1013 Pa", "every reading is beyond that; 1013 hPa?", false},
		{bme + "pressure", "kind: threshold, above: 1013 hPa", "", false},
		{bme + "temperature", "kind: threshold, above: 90 °C", "-40 to 85 °C", false},
		{bme + "humidity", "kind: latency, range: [101 %, 200 %], window: 20ms", "0 to 100 %", false},
		{ina + "current", "kind: threshold, above: 1.5 A", "-1 to 1 A", false},
		{ina + "voltage", "kind: threshold, above: 30 V", "0 to 26 V", false},
		{ina + "power", "kind: threshold, above: 27 W", "-26 to 26 W", false},
		{ina + "shunt", "kind: threshold, above: 200 mV", "-0.16 to 0.16 V", false},
		{mpu + "gyro_z", "kind: threshold, above: 600 °/s", "500", false},
		{mpu + "accel_x", "kind: threshold, below: -50 m/s²", "-39.2266", false},
		{"device: adxl345, bus: I2C1, address: 0x53, measure: accel_x, every: 20ms", "kind: threshold, above: 160 m/s²", "156.", false},
		{"device: tmp102, bus: I2C1, address: 0x48, every: 500ms", "kind: threshold, above: 130 °C", "-40 to 125 °C", false},
		{vl, "kind: threshold, above: 3 m", "0 to 2 m", false},
		{vl, "kind: threshold, below: 30 cm", "", false},
		{vl, "kind: rate, range: [0.15 m, 3 m], max: 100 Hz", "range: readings end at 2 m: at most 64.9 Hz of 100 Hz", true},
		{vl, "kind: rate, range: [0.15 m, 2.1 m], max: 100 Hz", "", false},
		{hc, "kind: rate, range: [1 m, 0 m], max: 100 Hz", "", false}, // it measures from 2 cm
		{hc, "kind: rate, range: [8 cm, 0 m], max: 40 Hz", "range: readings end at 0.02 m: at most 30 Hz of 40 Hz", true},
		{hc, "kind: threshold, below: 1 cm", "0.02 to 4 m", false},
		{hc + ", reach: 2 m", "kind: threshold, above: 3 m", "0.02 to 2 m", false},
		{"device: hx711, clock: GPIO5, data: GPIO6, every: 100ms", "kind: threshold, above: 9000000", "no reading reaches that", false},
		{quad, "kind: threshold, above: 1000000 rev", "", false}, // a position goes on
		{line + "position", "kind: threshold, above: 2", "-1 to 1", false},
		{line + "count", "kind: threshold, above: 4", "0 to 3", false},
		{"device: linearray, pins: [GPIO5, GPIO6, GPIO7], every: 20ms, measure: '1'", "kind: threshold, above: 1", "", false},
	} {
		config, err := configs.Parse("robot.yaml", []byte(measuring(c.device, c.encode)), nil)
		if err != nil {
			t.Errorf("%s; %s: %v", c.device, c.encode, err)
			continue
		}
		mistakes, warnings := CheckRanges(config)
		got, other := mistakes, warnings
		if c.warning {
			got, other = warnings, mistakes
		}
		switch {
		case len(other) > 0 || len(got) > 1 || len(got) == 1 && c.mistake == "" || len(got) == 0 && c.mistake != "":
			t.Errorf("%s; %s: mistakes %v, warnings %v", c.device, c.encode, mistakes, warnings)
		case len(got) == 1:
			text := got[0].Error()
			wantLine := 5
			if strings.HasPrefix(c.mistake, "curve") {
				wantLine = 4
			}
			if !strings.Contains(text, c.mistake) || got[0].Line != wantLine || got[0].Column < 6 ||
				!strings.HasPrefix(text, "robot.yaml:") {
				t.Errorf("%s; %s: got %s", c.device, c.encode, text)
			}
		}
	}
}

func TestRewardThatNoReadingEarns(t *testing.T) {
	for on, want := range map[string]string{
		"on: change, threshold: 13 m/s²": "",
		"on: change, threshold: 80 m/s²": "robot.yaml:7:58: rewards.joy.threshold: 80 m/s²: changes of s come to 78.452",
		"on: level, threshold: 40 m/s²":  "robot.yaml:7:57: rewards.joy.threshold: 40 m/s²: readings of s come to 39.2266 m/s² at most",
	} {
		text := measuring("device: mpu6050, bus: I2C1, address: 0x68, every: 20ms, measure: accel_x", "kind: threshold, below: 3 m/s²")
		text = strings.Replace(text, "mqtt:", "rewards: {joy: {sensor: s, to: a, "+on+"}}\nmqtt:", 1)
		config, err := configs.Parse("robot.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		mistakes, _ := CheckRanges(config)
		if len(mistakes) != 0 && want == "" || want != "" && (len(mistakes) != 1 || !strings.HasPrefix(mistakes[0].Error(), want)) {
			t.Errorf("%s: got %v, want %s", on, mistakes, want)
		}
	}
}

// The examples have no mistakes and no warnings.
func TestExamplesAreInRange(t *testing.T) {
	for _, e := range configs.Examples() {
		robot, err := configs.Load(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		mistakes, warnings := CheckRanges(robot)
		if len(mistakes)+len(warnings) > 0 {
			t.Errorf("%s: %v, %v", e.Name, mistakes, warnings)
		}
	}
}
