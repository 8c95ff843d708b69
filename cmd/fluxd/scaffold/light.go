package scaffold

import (
	"fmt"
	"strings"
)

func lightSensors(b *strings.Builder, p *plan) {
	b.WriteString(`
# Two light sensors are its eyes: they look ahead, 40 degrees to the left and to the right.
sensors:`)
	const encodeLeft = `
    encode:                  # brighter is faster: 200 spikes a second at 400 lx, to the neuron eye_l
      kind: rate
      range: [0 lx, 400 lx]  # in a bright room make 400 larger, in a dim one smaller
      max: 200 Hz
      to: eye_l`
	if p.Sensors == "bh1750" {
		b.WriteString(`
  left_eye:
    device: bh1750           # a module such as the GY-302, on the I2C bus: SDA to header pin 3, SCL to pin 5, VCC to 3.3 V
    bus: I2C1
    address: 0x23            # its pin ADDR is open
    every: 20ms              # 50 readings a second` + encodeLeft + `
  right_eye:
    device: bh1750
    bus: I2C1
    address: 0x5c            # its pin ADDR is joined to 3.3 V
    every: 20ms
    encode: {kind: rate, range: [20 lx, 420 lx], max: 200 Hz, to: eye_r} # begins at 20 lx, so the robot turns around in the dark`)
		return
	}
	b.WriteString(`
  left_eye: &eye
    device: ads1115          # a converter on the I2C bus: SDA to header pin 3, SCL to pin 5, VDD to 3.3 V
    bus: I2C1
    address: 0x48            # its pin ADDR is joined to ground
    measure: a0              # at its input A0: a photoresistor to 3.3 V, and 10 kohm to ground
    every: 20ms              # 50 readings a second
    curve: [[0.39 V, 1 lx], [1.32 V, 10 lx], [2.54 V, 100 lx], [2.96 V, 400 lx], [3.11 V, 1000 lx]] # of a GL5528; measure yours` +
		encodeLeft + `
  right_eye:                 # begins at 20 lx, so the robot turns around in the dark
    <<: *eye
    measure: a1
    encode: {kind: rate, range: [20 lx, 420 lx], max: 200 Hz, to: eye_r}`)
}

func lightNetwork(b *strings.Builder, p *plan) {
	floor := "0"
	if p.hasBumper {
		floor = "-400"
	}
	fmt.Fprintf(b, `
# Each eye excites the motor on the other side: the wheel far from the light turns faster, so the robot turns to the light.
network:
  neurons:
    eye_l: {}                # a spike of its sensor fires it
    eye_r: {}
    motor_l: &motor {threshold: 100, leak: 1000, floor: %s, refractory: 5ms} # at most 200 spikes a second
    motor_r: *motor`, floor)
	if p.hasBumper {
		reflexNeurons(b)
	}
	b.WriteString(`
  synapses:
    # Crossed. Join each eye to the motor on its own side instead, and the robot flees the light.
    - {from: eye_l, to: motor_r, weight: 110}
    - {from: eye_r, to: motor_l, weight: 110}`)
}

func lightMounts(b *strings.Builder, _ *plan) {
	b.WriteString(`
  sensors: {left_eye: {facing: 40°}, right_eye: {facing: -40°}}`)
}
