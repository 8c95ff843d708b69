package diagram

import (
	"slices"

	"fluxd/configs"
	"fluxd/sensors"
)

// A supply is what a device needs beside its signals.
type supply struct {
	nets    []string // of the header that it is joined to: 3V3, 5V, GND
	unknown bool     // it needs a supply that the robot file does not say
	own     bool     // it, or what it drives, has a separate supply
	contact bool     // two wires and no supply: a switch or a light
}

// supplies has the supply of each kind of device whose robot file does not say more.
//
// A chip on the header's bus or on an input gets 3.3 V: its outputs and the pull-ups of its module go to its supply, and the
// header tolerates no more. All of them allow it. Their data sheets say: ADS1115 2 to 5.5 V, ADXL345 2 to 3.6 V, AS5600 3 to
// 3.6 V with VDD3V3 joined to VDD5V, BH1750 2.4 to 3.6 V, BME280 1.71 to 3.6 V, HX711 2.6 to 5.5 V, INA219 3 to 5.5 V, MPU-6050
// 2.375 to 3.46 V, PCA9685 2.3 to 5.5 V, MCP23017 1.8 to 5.5 V, TCA9548A 1.65 to 5.5 V, TCS34725 2.7 to 3.6 V, TMP102 1.4 to
// 3.6 V, TMP105 2.7 to 5.5 V, VL53L0X 2.6 to 3.5 V.
//
// Bridges, servos, speed controllers and drivers of steppers get the motors' supply, whose ground is joined to the board's. A
// module whose maker decides, such as a relay board or a motion sensor, is unknown.
var supplies = map[string]supply{
	"ads1115": {nets: []string{net3V3, netGND}}, "adxl345": {nets: []string{net3V3, netGND}},
	"as5600": {nets: []string{net3V3, netGND}}, "bh1750": {nets: []string{net3V3, netGND}},
	"bme280": {nets: []string{net3V3, netGND}}, "hx711": {nets: []string{net3V3, netGND}},
	"ina219": {nets: []string{net3V3, netGND}}, "mpu6050": {nets: []string{net3V3, netGND}},
	"tcs34725": {nets: []string{net3V3, netGND}}, "tmp102": {nets: []string{net3V3, netGND}},
	"tmp105": {nets: []string{net3V3, netGND}}, "vl53l0x": {nets: []string{net3V3, netGND}},
	"pca9685": {nets: []string{net3V3, netGND}, own: true}, "mcp23017": {nets: []string{net3V3, netGND}},
	"tca9548a": {nets: []string{net3V3, netGND}},

	"hbridge": {nets: []string{netGND}, own: true}, "servo": {nets: []string{netGND}, own: true},
	"continuous": {nets: []string{netGND}, own: true}, "esc": {nets: []string{netGND}, own: true},
	"stepper": {nets: []string{netGND}, own: true}, "dimmer": {nets: []string{netGND}, own: true},

	"relay": {nets: []string{netGND}, unknown: true}, "pir": {nets: []string{netGND}, unknown: true},
	"quadrature": {nets: []string{netGND}, unknown: true}, "linearray": {nets: []string{netGND}, unknown: true},
	"hcsr04": {nets: []string{netGND}, unknown: true}, "button": {nets: []string{netGND}, unknown: true},

	"switch": {nets: []string{netGND}, contact: true}, "light": {nets: []string{netGND}, contact: true},

	"log": {}, "simulated": {}, "label": {}, // without wires
}

// supplyOf returns the supply of a device by its wires.
func supplyOf(own []configs.Connection, config *configs.Robot) supply {
	first := &own[0]
	s := supplies[first.Device]
	switch {
	case first.Device == "light" && first.Acts == "low":
		s.nets = []string{net3V3}
	case first.Device == "button" || first.Device == "switch":
		switch first.Pull { // the contact goes where the resistor does not
		case "up":
			s = supply{nets: []string{netGND}, contact: true}
		case "down":
			s = supply{nets: []string{net3V3}, contact: true}
		default:
			s = supply{nets: []string{netGND}, unknown: true}
		}
	case first.Device == "hcsr04" && shifted(first.Owner, config): // 5 V: ElecFreaks, HC-SR04 user guide
		s = supply{nets: []string{net5V, netGND}}
	}
	return s
}

// shifted reports whether the echo of an HC-SR04 goes through a divider: then it is one with 5 V.
func shifted(owner string, config *configs.Robot) bool {
	return slices.ContainsFunc(config.Sensors, func(s configs.Named[configs.Sensor]) bool {
		opts, is := s.Value.Options.(*sensors.HCSR04Opts)
		return is && "sensor "+s.Name == owner && opts.LevelShifter
	})
}

// label names the terminal of a supply.
func (s *supply) label(net string) string {
	switch {
	case s.contact:
		return "other end"
	case net == netGND:
		return "GND"
	}
	return "VCC"
}
