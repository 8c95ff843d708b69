package hardware

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim/worlds"
	"fluxd/configs"
	"fluxd/encoders"
	"fluxd/sensors"
)

// CheckRanges compares a valid robot file with what its devices can measure. It touches no device. What can never happen is a
// mistake, such as a threshold beyond all readings. Behind a calibration, which may be tuned, it is a warning.
func CheckRanges(config *configs.Robot) (mistakes, warnings configs.Errors) {
	b := New(config, Options{}, func() time.Duration { return 0 })
	b.Board = paperBoard{}
	ranges := map[string]sensors.Range{}
	for _, s := range config.Sensors {
		c, path := s.Value, "sensors."+s.Name
		kind, _ := sensors.KindOf(c.Device)
		if _, recorded := c.Options.(sensors.Recorded); recorded || kind.Switch {
			continue // a recording may hold anything, and a switch is on or off
		}
		made, err := b.OpenSensor(s)
		if err != nil {
			mistakes = append(mistakes, config.Mistake(path, "%v", err))
			continue
		}
		if curve, within := c.Curve, sensors.RangeOf(made.Device); len(curve) > 0 && within != (sensors.Range{}) {
			if first, last := curve[0][0], curve[len(curve)-1][0]; first.Micro >= within.High || last.Micro <= within.Low {
				warnings = append(warnings, config.Mistake(path+".curve", "%s to %s: the device measures %s: expected points in that range",
					plain(first.Micro), amount(last), in(within, last.Unit)))
			}
		}
		within := sensors.RangeOf(made.Sensor)
		if within == (sensors.Range{}) {
			continue
		}
		ranges[s.Name] = within
		key, message := unreachable(c.Encode, within)
		switch {
		case key == "":
		case len(c.Curve) > 0:
			warnings = append(warnings, config.Mistake(path+".encode."+key, "%s (by its curve)", message))
		default:
			mistakes = append(mistakes, config.Mistake(path+".encode."+key, "%s", message))
		}
		if message := slower(c.Encode, within); message != "" && key == "" {
			warnings = append(warnings, config.Mistake(path+".encode.range", "%s", message))
		}
	}
	for _, w := range config.Rewards {
		within, known := ranges[w.Value.Sensor]
		most, what := w.Value.Largest(within), "changes"
		if w.Value.On == "level" {
			what = "readings"
		}
		if t := w.Value.Threshold; t != nil && known && t.Micro > most {
			mistakes = append(mistakes, config.Mistake("rewards."+w.Name+".threshold", "%s: %s of %s come to %s at most: nothing earns it",
				amount(*t), what, w.Value.Sensor, withUnit(plain(most), t.Unit)))
		}
	}
	return mistakes, warnings
}

// UnknownToWorld lists the parts of a robot that have no counterpart in its simulated world, and those that the world misses.
func UnknownToWorld(config *configs.Robot) (warnings configs.Errors) {
	options, simulated := config.World()
	if !simulated {
		return nil
	}
	_, unknown := worlds.Check(options, config.Simulated())
	for _, m := range unknown {
		warnings = append(warnings, config.Mistake(cmp.Or(m.Path, "board.world"), "%v", m.Err))
	}
	return warnings
}

// unreachable finds an option of an encoder that no reading within the range can reach. key is "" if there is none.
func unreachable(e configs.Encode, within sensors.Range) (key, message string) {
	wrong := func(key string, q encoders.Amount, what string) (string, string) {
		if hint := q.Micro * 100; q.Unit == "Pa" && hint >= within.Low && hint <= within.High {
			what += fmt.Sprintf("; %s hPa?", plain(q.Micro))
		}
		return key, fmt.Sprintf("%s: the device measures %s: %s", amount(configs.Quantity(q)), in(within, q.Unit), what)
	}
	beside := func(ends [2]encoders.Amount) (string, string) {
		if max(ends[0].Micro, ends[1].Micro) > within.Low && min(ends[0].Micro, ends[1].Micro) < within.High {
			return "", ""
		}
		_, message := wrong("range", ends[1], "expected a range that overlaps it")
		return "range", plain(ends[0].Micro) + " to " + message
	}
	switch e := e.Options.(type) {
	case *encoders.ThresholdOpts:
		key, limit, rearm, below := "above", e.Above, int64(0), e.Below != nil
		if below {
			key, limit = "below", e.Below
			rearm = limit.Micro + e.Hysteresis.Micro
		} else {
			rearm = limit.Micro - e.Hysteresis.Micro
		}
		switch {
		case !below && limit.Micro > within.High, below && limit.Micro < within.Low:
			return wrong(key, *limit, "no reading reaches that")
		case !below && limit.Micro < within.Low, below && limit.Micro > within.High:
			return wrong(key, *limit, "every reading is beyond that")
		case e.Repeat || e.Hysteresis.Micro == 0:
		case !below && rearm < within.Low, below && rearm > within.High:
			return wrong("hysteresis", e.Hysteresis, "no reading goes back so far, so there would be one spike only")
		}
	case encoders.Ranging:
		return beside(e.Ends())
	case encoders.Stepping:
		if step := e.LargestStep(); step.Micro > within.High-within.Low {
			return wrong("step", step, "no two readings are so far apart")
		}
	}
	return "", ""
}

// slower says how much of its highest rate an encoder can reach, if the range of the device ends much earlier; else "".
func slower(e configs.Encode, within sensors.Range) string {
	var ends [2]encoders.Amount
	var most physic.Frequency
	switch rate := e.Options.(type) {
	case *encoders.RateOpts:
		ends, most = rate.Range, rate.Max
	case *encoders.PoissonOpts:
		ends, most = rate.Range, rate.Max
	default:
		return ""
	}
	first, last := ends[0], ends[1]
	end := min(max(last.Micro, within.Low), within.High)
	share := float64(end-first.Micro) / float64(last.Micro-first.Micro)
	if share > 0.9 {
		return "" // [1 m, 0 m] is usual for a device that measures from 2 cm
	}
	return fmt.Sprintf("readings end at %s: at most %.3g Hz of %s Hz", withUnit(plain(end), last.Unit), share*float64(most)/1e6,
		plain(int64(most)))
}

// plain writes millionths as a decimal number, amount adds the unit, and in writes a range with its unit.
func plain(micro int64) string               { return strconv.FormatFloat(float64(micro)/1e6, 'f', -1, 64) }
func amount(q configs.Quantity) string       { return withUnit(plain(q.Micro), q.Unit) }
func in(r sensors.Range, unit string) string { return withUnit(r.String(), unit) }

func withUnit(number, unit string) string {
	if unit == "" {
		return number
	}
	return number + " " + unit
}

// paperBoard is a board with every pin and bus, and no devices. Drivers are opened on it to find out their ranges.
type paperBoard struct{ Board }

func (paperBoard) Pin(name string) (gpio.PinIO, error)    { return paperPin{gpio.INVALID, name}, nil }
func (paperBoard) Bus(name string) (i2c.BusCloser, error) { return paperBus{name: name}, nil }

type paperPin struct {
	gpio.PinIO
	name string
}

func (p paperPin) Name() string                                           { return p.name }
func (paperPin) NextEdge(time.Duration) (time.Duration, gpio.Level, bool) { return 0, gpio.Low, false }
func (paperPin) LostEdges() uint64                                        { return 0 }

type paperBus struct {
	i2c.BusCloser
	name string
}

func (b paperBus) String() string { return b.name }
