package scaffold

import (
	"fmt"
	"strings"
)

func obstacleSensors(b *strings.Builder, p *plan) {
	b.WriteString(`
# Two range sensors look ahead, 30 degrees to the left and to the right.
sensors:`)
	const encodeLeft = `
    encode: &free            # the farther the faster: no spikes at 15 cm, 100 a second at 1 m and more, to the neuron free_l
      kind: rate
      range: [0.15 m, 1 m]
      max: 100 Hz
      to: free_l`
	if p.Sensors == "vl53l0x" {
		fmt.Fprintf(b, `
  left:
    device: vl53l0x          # range by light, on the I2C bus: SDA to header pin 3, SCL to pin 5, VIN to 3.3 V
    bus: I2C1
    address: 0x2a            # both start at 0x29, so fluxd gives each an address: for that it needs a wire to each XSHUT
    %s
    every: 50ms              # 20 readings a second`+encodeLeft+`
  right:
    device: vl53l0x
    bus: I2C1
    address: 0x2b
    %s
    every: 50ms
    encode: {<<: *free, to: free_r}`, onPin("xshut", "GPIO17"), onPin("xshut", "GPIO27"))
		return
	}
	fmt.Fprintf(b, `
  left:
    device: hcsr04           # range by ultrasound, supplied with 5 V
    %s
    %s, BEHIND A DIVIDER: 1 kohm from the sensor to the pin, 2 kohm from the pin to ground
    level_shifter: true      # this says that you have built the divider: the 5 V of the echo would destroy the pin
    every: 60ms              # later than the echo of the reading before`+encodeLeft+`
  right:
    device: hcsr04
    %s
    %s, behind a divider too
    level_shifter: true
    every: 60ms
    encode: {<<: *free, to: free_r}`,
		onPin("trigger", "GPIO17"), onPin("echo", "GPIO27"), onPin("trigger", "GPIO5"), onPin("echo", "GPIO6"))
}

func obstacleNetwork(b *strings.Builder, _ *plan) {
	b.WriteString(`
# Each side drives the wheel of the other side: a wall on the left slows the right wheel down, and the robot turns right. Where it is
# near a wall on both sides, no spike comes for a while: then it backs off.
network:
  neurons:
    free_l: {}
    free_r: {}
    motor_l: {floor: -400}
    motor_r: {floor: -400}
    clock: {pacemaker: 20ms} # fires by itself, 50 times a second
    stuck: {leak: 0}         # counts the spikes of clock, and fires at the tenth, after 0.2 s, unless a spike of free empties it`)
	reflexNeurons(b)
	b.WriteString(`
  synapses:
    - {from: free_l, to: motor_r, weight: 110}
    - {from: free_r, to: motor_l, weight: 110}
    - {from: clock, to: stuck, weight: 10}
    - {from: free_l, to: stuck, weight: -100}
    - {from: free_r, to: stuck, weight: -100}
    - {from: retreat, to: stuck, weight: -100}
    - {from: stuck, to: retreat, weight: 110}`)
}

func obstacleMounts(b *strings.Builder, _ *plan) {
	b.WriteString(`
  sensors: {left: {facing: 30°}, right: {facing: -30°}}`)
}
