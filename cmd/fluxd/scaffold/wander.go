package scaffold

import (
	"fmt"
	"strings"
)

func wanderSensors(b *strings.Builder, _ *plan) {
	b.WriteString(`
# A bumper is all it has.
sensors:`)
}

func wanderNetwork(b *strings.Builder, p *plan) {
	bumps := ""
	if p.hasBumper {
		bumps = ", and it backs off when it bumps into something"
	}
	fmt.Fprintf(b, `
# The robot drives straight ahead by itself. Now and then it turns for no reason%s.
network:
  seed: 1                    # another number gives other moments at which it turns
  neurons:
    go: {pacemaker: 10ms}    # fires by itself, 100 times a second: the drive. 20ms: half as fast
    motor_l: &motor {threshold: 100, leak: 500, floor: -400}
    motor_r: *motor
    # Bursts of 20 to 40 spikes, every six seconds on average, at random moments.
    whim_l: &whim {noise: {rate: 0.17 Hz, spikes: {min: 20, max: 40}, interval: 20ms}}
    whim_r: *whim`, bumps)
	if p.hasBumper {
		reflexNeurons(b)
	}
	b.WriteString(`
  synapses:
    - {from: go, to: motor_l, weight: 110}
    - {from: go, to: motor_r, weight: 110}
    # A whim takes water out of one motor, whose wheel stops, so the robot turns to that side.
    - {from: whim_l, to: motor_l, weight: -250}
    - {from: whim_r, to: motor_r, weight: -250}`)
}
