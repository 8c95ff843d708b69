package chips

import (
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// ADS1115 simulates Texas Instruments' converter register by register: single and continuous conversions, the multiplexer, ranges
// and rates. A conversion in progress ends as it began, whatever is written meanwhile. The registers of the comparator keep what
// is written; there is no ALERT pin.
//
// Source: Texas Instruments, ADS111x data sheet, SBAS444D. Details that it leaves open, as simulated here: a conversion takes
// exactly what its rate says and shows the voltage at its end, OS reads 0 as long as conversions go on, a register that is
// written in half is not changed, and reading beyond the second byte repeats both.
type ADS1115 struct {
	inputs      [4]func(at time.Duration) int64
	differences [8]func(at time.Duration) int64 // by the value of the multiplexer's field; nil: of the inputs

	mutex      sync.Mutex
	pointer    byte
	registers  [4]uint16     // conversion, configuration without OS, both thresholds
	converting bool          // a conversion is in progress
	config     uint16        // of that conversion
	since      time.Duration // start of that conversion
}

// The registers that are simulated, and bits of the second.
const (
	ads1115Conversion = 0
	ads1115Config     = 1
	ads1115Low        = 2
	ads1115High       = 3

	ads1115Start  = 0x8000
	ads1115Single = 0x0100
)

// ads1115Rates are the conversions per second, ads1115Ranges the largest voltages in µV, by the values of their fields.
var (
	ads1115Rates  = [8]time.Duration{8, 16, 32, 64, 128, 250, 475, 860}
	ads1115Ranges = [8]int64{6_144_000, 4_096_000, 2_048_000, 1_024_000, 512_000, 256_000, 256_000, 256_000}
)

// ads1115Inputs are the inputs that the multiplexer compares, by the value of its field; -1 is ground.
var ads1115Inputs = [8][2]int{{0, 1}, {0, 3}, {1, 3}, {2, 3}, {0, -1}, {1, -1}, {2, -1}, {3, -1}}

// NewADS1115 returns a chip as after power-up: powered down. The functions return the voltages of the inputs against ground, in
// millionths of a volt; nil stands for zero.
func NewADS1115(inputs [4]func(at time.Duration) int64) *ADS1115 {
	s := &ADS1115{inputs: inputs}
	s.Reset()
	return s
}

// senseADS1115 has half of 3.3 V at each input that lies at rest. Where a world says what the difference of two inputs is, that
// counts, and not the inputs themselves.
func senseADS1115(sense Sense, _ Settings) sim.Device {
	s := NewADS1115([4]func(time.Duration) int64{})
	for i := range s.inputs {
		s.inputs[i] = sense.or(ads1115Input(i), 1_650_000)
	}
	for i, pair := range ads1115Inputs {
		if pair[1] >= 0 {
			s.differences[i] = sense.of(ads1115Input(pair[0]) + "-" + ads1115Input(pair[1]))
		}
	}
	return s
}

// ads1115Input returns the name of an input: "a0".
func ads1115Input(number int) string { return "a" + strconv.Itoa(number) }

// Reset resets the chip, as after a lost supply.
func (s *ADS1115) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.pointer, s.converting = 0, false
	s.registers = [4]uint16{ads1115Config: 0x0583, ads1115Low: 0x8000, ads1115High: 0x7fff}
}

// Tx implements sim.Device: the first byte written is the number of a register, two more are its value. A read returns the
// register of the last number.
func (s *ADS1115) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.convert(at)
	if len(w) > 0 {
		s.pointer = w[0] & 3
	}
	if len(w) > 2 {
		s.write(at, binary.BigEndian.Uint16(w[1:]))
	}
	value := s.registers[s.pointer]
	if s.pointer == ads1115Config && !s.converting {
		value |= ads1115Start
	}
	answer(r, value)
	return nil
}

func (s *ADS1115) write(at time.Duration, value uint16) {
	switch s.pointer {
	case ads1115Conversion: // read only
	case ads1115Config:
		s.registers[ads1115Config] = value &^ ads1115Start
		if !s.converting && (value&ads1115Single == 0 || value&ads1115Start != 0) {
			s.converting, s.config, s.since = true, s.registers[ads1115Config], at
		}
	default:
		s.registers[s.pointer] = value
	}
}

// convert ends the conversions that are due.
func (s *ADS1115) convert(at time.Duration) {
	for s.converting {
		takes := time.Second / ads1115Rates[s.config>>5&7]
		count := (at - s.since) / takes
		if count < 1 {
			return
		}
		config := s.registers[ads1115Config]
		if s.config != config || config&ads1115Single != 0 {
			count = 1 // the one in progress is the last of its kind
		}
		s.since += count * takes
		s.registers[ads1115Conversion] = uint16(s.count(s.since))
		s.converting, s.config = config&ads1115Single == 0, config
	}
}

// count returns the result of a conversion.
func (s *ADS1115) count(at time.Duration) int64 {
	field := s.config >> 12 & 7
	pair := ads1115Inputs[field]
	difference := s.volts(pair[0], at) - s.volts(pair[1], at)
	if sensed := s.differences[field]; sensed != nil {
		difference = bounded(sensed(at), 20_000_000)
	}
	return max(-1<<15, min(toNearest(difference<<15, ads1115Ranges[s.config>>9&7]), 1<<15-1))
}

// volts returns the voltage of an input, in µV, limited to a few volts beyond the largest range.
func (s *ADS1115) volts(input int, at time.Duration) int64 {
	if input < 0 || s.inputs[input] == nil {
		return 0
	}
	return bounded(s.inputs[input](at), 10_000_000)
}
