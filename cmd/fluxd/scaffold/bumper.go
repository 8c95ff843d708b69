package scaffold

import (
	"fmt"
	"strings"
)

// bumper is the last of the sensors.
func bumper(b *strings.Builder) {
	fmt.Fprintf(b, `
  bumper:
    device: button           # a switch behind a bar at the front, from the pin to ground
    %s
    active: high             # the switch opens when it is pressed, so a broken wire is a bump too; one that closes: low
    encode: {kind: edge, to: retreat} # each press is a spike`, onPin("pin", "GPIO23"))
}

// reflexNeurons are the last neurons of a robot that backs off.
func reflexNeurons(b *strings.Builder) {
	b.WriteString(`
    # A reflex: to back off.
    retreat: {}              # fires, and fires itself again every 23 ms
    calm: {leak: 0}          # does not leak, so it counts the spikes of retreat, and ends it at the thirtieth: 30 x 3.4 > 100
    back_l: {}               # drives the left wheel back
    back_r: {leak: 100}      # fires at every other spike, so the right wheel is slower, and the robot turns on its way back`)
}

// reflexSynapses are the last synapses of such a robot.
func reflexSynapses(b *strings.Builder) {
	b.WriteString(`
    # The reflex. While it lasts it empties both motors, far below 0, so that they obey it and not the rest of the network.
    - {from: retreat, to: retreat, weight: 110, delay: 23ms}
    - {from: retreat, to: calm, weight: 3.4}
    - {from: calm, to: retreat, weight: -200, delay: 22ms}
    - {from: retreat, to: motor_l, weight: -400}
    - {from: retreat, to: motor_r, weight: -400}
    - {from: retreat, to: back_l, weight: 110}
    - {from: retreat, to: back_r, weight: 60}`)
}
