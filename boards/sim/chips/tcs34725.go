package chips

import (
	"sync"
	"time"

	"fluxd/boards/sim"
)

// TCS34725World is the light that a TCS34725 sees: the counts of each channel in a millisecond with a gain of 1, in millionths. A
// nil function stands for darkness.
type TCS34725World struct {
	Clear, Red, Green, Blue func(at time.Duration) int64
}

// TCS34725 simulates ams' colour sensor register by register: its start, integration and wait, gains, the limits of its counters,
// and the two ways to read: one register repeatedly, or one after the other.
//
// Source: ams, TCS3472 data sheet, v1-02. Details that it leaves open, as simulated here: a measurement that is enabled before
// the oscillator has run for 2.4 ms does not start; one whose settings change starts again; it counts the light at its end. Each
// measurement causes an interrupt; its thresholds and persistence keep what is written.
type TCS34725 struct {
	world TCS34725World

	mutex     sync.Mutex
	registers [0x20]byte
	on        time.Duration // when the oscillator was switched on
	measures  bool
	since     time.Duration // start of the first measurement
	samples   time.Duration // number of measurements that are over
}

const (
	tcs34725Enable  = 0x00
	tcs34725Time    = 0x01
	tcs34725Wait    = 0x03
	tcs34725Config  = 0x0d
	tcs34725Control = 0x0f
	tcs34725ID      = 0x12
	tcs34725Status  = 0x13
	tcs34725Data    = 0x14 // 8 bytes
	tcs34725Step    = 2400 * time.Microsecond
)

// NewTCS34725 returns a chip as after power-up.
func NewTCS34725(world TCS34725World) *TCS34725 {
	s := &TCS34725{world: world}
	s.Reset()
	return s
}

// senseTCS34725 lies in light of 4,000 K and 300 lx at rest. The four channels count, as shares of the counts that the
// integration time of the robot file allows: of them, a colour that is not sensed is dark, and a clear channel that is not sensed
// is the sum of the colours, but not so much that it is too much light for the driver. If none is sensed, the light is white,
// without infrared, and has the illuminance and the colour temperature that are sensed.
//
// Source: ams, application note DN40, sections 3.2 and 3.4, appendix I, for lux and colour temperature.
func senseTCS34725(sense Sense, settings Settings) sim.Device {
	var channels [4]func(time.Duration) int64
	sensed := false
	steps := max(1, int64(settings.numberOr("integration", 50_000_000)+1_200_000)/int64(tcs34725Step))
	full, gain := min(1024*steps, 65_535), max(1, int64(settings.numberOr("gain", 4)))
	light := func(share int64) int64 { return toNearest(share*full*10, gain*steps*24) }
	for i, name := range []string{"clear", "red", "green", "blue"} {
		if share := sense.of(name); share != nil {
			sensed = true
			channels[i] = func(at time.Duration) int64 { return light(bounded(share(at), 10_000_000)) }
		}
	}
	clear, red, green, blue := channels[0], channels[1], channels[2], channels[3]
	if !sensed {
		red, green, blue = whiteLight(sense.or("lux", 300_000_000), sense.or("colour_temperature", 4_000_000_000))
	}
	if clear == nil {
		clear = func(at time.Duration) (sum int64) {
			for _, colour := range []func(time.Duration) int64{red, green, blue} {
				if colour != nil {
					sum += colour(at)
				}
			}
			if sensed {
				sum = min(sum, light(700_000))
			}
			return sum
		}
	}
	return NewTCS34725(TCS34725World{Clear: clear, Red: red, Green: green, Blue: blue})
}

// whiteLight returns the counts of the three colours in a millisecond with a gain of 1, in millionths, for an illuminance and a
// colour temperature. The colour temperature is 3,810 K times blue by red, and 1,391 K. The illuminance is 310 times 0.136 red
// and green, less 0.444 blue. Two numbers leave one of the three colours open: green is 0.6742 times the sum of the others, as in
// light of 4,000 K.
func whiteLight(lux, kelvin func(time.Duration) int64) (red, green, blue func(time.Duration) int64) {
	// All numbers are in millionths, but for the ratio to red, which is in thousandths of them.
	ratio := func(at time.Duration) int64 { return toNearest(max(0, bounded(kelvin(at), 1e12)-1_391_000_000), 3_810) }
	red = func(at time.Duration) int64 {
		blue := ratio(at)
		by := 136*1_000_000 + 6742*(1_000_000+blue)/10 - 444*blue // lux by red, in thousandths
		return mulDiv(max(0, bounded(lux(at), 1e12)), 1_000_000_000, 310*by)
	}
	blue = func(at time.Duration) int64 { return mulDiv(red(at), ratio(at), 1_000_000) }
	green = func(at time.Duration) int64 { return mulDiv(red(at), 6742*(1_000_000+ratio(at)), 10_000_000_000) }
	return red, green, blue
}

// Reset resets the chip, as after a lost supply.
func (s *TCS34725) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.registers = [0x20]byte{tcs34725Time: 0xff, tcs34725Wait: 0xff, tcs34725ID: 0x44}
	s.measures = false
}

// Tx implements sim.Device.
func (s *TCS34725) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.integrate(at)
	if len(w) == 0 { // the simulation does not remember the command of an earlier transaction
		return nil
	}
	register, goesOn := w[0]&0x1f, false
	switch w[0] >> 5 { // 1 and the type
	case 0b100:
	case 0b101:
		goesOn = true
	case 0b111:
		if register == 0x06 {
			s.registers[tcs34725Status] &^= 0x10
		}
		return nil
	default: // no command
		return nil
	}
	next := func() {
		if goesOn {
			register = (register + 1) & 0x1f
		}
	}
	for _, value := range w[1:] {
		s.write(at, register, value)
		next()
	}
	for i := range r {
		r[i] = s.registers[register]
		next()
	}
	return nil
}

func (s *TCS34725) write(at time.Duration, register, value byte) {
	before := s.registers[register]
	switch {
	case register >= tcs34725ID: // read only
		return
	case register == tcs34725Enable && value&^before&1 != 0:
		s.on = at
	}
	s.registers[register] = value
	enable := s.registers[tcs34725Enable]
	switch {
	case enable&3 != 3:
		s.measures = false
		s.registers[tcs34725Status] &^= 1
	case register == tcs34725Enable && before&3 != 3:
		s.measures, s.since, s.samples = before&1 != 0 && at >= s.on+tcs34725Step, at, 0
	case before != value:
		s.since, s.samples = at, 0
	}
}

// steps returns the integration time, or for another register the wait.
func (s *TCS34725) steps(register int) time.Duration {
	return 256 - time.Duration(s.registers[register])
}

// integrate updates the data by the last measurement that is over.
func (s *TCS34725) integrate(at time.Duration) {
	integration := (1 + s.steps(tcs34725Time)) * tcs34725Step
	if !s.measures || at < s.since+integration {
		return
	}
	cycle := integration
	if s.registers[tcs34725Enable]&0x08 != 0 {
		wait := s.steps(tcs34725Wait) * tcs34725Step
		if s.registers[tcs34725Config]&0x02 != 0 {
			wait *= 12
		}
		cycle += wait
	}
	count := (at - s.since - integration) / cycle
	if count < s.samples {
		return
	}
	s.samples = count + 1
	s.registers[tcs34725Status] |= 0x11
	gain := [4]int64{1, 4, 16, 60}[s.registers[tcs34725Control]&3]
	steps := int64(s.steps(tcs34725Time))
	for i, light := range []func(time.Duration) int64{s.world.Clear, s.world.Red, s.world.Green, s.world.Blue} {
		counts := int64(0)
		if light != nil {
			counts = toNearest(bounded(light(s.since+count*cycle+integration), 1_000_000_000_000)*gain*steps*24, 10_000_000)
		}
		counts = max(0, min(counts, 1024*steps, 65_535))
		s.registers[tcs34725Data+2*i], s.registers[tcs34725Data+2*i+1] = byte(counts), byte(counts>>8)
	}
}
