package scaffold

import (
	"fmt"
	"strings"
)

// An eye is a line sensor: how its name and that of its neuron end, and its pin.
type eye struct{ name, pin string }

// eyes are the line sensors of a robot, from left to right, by the choice.
var eyes = map[string][]eye{
	"line2": {{"l", "GPIO17"}, {"r", "GPIO27"}},
	"line5": {{"1", "GPIO17"}, {"2", "GPIO27"}, {"3", "GPIO23"}, {"4", "GPIO5"}, {"5", "GPIO6"}},
}

func lineSensors(b *strings.Builder, p *plan) {
	look := "Five line sensors look at the floor, in a row of 6 cm across the line"
	if p.Sensors == "line2" {
		look = "Two line sensors look at the floor, one on each side of the line, 3 cm apart"
	}
	fmt.Fprintf(b, `
# %s. Each reads 1 over black and 0 over white. Modules
# with a TCRT5000 and a comparator fit (output DO). Supply them with 3.3 V: with 5 V their outputs would harm the Raspberry Pi.
sensors:`, look)

	all := eyes[p.Sensors]
	var pins, positions []string
	for _, e := range all {
		pins = append(pins, e.pin)
		positions = append(positions, strings.TrimPrefix(position(e.pin), "header pin "))
	}
	fmt.Fprintf(b, `
  line_%[1]s: &line
    device: linearray
    %-24[2]s # from left to right: header pins %[3]s
    active: high             # the output is high over the line; for modules that do it the other way round: low
    every: 10ms              # 100 readings a second
    measure: "0"             # the first of the pins
    encode:                  # over the line 100 spikes a second, beside it none, to the neuron see_%[1]s
      kind: rate
      range: [0, 1]
      max: 100 Hz
      to: see_%[1]s`, all[0].name, "pins: ["+strings.Join(pins, ", ")+"]", strings.Join(positions, ", "))
	for i, e := range all[1:] {
		fmt.Fprintf(b, `
  line_%[1]s: {<<: *line, measure: "%[2]d", encode: {kind: rate, range: [0, 1], max: 100 Hz, to: see_%[1]s}}`, e.name, i+1)
	}
}

func lineNetwork(b *strings.Builder, p *plan) {
	b.WriteString(`
# The robot drives straight ahead by itself. A sensor that sees the line slows the wheel on its own side, so the robot turns to where
# the line is.
network:
  neurons:`)
	for _, e := range eyes[p.Sensors] {
		fmt.Fprintf(b, `
    see_%s: {}`, e.name)
	}
	b.WriteString(`
    go: {pacemaker: 10ms}    # fires by itself, 100 times a second: the drive. 20ms: half as fast
    motor_l: &motor {threshold: 100, leak: 500, floor: -200}
    motor_r: *motor
  synapses:
    # Ahead: each spike of go fires both motors.
    - {from: go, to: motor_l, weight: 110}
    - {from: go, to: motor_r, weight: 110}`)
	if p.Sensors == "line2" {
		b.WriteString(`
    # Turns. If the robot leaves the line in bends, make -90 stronger (-100); if it swings from side to side, weaker (-70).
    - {from: see_l, to: motor_l, weight: -90}
    - {from: see_r, to: motor_r, weight: -90}`)
		return
	}
	b.WriteString(`
    # Turns: the outer sensors turn it more than the inner ones. If it leaves the line in bends, make these weights stronger; if it
    # swings from side to side, weaker.
    - {from: see_1, to: motor_l, weight: -80}
    - {from: see_2, to: motor_l, weight: -40}
    - {from: see_4, to: motor_r, weight: -40}
    - {from: see_5, to: motor_r, weight: -80}
    - {from: see_1, to: motor_r, weight: 60}
    - {from: see_5, to: motor_l, weight: 60}`)
}

func lineMounts(b *strings.Builder, p *plan) {
	if p.Sensors == "line2" {
		b.WriteString(`
  sensors:
    line_l: {at: [6 cm, 0 cm], row: 3 cm} # the middle between the sensors is 6 cm ahead of the wheels`)
		return
	}
	b.WriteString(`
  sensors:
    line_1: {at: [6 cm, 0 cm], row: 6 cm} # the middle one is 6 cm ahead of the wheels`)
}
