package hardware

import (
	"errors"
	"fluxd/boards/sim"
	"fluxd/configs"
	"fluxd/sensors"
	"fmt"
	"strings"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// A Sensor is one device that measures, as the robot file names it, with its calibration and its watch for freezing.
type Sensor struct {
	sensors.Sensor
	Name      string
	Edges     sensors.EdgeSensor // the same sensor, where its readings come with edges
	Device    sensors.Sensor     // the same, without calibration and watch for freezing
	Frozen    *sensors.Frozen    // that watch; nil without
	Curve     *sensors.Curve     // the calibration; nil without
	Pretended *Pretended         // what somebody says that it reads; nil on a real board
}

// OpenSensor makes a sensor and adds it to the body. It touches no chip: the first reading does.
func (b *Body) OpenSensor(s configs.Named[configs.Sensor]) (*Sensor, error) {
	var made *Sensor
	err := Attempt(func() (err error) {
		made, err = b.openSensor(s)
		return err
	})
	if err != nil {
		return nil, err
	}
	b.Sensors = append(b.Sensors, made)
	return made, nil
}

func (b *Body) openSensor(s configs.Named[configs.Sensor]) (*Sensor, error) {
	c := s.Value
	device, err := b.openDevice(c)
	if err != nil {
		return nil, err
	}
	made := &Sensor{Name: s.Name, Device: device, Sensor: device}
	if c.Frozen > 0 {
		if made.Frozen, err = sensors.NewFrozen(made.Sensor, c.Frozen); err != nil {
			return nil, err
		}
		made.Sensor = made.Frozen
	}
	if len(c.Curve) > 0 {
		if made.Curve, err = sensors.NewCurve(made.Sensor, curvePoints(c.Curve), c.Curve[0][1].Unit); err != nil {
			return nil, err
		}
		made.Sensor = made.Curve
	}
	if edges, ok := made.Sensor.(sensors.EdgeSensor); ok && (c.Every == 0 || c.Device != "button" && c.Device != "pir") {
		made.Edges = edges // a switch that is read at a rate is on a pin without edges
	}
	if _, simulated := b.Board.(*sim.Board); simulated {
		made.Pretended = &Pretended{Sensor: made.Sensor}
		made.Sensor = made.Pretended
	}
	return made, nil
}

// Adjust has a running sensor go on with other settings.
func (s *Sensor) Adjust(c configs.Sensor) {
	if s.Frozen != nil {
		s.Frozen.Believe(c.Frozen)
	}
	if s.Curve != nil {
		_ = s.Curve.Calibrate(curvePoints(c.Curve)) // they are in order: the limits of the points keep them so
	}
	switch device := s.Device.(type) {
	case *sensors.Button:
		device.Adjust(&sensors.ButtonOpts{Debounce: c.Debounce})
	case *sensors.HCSR04:
		device.Adjust(&sensors.HCSR04Opts{Temperature: celsius(c.Temperature)})
	}
}

func curvePoints(pairs [][2]configs.Quantity) (points []sensors.CurvePoint) {
	for _, p := range pairs {
		points = append(points, sensors.CurvePoint{In: p[0].Micro, Out: p[1].Micro})
	}
	return points
}

// chip is what measures several things.
type chip interface {
	Measure(name string) (sensors.Sensor, error)
}

// shared gives the chip at a place, the same to all sensors that are its measures.
func shared[C chip](b *Body, place string, open func() (C, error)) (chip, error) {
	if known, ok := b.chips[place]; ok {
		return known.(chip), nil
	}
	made, err := open()
	if err != nil {
		return nil, err
	}
	b.chips[place] = made
	return made, nil
}

func (b *Body) openDevice(c configs.Sensor) (sensors.Sensor, error) {
	switch c.Device {
	case "button", "pir":
		pin, err := b.pin(c.Pin)
		if err != nil {
			return nil, err
		}
		return sensors.NewButton(pin, &sensors.ButtonOpts{Pull: c.Pull, Active: c.Active, Debounce: c.Debounce, WarmUp: c.WarmUp})
	case "log":
		return b.openLog(c)
	case "hcsr04":
		trigger, err := b.pin(c.Trigger)
		if err != nil {
			return nil, err
		}
		echo, err := b.edgePin(c.Echo)
		if err != nil {
			return nil, err
		}
		return sensors.NewHCSR04(trigger, echo, &sensors.HCSR04Opts{Temperature: celsius(c.Temperature), Reach: distance(c.Reach)})
	case "hx711":
		clock, err := b.pin(c.Clock)
		if err != nil {
			return nil, err
		}
		data, err := b.pin(c.Data)
		if err != nil {
			return nil, err
		}
		return sensors.NewHX711(clock, data, &sensors.HX711Opts{Gain: c.Gain})
	case "quadrature", "linearray":
		return b.openOnPins(c)
	}
	return b.openOnBus(c)
}

// openLog makes a recording's column a sensor.
func (b *Body) openLog(c configs.Sensor) (sensors.Sensor, error) {
	recording, err := b.Recording(c.File)
	if err != nil {
		return nil, At("file", err)
	}
	log, err := sensors.NewLog(recording, sensors.LogOpts{Column: c.Column, Unit: c.Unit, Every: c.Every, Loop: c.Loop, Time: (*sensors.TimeColumn)(c.Time)})
	var wrong sensors.Mistake
	if errors.As(err, &wrong) {
		return nil, At(wrong.Key, wrong)
	}
	return log, err
}

// openOnPins makes what measures several things with several pins.
func (b *Body) openOnPins(c configs.Sensor) (sensors.Sensor, error) {
	place := c.Device + " " + c.A + " " + c.B + strings.Join(c.Pins, " ")
	var made chip
	var err error
	if c.Device == "quadrature" {
		made, err = shared(b, place, func() (*sensors.Quadrature, error) {
			a, err := b.edgePin(c.A)
			if err != nil {
				return nil, err
			}
			other, err := b.edgePin(c.B)
			if err != nil {
				return nil, err
			}
			return sensors.NewQuadrature(a, other, &sensors.QuadratureOpts{Counts: c.Counts, Unit: c.Unit, Inverted: c.Inverted, Pull: c.Pull})
		})
	} else {
		made, err = shared(b, place, func() (*sensors.LineArray, error) {
			var pins []gpio.PinIO
			for _, name := range c.Pins {
				pin, err := b.pin(name)
				if err != nil {
					return nil, err
				}
				pins = append(pins, pin)
			}
			return sensors.NewLineArray(pins, &sensors.LineArrayOpts{Pull: c.Pull, Active: c.Active})
		})
	}
	if err != nil {
		return nil, err
	}
	return made.Measure(c.Measure)
}

// openOnBus makes what has an address.
func (b *Body) openOnBus(c configs.Sensor) (sensors.Sensor, error) {
	bus, err := b.bus(c.Bus)
	if err != nil && b.config.Board.Kind == "sim" {
		err = At("bus", err) // a real board may get it yet
	}
	if err != nil {
		return nil, err
	}
	var made chip
	place := fmt.Sprintf("%s 0x%02x", bus, c.Address)
	switch c.Device {
	case "bh1750":
		return sensors.NewBH1750(bus, c.Address, &sensors.BH1750Opts{Resolution: c.Resolution})
	case "tmp102":
		return sensors.NewTMP102(bus, c.Address, nil)
	case "tmp105":
		return sensors.NewTMP102(bus, c.Address, &sensors.TMP102Opts{Chip: sensors.TMP105})
	case "vl53l0x":
		return sensors.NewVL53L0X(bus, c.Address, nil)
	case "adxl345":
		made, err = shared(b, place, func() (*sensors.ADXL345, error) { return sensors.NewADXL345(bus, c.Address, nil) })
	case "ads1115":
		made, err = shared(b, place, func() (*sensors.ADS1115, error) {
			return sensors.NewADS1115(bus, c.Address, &sensors.ADS1115Opts{FullScale: physic.ElectricPotential(c.FullScale.Micro) * physic.MicroVolt})
		})
	case "bme280":
		made, err = shared(b, place, func() (*sensors.BME280, error) { return sensors.NewBME280(bus, c.Address) })
	case "ina219":
		made, err = shared(b, place, func() (*sensors.INA219, error) {
			return sensors.NewINA219(bus, c.Address, &sensors.INA219Opts{Shunt: physic.ElectricResistance(c.Shunt.Micro) * physic.MicroOhm,
				MaxCurrent: physic.ElectricCurrent(c.MaxCurrent.Micro) * physic.MicroAmpere})
		})
	case "mpu6050":
		made, err = shared(b, place, func() (*sensors.MPU6050, error) {
			return sensors.NewMPU6050(bus, c.Address, &sensors.MPU6050Opts{AccelRange: c.AccelRange, GyroRange: c.GyroRange, WhoAmI: c.WhoAmI})
		})
	default:
		return nil, fmt.Errorf("device %q: unknown", c.Device)
	}
	if err != nil {
		return nil, err
	}
	return made.Measure(c.Measure)
}

// celsius and distance are amounts of a configuration in periph's units.
func celsius(q configs.Quantity) physic.Temperature {
	return physic.ZeroCelsius + physic.Temperature(q.Micro)*physic.MicroKelvin
}
func distance(q configs.Quantity) physic.Distance {
	return physic.Distance(q.Micro) * physic.MicroMetre
}
