package chips

import "fluxd/boards/sim"

// Motor is a DC motor on an H-bridge. Its wiring follows from its pins:
//
//   - pwm and direction: one input for the power, and one that is high in reverse
//   - pwm, in1 and in2: in1 alone is forward, in2 alone is reverse, both brake
//   - pwm and pwm2, or pwm and in2: two inputs only, the first drives forward, the second in reverse, both together brake
//
// Each may have a standby pin, without which it drives nothing while that is low. Inputs that nothing drives are low.
//
// Sources: the data sheets that package actuators names for its bridges.
type Motor struct {
	pwm, direction, pwm2, in1, in2, standby *sim.Pin
	mounting                                mounting
}

func newMotor(pins map[string]*sim.Pin, settings Settings) Actuator {
	return &Motor{pins["pwm"], pins["direction"], pins["pwm2"], pins["in1"], pins["in2"], pins["standby"], settings.mounting()}
}

// power returns the mean voltage at the motor, in millionths of the supply, and whether its terminals are connected to something.
func (m *Motor) power() (power int64, connected bool) {
	if m.standby != nil && !high(m.standby, false) {
		return 0, false
	}
	power = share(m.pwm)
	switch {
	case m.direction != nil:
		connected = power > 0
		if high(m.direction, false) {
			power = -power
		}
	case m.in1 != nil:
		forward, reverse := high(m.in1, false), high(m.in2, false)
		connected = power > 0 && (forward || reverse)
		switch {
		case forward == reverse:
			power = 0
		case reverse:
			power = -power
		}
	default:
		second := m.pwm2
		if second == nil {
			second = m.in2
		}
		connected = power > 0 || share(second) > 0
		power -= share(second)
	}
	return power, connected
}

// Command implements Actuator: the power, from full reverse to full forward.
func (m *Motor) Command() int64 {
	power, _ := m.power()
	return m.mounting.command(power)
}

// Limp implements Actuator: the motor coasts. A bridge with one direction input coasts without power, as an L298 does.
func (m *Motor) Limp() bool {
	_, connected := m.power()
	return !connected
}
