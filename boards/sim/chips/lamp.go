package chips

import "fluxd/boards/sim"

// Lamp is an LED or a lamp on a PWM pin. Its command is the brightness, from 0 to 1,000,000: as the eye perceives it, or in
// proportion to the power.
//
// Source: CIE 15:2018, Colorimetry, the lightness L*.
type Lamp struct {
	pwm      *sim.Pin
	settings Settings
}

func newDimmer(pins map[string]*sim.Pin, settings Settings) Actuator {
	return &Lamp{pins["pwm"], settings}
}

// Command implements Actuator.
func (l *Lamp) Command() int64 {
	power := share(l.pwm)
	if l.settings.on("inverted") {
		power = full - power
	}
	if signal(l.pwm).Floats {
		power = 0
	}
	power = withoutLeast(power, l.settings.least())
	if l.settings.on("linear") {
		return power
	}
	return bisect(20, func(lightness int64) bool { return lightness >= full || luminance(lightness) >= power })
}

// Limp implements Actuator: the lamp is dark.
func (l *Lamp) Limp() bool { return l.Command() == 0 }

// luminance returns the luminance that is perceived as a lightness, both in millionths. A lightness L of 0 to 100 is L / 903.3 up
// to 8, and from there on the cube of (L + 16) / 116.
func luminance(lightness int64) int64 {
	if lightness <= 80_000 {
		return toNearest(lightness*1000, 9033)
	}
	base := (lightness + 160_000) * 1000 / 1160 // millionths
	return base * base / full * base / full
}

// Switch is an output that is on or off: a relay, a horn. Its command is 1,000,000 or 0. It is off while nothing drives its pin.
type Switch struct {
	pin      *sim.Pin
	settings Settings
}

func newRelay(pins map[string]*sim.Pin, settings Settings) Actuator {
	return &Switch{pins["pin"], settings}
}

// Command implements Actuator.
func (s *Switch) Command() int64 {
	low := s.settings.is("active", "low")
	if high(s.pin, low) != low {
		return full
	}
	return 0
}

// Limp implements Actuator: it is off.
func (s *Switch) Limp() bool { return s.Command() == 0 }
