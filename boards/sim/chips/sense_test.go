package chips_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// A sensed measure is one whose readings follow what the twin senses.
type sensed struct {
	name      string
	low, high float64 // in the unit of the driver
	within    float64 // the resolution of the chip
	share     float64 // the same, as a share of the value
}

// sensing are the devices and their measures.
var sensing = []struct {
	kind     string
	every    time.Duration
	opts     func(t *rapid.T, o any)
	measures func(o any) []sensed
}{
	{kind: "ads1115", opts: func(t *rapid.T, o any) {
		o.(*sensors.ADS1115Opts).FullScale = physic.ElectricPotential(rapid.SampledFrom([]int{256, 512, 1024, 2048, 4096, 6144}).
			Draw(t, "full scale")) * physic.MilliVolt
	}, measures: func(o any) []sensed {
		full := float64(o.(*sensors.ADS1115Opts).FullScale) / 1e9
		step, high, differs := full/32768, min(full*32767/32768, 5.8), min(full*32767/32768, 6.1)
		return []sensed{{"a0", 0, high, step, 0}, {"a1", 0, high, step, 0}, {"a2", 0, high, step, 0}, {"a3", 0, high, step, 0},
			{"a0-a1", -differs, differs, step, 0}, {"a2-a3", -differs, differs, step, 0}}
	}},
	{kind: "adxl345", measures: func(any) []sensed {
		const most, step = 15.9 * 9.80665, 9.80665 / 256
		return []sensed{{"accel_x", -most, most, step, 0}, {"accel_y", -most, most, step, 0}, {"accel_z", -most, most, step, 0}}
	}},
	{kind: "as5600", opts: func(t *rapid.T, o any) { o.(*sensors.AS5600Opts).Inverted = rapid.Bool().Draw(t, "inverted") },
		measures: func(any) []sensed { return []sensed{{"angle", 0, 359.9, 360. / 4096, 0}} }},
	{kind: "as5600", opts: func(t *rapid.T, o any) { o.(*sensors.AS5600Opts).Inverted = rapid.Bool().Draw(t, "inverted") },
		measures: func(any) []sensed { return []sensed{{"position", 0, 0.499, 1. / 4096, 0}} }},
	{kind: "bh1750", opts: func(t *rapid.T, o any) {
		o.(*sensors.BH1750Opts).Resolution = rapid.SampledFrom([]string{"low", "high", "high2"}).Draw(t, "resolution")
	}, measures: func(o any) []sensed {
		r := o.(*sensors.BH1750Opts).Resolution
		return []sensed{{"", 0, map[string]float64{"low": 54_600, "high": 54_600, "high2": 27_300}[r],
			map[string]float64{"low": 4.2, "high": 0.84, "high2": 0.42}[r], 0}}
	}},
	{kind: "bme280", measures: func(any) []sensed {
		return []sensed{{"temperature", -39, 84, 0.01, 0}, {"pressure", 30_100, 109_900, 4, 0}, {"humidity", 1, 99, 0.05, 0}}
	}},
	{kind: "hcsr04", every: 60 * ms, opts: func(t *rapid.T, o any) {
		celsius := rapid.IntRange(-40, 85).Draw(t, "celsius")
		o.(*sensors.HCSR04Opts).Temperature = physic.ZeroCelsius + physic.Temperature(celsius)*physic.Celsius
	}, measures: func(any) []sensed { return []sensed{{"", 0.021, 4, 0.000_001, 0}} }},
	{kind: "hx711", opts: func(t *rapid.T, o any) {
		o.(*sensors.HX711Opts).Gain = rapid.SampledFrom([]int{128, 64, 32}).Draw(t, "gain")
	}, measures: func(o any) []sensed {
		most := float64(o.(*sensors.HX711Opts).Gain) / 128 * 8_388_600
		return []sensed{{"", -most, most, 1, 0}}
	}},
	{kind: "ina219", opts: randomShunt, measures: func(o any) []sensed {
		most, step := currents(o)
		return []sensed{{"current", -most, most, step, 0}, {"voltage", 0, 26, 0.004, 0}}
	}},
	{kind: "ina219", opts: randomShunt, measures: func(o any) []sensed {
		most, _ := currents(o)
		ohm := float64(o.(*sensors.INA219Opts).Shunt) / 1e9
		return []sensed{{"shunt", -most * ohm, most * ohm, 10e-6, 0}}
	}},
	{kind: "ina219", opts: randomShunt, measures: func(o any) []sensed {
		most, step := currents(o)
		return []sensed{{"power", -most * 7.3, most * 7.3, step * 7.5, 0}}
	}},
	{kind: "mpu6050", opts: func(t *rapid.T, o any) {
		opts := o.(*sensors.MPU6050Opts)
		opts.AccelRange = rapid.SampledFrom([]int{2, 4, 8, 16}).Draw(t, "accel")
		opts.GyroRange = rapid.SampledFrom([]int{250, 500, 1000, 2000}).Draw(t, "gyro")
		opts.WhoAmI = rapid.SampledFrom([]uint16{0, 0x68, 0x71, 0x12, 0x42}).Draw(t, "who am i")
	}, measures: func(o any) []sensed {
		opts := o.(*sensors.MPU6050Opts)
		accel, gyro := float64(opts.AccelRange)*9.806, float64(opts.GyroRange)*0.999
		all := []sensed{{"temperature", -39, 84, 0.0031, 0}}
		for _, axis := range []string{"x", "y", "z"} {
			all = append(all, sensed{"accel_" + axis, -accel, accel, accel / 32000, 0},
				sensed{"gyro_" + axis, -gyro, gyro, gyro / 32000, 0})
		}
		return all
	}},
	{kind: "tcs34725", opts: randomColours, measures: func(o any) []sensed {
		full := float64(min(65_535, 1024*steps(o)))
		return []sensed{{"clear", 0, 0.74, 1 / full, 0}, {"red", 0, 0.74, 1 / full, 0}, {"green", 0, 0.74, 1 / full, 0},
			{"blue", 0, 0.74, 1 / full, 0}}
	}},
	{kind: "tcs34725", opts: randomColours, measures: func(o any) []sensed {
		counts := 2.4 * float64(steps(o)) * float64(o.(*sensors.TCS34725Opts).Gain) // in light of which each millisecond has one
		full := float64(min(65_535, 1024*steps(o)))
		// Of the three colours and clear, each is rounded by half a count.
		return []sensed{{"lux", 0, min(300*full/counts/4, 1e5), 310 * 3 / counts, 0}}
	}},
	{kind: "tcs34725", opts: func(_ *rapid.T, o any) {
		o.(*sensors.TCS34725Opts).Integration, o.(*sensors.TCS34725Opts).Gain = 600*ms, 60
	}, measures: func(any) []sensed {
		return []sensed{{"lux", 50, 100, 1, 0}, {"colour_temperature", 2000, 24_000, 0, 0.01}}
	}},
	{kind: "tmp102", measures: func(any) []sensed { return []sensed{{"", -40, 124.9, 0.0625, 0}} }},
	{kind: "tmp105", measures: func(any) []sensed { return []sensed{{"", -40, 124.9, 0.0625, 0}} }},
	{kind: "vl53l0x", measures: func(any) []sensed { return []sensed{{"", 0, 2, 0.001, 0}} }},
}

// Each driver reads back what the twin of its device senses, for all options and over its whole range.
func TestDriversReadWhatTwinsSense(t *testing.T) {
	for _, c := range sensing {
		var names []string
		made := newOptions(c.kind)
		fill(made, []uint16{0x29})
		for _, m := range c.measures(made) {
			names = append(names, m.name)
		}
		t.Run(strings.TrimSuffix(c.kind+" "+strings.Join(names, " "), " "), rapid.MakeCheck(func(t *rapid.T) {
			opts := newOptions(c.kind)
			if c.opts != nil {
				c.opts(t, opts)
			}
			fill(opts, []uint16{0x29}) // the measures depend on the defaults
			driver, _ := sensors.KindOf(c.kind)
			if at := reflect.ValueOf(opts).Elem().FieldByName("Address"); at.IsValid() {
				at.SetUint(uint64(driver.Addresses[0]))
			}
			b := newBench(t, nil)
			world := map[string]int64{}
			measures := c.measures(opts)
			draw := func(m sensed) {
				world[m.name] = rapid.Int64Range(int64(m.low*1e6), int64(m.high*1e6)).Draw(t, m.name)
			}
			for _, m := range measures {
				draw(m)
			}
			_, readers := b.connect(t, c.kind, opts, func(measure string) func(time.Duration) int64 {
				if !slices.ContainsFunc(measures, func(m sensed) bool { return m.name == measure }) {
					return nil
				}
				return func(time.Duration) int64 { return world[measure] }
			})
			every := max(c.every, driver.MinInterval, 10*ms)
			for range 3 {
				readings := map[string]int64{}
				for end := b.now + 2*time.Second; b.now < end; b.now += every {
					for _, m := range measures {
						if reading, ok := b.sample(t, readers[m.name]); ok {
							readings[m.name] = reading
						}
					}
				}
				for _, m := range measures {
					got, ok := readings[m.name]
					want := world[m.name]
					within := max(m.within*1e6, m.share*float64(max(want, -want))) + 1
					if !ok || float64(max(got-want, want-got)) > within {
						t.Errorf("%s: read %d, %v, sensed %d, resolution %.0f", m.name, got, ok, want, within)
					}
					draw(m)
				}
			}
		}))
	}
}

// newOptions returns the options of a sensor's driver.
func newOptions(kind string) sensors.Options {
	k, _ := sensors.KindOf(kind)
	return k.New()
}

func randomShunt(t *rapid.T, o any) {
	opts := o.(*sensors.INA219Opts)
	opts.Shunt = physic.ElectricResistance(rapid.SampledFrom([]int{1, 2, 5, 10, 50, 100, 1500}).Draw(t, "mohm")) * physic.MilliOhm
	opts.MaxCurrent = physic.ElectricCurrent(int64(physic.Ampere) * 1000 * rapid.Int64Range(5, 320).Draw(t, "mV") / 1000 /
		(int64(opts.Shunt) / int64(physic.MilliOhm)))
}

// currents returns the largest current of an ina219, and its resolution.
func currents(o any) (most, step float64) {
	opts := o.(*sensors.INA219Opts)
	return float64(opts.MaxCurrent) / 1e9 * 0.999, 10e-6 / (float64(opts.Shunt) / 1e9)
}

func randomColours(t *rapid.T, o any) {
	opts := o.(*sensors.TCS34725Opts)
	opts.Gain = rapid.SampledFrom([]int{1, 4, 16, 60}).Draw(t, "gain")
	opts.Integration = time.Duration(rapid.Int64Range(int64(2400*time.Microsecond), int64(300*ms)).Draw(t, "integration"))
}

// steps are those of the integration time of a tcs34725.
func steps(o any) int64 {
	return int64(o.(*sensors.TCS34725Opts).Integration+1200*time.Microsecond) / int64(2400*time.Microsecond)
}

// Each sensor that has wires has a twin, which a test tries.
func TestSensorKinds(t *testing.T) {
	elsewhere := []string{"button", "linearray", "pir", "quadrature"}
	for _, k := range sensors.Kinds {
		opts := k.New()
		wired := len(k.Addresses) > 0
		for _, one := range fields(opts) {
			wired = wired || one.tag.Get("pin") != ""
		}
		_, found := chips.Find(k.Name)
		tried := slices.Contains(elsewhere, k.Name)
		for _, c := range sensing {
			tried = tried || c.kind == k.Name
		}
		if found != wired || tried != wired {
			t.Errorf("%s: wires %v, twin %v, tried %v", k.Name, wired, found, tried)
		}
	}
}
