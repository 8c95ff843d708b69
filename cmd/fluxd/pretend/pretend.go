// Package pretend has a robot on the simulated board sense what somebody says, and presses its switches: so a robot file is tried before there
// is a robot. On a real board nobody can, since its sensors keep it from hurting anybody.
//
//	said := &pretend.Robot{Board: board, Config: config, Sensors: sensors, Clock: clock}
//	err := said.Sense("sonar", 0.12, 5*time.Second)
//	err = said.Sense("emergency_stop", 1, time.Second)
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

// A Robot is what can be pretended of one.
type Robot struct {
	Board   *sim.Board // nil on a real one
	Config  *configs.Robot
	Sensors []*sense.Sensor // in the order of the configuration
	Clock   func() time.Duration
}

// The names of the switches of safety among the sensors. A sensor of the same name comes first.
const (
	emergencyStop = "emergency_stop"
	startButton   = "start"
)

// largest bounds a reading of a sensor that knows no range, in its unit.
const largest = 1e9

// Sense has a sensor read a value for a time, in its unit: of a switch 1, which presses it, or 0. It fails with a *protocol.Error on a real
// board, for a name that is none, and for what the device could not measure.
func (r *Robot) Sense(name string, value float64, length time.Duration) error {
	refuse := func(code protocol.Code, format string, args ...any) error {
		return &protocol.Error{Code: code, Path: "sensors." + name, Message: fmt.Sprintf(format, args...)}
	}
	if r.Board == nil {
		return refuse(protocol.NotAllowed, "the board is real, and so is what it senses: this is for board: {kind: sim}")
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
				return r.press(name, start.Pin, (&sensors.ButtonOpts{Pull: start.Pull, Active: start.Active}).ActiveLow(), value, length)
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
	if math.IsNaN(value) || value < low || value > high { // the device could not say so either: that would be a fault, and no reading
		return protocol.Refuse("sensors."+name, low, high, fmt.Sprintf("%g is out of range", value))
	}
	sensor.Pretended.Read(int64(math.Round(value*1e6))+sensor.Zero(), r.Clock()+length)
	return nil
}

// press gives a switch's pin the level of 1, pressed, or of 0; and when it was pressed that of 0 after some time.
func (r *Robot) press(name, pin string, activeLow bool, value float64, length time.Duration) error {
	if value != 0 && value != 1 {
		return &protocol.Error{Code: protocol.OutOfRange, Path: "sensors." + name, Message: fmt.Sprintf("%g: a switch is pressed, 1, or not, 0", value)}
	}
	p, err := r.Board.Pin(pin)
	simulated, ok := p.(*sim.Pin)
	if err != nil || !ok {
		return &protocol.Error{Code: protocol.NotAllowed, Path: "sensors." + name, Message: fmt.Sprintf("its pin %s is on an expander: only switches on the board's own pins can be pressed", pin)}
	}
	simulated.Forget() // when an earlier press would have ended
	simulated.Drive(gpio.Level((value == 1) != activeLow))
	if value == 1 {
		simulated.DriveAt(r.Clock()+length, gpio.Level(activeLow))
	}
	return nil
}

// isSwitch reports whether a device is on or off.
func isSwitch(device string) bool {
	kind, _ := sensors.KindOf(device)
	return kind.Switch
}
