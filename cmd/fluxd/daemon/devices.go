package daemon

import (
	"fmt"
	"math"
	"strings"
	"time"

	"fluxd/actuators"
	"fluxd/boards/expanders"
	"fluxd/configs"
	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// Here a configuration becomes devices: each kind in a function of a few lines.

// chip is what measures several things.
type chip interface {
	Measure(name string) (sensors.Sensor, error)
}

// shared gives the chip at a place, the same to all sensors that are its measures.
func shared[C chip](r *robot, place string, open func() (C, error)) (chip, error) {
	if known, ok := r.chips[place]; ok {
		return known.(chip), nil
	}
	made, err := open()
	if err != nil {
		return nil, err
	}
	r.chips[place] = made
	return made, nil
}

// openSensor makes a line's sensor, with its calibration and its watch for freezing.
func (r *robot) openSensor(c configs.Sensor, line *sensorLine) (err error) {
	if line.device, err = r.openDevice(c); err != nil {
		return err
	}
	line.sensor = line.device
	if c.Frozen > 0 {
		if line.frozen, err = sensors.NewFrozen(line.sensor, c.Frozen); err != nil {
			return err
		}
		line.sensor = line.frozen
	}
	if len(c.Curve) == 0 {
		return nil
	}
	if line.curve, err = sensors.NewCurve(line.sensor, curvePoints(c.Curve), c.Curve[0][1].Unit); err == nil {
		line.sensor = line.curve
	}
	return err
}

func curvePoints(pairs [][2]configs.Quantity) (points []sensors.CurvePoint) {
	for _, p := range pairs {
		points = append(points, sensors.CurvePoint{In: p[0].Micro, Out: p[1].Micro})
	}
	return points
}

func (r *robot) openDevice(c configs.Sensor) (sensors.Sensor, error) {
	switch c.Device {
	case "button", "pir":
		pin, err := r.pin(c.Pin)
		if err != nil {
			return nil, err
		}
		return sensors.NewButton(pin, &sensors.ButtonOpts{Pull: pulls[c.Pull], ActiveLow: activeLow(c), Debounce: c.Debounce, WarmUp: c.WarmUp})
	case "log":
		return r.openLog(c)
	case "hcsr04":
		trigger, err := r.pin(c.Trigger)
		if err != nil {
			return nil, err
		}
		echo, err := r.edgePin(c.Echo)
		if err != nil {
			return nil, err
		}
		return sensors.NewHCSR04(trigger, echo, &sensors.HCSR04Opts{Temperature: celsius(c.Temperature), Max: distance(c.Reach)})
	case "hx711":
		clock, err := r.pin(c.Clock)
		if err != nil {
			return nil, err
		}
		data, err := r.pin(c.Data)
		if err != nil {
			return nil, err
		}
		return sensors.NewHX711(clock, data, &sensors.HX711Opts{Gain: c.Gain})
	case "quadrature", "linearray":
		return r.openOnPins(c)
	}
	return r.openOnBus(c)
}

// openLog makes a recording's column a sensor.
func (r *robot) openLog(c configs.Sensor) (sensors.Sensor, error) {
	recording, err := r.recording(c.File)
	if err != nil {
		return nil, at("file", err)
	}
	opts := sensors.LogOpts{Column: c.Column, Unit: c.Unit, Every: c.Every, Loop: c.Loop}
	if c.Time != nil {
		if opts.Times, err = recording.Timed(c.Time.Column, c.Time.Unit); err != nil {
			return nil, at("time", err)
		}
	}
	log, err := sensors.NewLog(recording, opts)
	if err != nil {
		return nil, at("column", err)
	}
	return log, nil
}

// openOnPins makes what measures several things with several pins.
func (r *robot) openOnPins(c configs.Sensor) (sensors.Sensor, error) {
	place := c.Device + " " + c.A + " " + c.B + strings.Join(c.Pins, " ")
	var made chip
	var err error
	if c.Device == "quadrature" {
		made, err = shared(r, place, func() (*sensors.Quadrature, error) {
			a, err := r.edgePin(c.A)
			if err != nil {
				return nil, err
			}
			b, err := r.edgePin(c.B)
			if err != nil {
				return nil, err
			}
			return sensors.NewQuadrature(a, b, &sensors.QuadratureOpts{CountsPerUnit: int64(math.Round(c.Counts * 1e6)), Unit: c.Unit, Inverted: c.Inverted, Pull: pulls[c.Pull]})
		})
	} else {
		made, err = shared(r, place, func() (*sensors.LineArray, error) {
			var pins []gpio.PinIO
			for _, name := range c.Pins {
				pin, err := r.pin(name)
				if err != nil {
					return nil, err
				}
				pins = append(pins, pin)
			}
			return sensors.NewLineArray(pins, &sensors.LineArrayOpts{Pull: pulls[c.Pull], ActiveLow: activeLow(c)})
		})
	}
	if err != nil {
		return nil, err
	}
	return made.Measure(c.Measure)
}

// openOnBus makes what has an address.
func (r *robot) openOnBus(c configs.Sensor) (sensors.Sensor, error) {
	bus, err := r.bus(c.Bus)
	if err != nil && r.config.Board.Kind == "sim" {
		err = at("bus", err) // a real board may get it yet
	}
	if err != nil {
		return nil, err
	}
	var made chip
	place := fmt.Sprintf("%s 0x%02x", bus, c.Address)
	switch c.Device {
	case "bh1750":
		resolutions := map[string]sensors.BH1750Resolution{"low": sensors.BH1750Low, "high": sensors.BH1750High, "high2": sensors.BH1750High2}
		return sensors.NewBH1750(bus, c.Address, &sensors.BH1750Opts{Resolution: resolutions[c.Resolution]})
	case "tmp102":
		return sensors.NewTMP102(bus, c.Address, nil)
	case "tmp105":
		return sensors.NewTMP102(bus, c.Address, &sensors.TMP102Opts{Chip: sensors.TMP105})
	case "vl53l0x":
		return sensors.NewVL53L0X(bus, c.Address, nil)
	case "adxl345":
		made, err = shared(r, place, func() (*sensors.ADXL345, error) { return sensors.NewADXL345(bus, c.Address, nil) })
	case "ads1115":
		made, err = shared(r, place, func() (*sensors.ADS1115, error) {
			return sensors.NewADS1115(bus, c.Address, &sensors.ADS1115Opts{FullScale: physic.ElectricPotential(c.FullScale.Micro) * physic.MicroVolt})
		})
	case "bme280":
		made, err = shared(r, place, func() (*sensors.BME280, error) { return sensors.NewBME280(bus, c.Address) })
	case "ina219":
		made, err = shared(r, place, func() (*sensors.INA219, error) {
			return sensors.NewINA219(bus, c.Address, &sensors.INA219Opts{Shunt: physic.ElectricResistance(c.Shunt.Micro) * physic.MicroOhm,
				MaxCurrent: physic.ElectricCurrent(c.MaxCurrent.Micro) * physic.MicroAmpere})
		})
	case "mpu6050":
		made, err = shared(r, place, func() (*sensors.MPU6050, error) {
			return sensors.NewMPU6050(bus, c.Address, &sensors.MPU6050Opts{AccelRange: c.AccelRange, GyroRange: c.GyroRange, WhoAmI: byte(c.WhoAmI)})
		})
	default:
		return nil, fmt.Errorf("device %q: unknown", c.Device)
	}
	if err != nil {
		return nil, err
	}
	return made.Measure(c.Measure)
}

// pulls are the resistors by their names.
var pulls = map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown, "none": gpio.Float}

// activeLow says whether low means pressed, or that the line is seen.
func activeLow(c configs.Sensor) bool { return c.Active == "low" || c.Active == "" && c.Pull == "up" }

// celsius and distance are amounts of a configuration in periph's units.
func celsius(q configs.Quantity) physic.Temperature {
	return physic.ZeroCelsius + physic.Temperature(q.Micro)*physic.MicroKelvin
}
func distance(q configs.Quantity) physic.Distance {
	return physic.Distance(q.Micro) * physic.MicroMetre
}

// pin gives a pin of the board, or one of an expander: name/pin.
func (r *robot) pin(name string) (gpio.PinIO, error) {
	for _, e := range r.config.Expanders {
		if rest, ok := strings.CutPrefix(name, e.Name+"/"); ok {
			return r.expanderPin(e, rest)
		}
	}
	return r.board.Pin(configs.CanonicalPin(name))
}

// edgePin gives a pin that tells when its edges were.
func (r *robot) edgePin(name string) (sensors.EdgePin, error) {
	pin, err := r.pin(name)
	if err != nil {
		return nil, err
	}
	edges, ok := pin.(sensors.EdgePin)
	if !ok {
		return nil, fmt.Errorf("pin %s: nobody reports its edges with their time: take a GPIO pin of the board", name)
	}
	return edges, nil
}

// expanderPin gives a pin of an expander, which is opened when its first pin is asked for.
func (r *robot) expanderPin(e configs.Named[configs.Expander], pin string) (gpio.PinIO, error) {
	type expander interface {
		Pin(name string) (gpio.PinIO, error)
	}
	c := e.Value
	known, ok := r.chips["expander "+e.Name]
	if !ok {
		bus, err := r.bus(c.Bus)
		if err != nil {
			return nil, fmt.Errorf("expander %s: %w", e.Name, err)
		}
		if board, ok := r.board.(interface{ Claim(string, uint16) error }); ok { // else it is simulated
			if err := board.Claim(configs.CanonicalBus(c.Bus), c.Address); err != nil {
				return nil, fmt.Errorf("expander %s: %w", e.Name, err)
			}
		}
		if c.Device == "pca9685" {
			known, err = expanders.NewPCA9685(bus, c.Address, &expanders.PCA9685Opts{Frequency: c.Frequency.Physic(), Oscillator: c.Oscillator.Physic(), Inverted: c.Inverted, OpenDrain: c.OpenDrain})
		} else {
			known, err = expanders.NewMCP23017(bus, c.Address)
		}
		if err != nil {
			return nil, fmt.Errorf("expander %s: %w", e.Name, err)
		}
		r.chips["expander "+e.Name] = known
	}
	return known.(expander).Pin(pin)
}

// refresh is how often an actuator on an expander is written to although nothing has changed: a chip that lost its supply for a moment
// is set up again by the next write.
const refresh = actuators.ExpanderRefresh

// actuatorPins are the names of all pins of an actuator, "" for those that it has not.
func actuatorPins(c configs.Actuator) []string {
	return []string{c.PWM, c.PWM2, c.Direction, c.In1, c.In2, c.Standby, c.Pin, c.Step, c.Enable}
}

// onExpander says whether an actuator has a pin on one.
func (r *robot) onExpander(c configs.Actuator) bool {
	for _, e := range r.config.Expanders {
		for _, pin := range actuatorPins(c) {
			if strings.HasPrefix(pin, e.Name+"/") {
				return true
			}
		}
	}
	return false
}

// frequency is what an actuator's PWM has: what the configuration says, or what its expander has, or its device's own.
func (r *robot) frequency(c configs.Actuator) physic.Frequency {
	if c.Frequency != 0 {
		return c.Frequency.Physic()
	}
	for _, e := range r.config.Expanders {
		if strings.HasPrefix(c.PWM, e.Name+"/") {
			return e.Value.Frequency.Physic()
		}
	}
	return 0
}

// standby gives a share of a standby pin, which several bridges may have in common.
func (r *robot) standby(pin gpio.PinOut) gpio.PinOut {
	place := "standby " + pin.Name()
	if r.chips[place] == nil {
		r.chips[place] = actuators.NewSharedStandby(pin)
	}
	return r.chips[place].(*actuators.SharedStandby).Share()
}

// openActuator makes an actuator's device. It writes nothing.
func (r *robot) openActuator(a configs.Named[configs.Actuator], line *outputLine) (actuators.Device, error) {
	c := a.Value
	if c.Device == "label" {
		var names []string
		for _, choice := range c.Decode.Choices {
			names = append(names, choice.Value.Word)
		}
		line.label = actuators.NewLabel(a.Name, names)
		return line.label, nil
	}
	pins := map[string]gpio.PinIO{}
	for _, name := range actuatorPins(c) {
		if name == "" {
			continue
		}
		pin, err := r.pin(name)
		if err != nil {
			return nil, err
		}
		pins[name] = pin
	}
	// out is a pin that may be absent.
	out := func(name string) gpio.PinOut {
		if name == "" {
			return nil
		}
		return pins[name]
	}
	frequency := r.frequency(c)
	switch c.Device {
	case "hbridge":
		opts := actuators.HBridgeOpts{Frequency: frequency, Inverted: c.Inverted, Stop: c.Stop}
		var standby gpio.PinOut
		if c.Standby != "" {
			standby = r.standby(pins[c.Standby])
		}
		switch {
		case c.PWM2 != "":
			return actuators.NewHBridgeTwoPWM(pins[c.PWM], pins[c.PWM2], standby, &opts)
		case c.Direction != "":
			return actuators.NewHBridge(pins[c.PWM], pins[c.Direction], standby, &opts)
		case c.In1 == "":
			return actuators.NewHBridgeOnePWM(pins[c.PWM], pins[c.In2], standby, &opts)
		}
		return actuators.NewHBridgeIn1In2(pins[c.PWM], pins[c.In1], pins[c.In2], standby, &opts)
	case "servo", "continuous":
		opts := servoOpts(c)
		opts.Frequency = frequency
		return actuators.NewContinuous(pins[c.PWM], opts)
	case "esc":
		return actuators.NewESC(pins[c.PWM], &actuators.ESCOpts{Min: c.MinPulse, Max: c.MaxPulse, Frequency: frequency, Reverse: c.Reverse})
	case "dimmer":
		return actuators.NewDimmer(pins[c.PWM], &actuators.DimmerOpts{Frequency: frequency, Linear: c.Linear, Inverted: c.Inverted})
	case "relay":
		return actuators.NewRelay(pins[c.Pin], &actuators.RelayOpts{On: command(c.On), Off: command(c.Off), Active: c.Active})
	case "stepper":
		return actuators.NewStepper(pins[c.Step], pins[c.Direction], out(c.Enable), &actuators.StepperOpts{MaxRate: c.MaxRate.Physic(), Hold: c.Hold, Inverted: c.Inverted})
	}
	return nil, fmt.Errorf("device %q: unknown", c.Device)
}

// servoOpts are what a servo takes over while it runs; the dead band of one that does not turn is none.
func servoOpts(c configs.Actuator) *actuators.ContinuousOpts {
	return &actuators.ContinuousOpts{ServoOpts: actuators.ServoOpts{Min: c.MinPulse, Max: c.MaxPulse, Trim: time.Duration(c.Trim), Inverted: c.Inverted}, DeadBand: command(c.DeadBand)}
}
