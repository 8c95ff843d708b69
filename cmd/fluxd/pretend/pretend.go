// Package pretend sets the readings of a robot on the simulated board, and presses its switches, so that a robot file can be
// tried before there is a robot. It refuses to do so on a real board, where sensors protect people.
//
//	pretended := &pretend.Robot{Board: board, Config: config, Sensors: sensors, Clock: clock}
//	err := pretended.Sense("sonar", 0.12, 5*time.Second)
//	err = pretended.Sense("emergency_stop", 1, time.Second)
package pretend

import (
	"fmt"
	"math"
	"slices"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/sense"
	"fluxd/configs"
	"fluxd/configs/spelling"
	"fluxd/sensors"
)

// A Robot holds the parts of a robot whose readings can be set.
type Robot struct {
	Board   *sim.Board // nil on a real board
	Config  *configs.Robot
	Sensors []*sense.Sensor // in the order of the configuration
	Clock   func() time.Duration
}

// The names of the safety switches. A sensor with the same name takes precedence.
const (
	emergencyStop = "emergency_stop"
	startButton   = "start"
)

// largest bounds the readings of a sensor whose range is unknown, in its unit.
const largest = 1e9

// Sense makes a sensor read a value, in its unit, for some time. For a switch, 1 presses it and 0 releases it. The error is a
// *protocol.Error: the board is real, the name is unknown, or the device cannot measure the value.
func (r *Robot) Sense(name string, value float64, length time.Duration) error {
	refuse := func(code protocol.Code, format string, args ...any) error {
		return &protocol.Error{Code: code, Path: "sensors." + name, Message: fmt.Sprintf(format, args...)}
	}
	if r.Board == nil {
		return refuse(protocol.NotAllowed, "the board is real: readings can be set only with board: {kind: sim}")
	}
	i := slices.IndexFunc(r.Sensors, func(s *sense.Sensor) bool { return s.Name == name })
	if i < 0 {
		var known []string
		if stop := r.Config.Safety.EmergencyStop; stop != nil {
			if name == emergencyStop {
				return r.press(name, stop.Pin, stop.Active == "low", value, length)
			}
			known = append(known, emergencyStop)
		}
		if start := r.Config.Safety.Start; start != nil {
			if name == startButton {
				button := sensors.ButtonOpts{Pull: start.Pull, Active: start.Active}
				return r.press(name, start.Pin, button.ActiveLow(), value, length)
			}
			known = append(known, startButton)
		}
		for _, s := range r.Sensors {
			known = append(known, s.Name)
		}
		return refuse(protocol.UnknownSensor, "no such sensor%s", spelling.Advice(name, known))
	}
	sensor, c := r.Sensors[i], r.Config.Sensors[i].Value
	if pressed, is := c.Options.(sensors.Switching); is && isSwitch(c.Device) {
		return r.press(name, c.Wires(name)[0].Pin, pressed.ActiveLow(), value, length)
	}
	low, high, zero := -largest, largest, float64(sensor.Zero())/1e6
	if within := sensor.Pretended.Range(); within != (sensors.Range{}) {
		low, high = float64(within.Low)/1e6-zero, float64(within.High)/1e6-zero
	}
	if math.IsNaN(value) || value < low || value > high { // the device could not measure it: that would be a fault
		return protocol.Refuse("sensors."+name, low, high, fmt.Sprintf("%g is out of range", value))
	}
	sensor.Pretended.Read(int64(math.Round(value*1e6))+sensor.Zero(), r.Clock()+length)
	return nil
}

// press drives a switch's pin to the level for value: 1 is pressed, 0 released. A press is released after length.
func (r *Robot) press(name, pin string, activeLow bool, value float64, length time.Duration) error {
	if value != 0 && value != 1 {
		return &protocol.Error{Code: protocol.OutOfRange, Path: "sensors." + name,
			Message: fmt.Sprintf("%g: expected 1, which presses the switch, or 0", value)}
	}
	p, err := r.Board.Pin(pin)
	simulated, ok := p.(*sim.Pin)
	if err != nil || !ok {
		return &protocol.Error{Code: protocol.NotAllowed, Path: "sensors." + name,
			Message: fmt.Sprintf("its pin %s is on an expander: only switches on the board's own pins can be pressed", pin)}
	}
	simulated.CancelScheduled() // the release of an earlier press
	simulated.Drive(gpio.Level((value == 1) != activeLow))
	if value == 1 {
		simulated.DriveAt(r.Clock()+length, gpio.Level(activeLow))
	}
	return nil
}

// isSwitch reports whether a device has only two states.
func isSwitch(device string) bool {
	kind, _ := sensors.KindOf(device)
	return kind.Switch
}
