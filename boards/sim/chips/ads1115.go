package chips

import (
	"encoding/binary"
	"sync"
	"time"

	"fluxd/boards/sim"
)

// ADS1115 simulates Texas Instruments' converter register by register: single and continuous conversions, the multiplexer, the
// ranges, the rates, and that a conversion under way ends as it began, whatever is written meanwhile. The comparator's registers keep
// what is written; there is no ALERT pin.
//
// Source: Texas Instruments, ADS111x data sheet, SBAS444D. What it leaves open is decided here: a conversion takes exactly what its
// rate says and shows the voltage at its end, OS reads 0 as long as conversions go on, a register that is written in half is not
// changed, and reading beyond the second byte repeats both.
type ADS1115 struct {
	inputs [4]func(at time.Duration) int64

	mutex      sync.Mutex
	pointer    byte
	registers  [4]uint16     // conversion, configuration without OS, both thresholds
	converting bool          // a conversion is under way,
	as         uint16        // with this configuration,
	since      time.Duration // since then
}

// The registers that do something, and bits of the second.
const (
	ads1115Conversion = 0
	ads1115Config     = 1
	ads1115Low        = 2
	ads1115High       = 3

	ads1115Start  = 0x8000
	ads1115Single = 0x0100
)

// ads1115Rates are the conversions a second, ads1115Ranges the largest voltages, in µV, by the values of their fields.
var (
	ads1115Rates  = [8]time.Duration{8, 16, 32, 64, 128, 250, 475, 860}
	ads1115Ranges = [8]int64{6_144_000, 4_096_000, 2_048_000, 1_024_000, 512_000, 256_000, 256_000, 256_000}
)

// ads1115Inputs are the inputs that the multiplexer compares, by the value of its field; -1 is ground.
var ads1115Inputs = [8][2]int{{0, 1}, {0, 3}, {1, 3}, {2, 3}, {0, -1}, {1, -1}, {2, -1}, {3, -1}}

// NewADS1115 makes a chip as after power-up: powered down. The functions give the voltages of the inputs against ground, in millionths
// of a volt; one that is missing stands for zero.
func NewADS1115(inputs [4]func(at time.Duration) int64) *ADS1115 {
	s := &ADS1115{inputs: inputs}
	s.Reset()
	return s
}

// restingADS1115 has half of 3.3 V at each input.
func restingADS1115() sim.Device {
	input := still(1_650_000)
	return NewADS1115([4]func(time.Duration) int64{input, input, input, input})
}

// Reset is a supply that was lost for a moment.
func (s *ADS1115) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.pointer, s.converting = 0, false
	s.registers = [4]uint16{ads1115Config: 0x0583, ads1115Low: 0x8000, ads1115High: 0x7fff}
}

// Tx implements sim.Device: the first byte written is the number of a register, two more are its value. Reading gives the register that
// was named last.
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
			s.converting, s.as, s.since = true, s.registers[ads1115Config], at
		}
	default:
		s.registers[s.pointer] = value
	}
}

// convert ends the conversions that are over by now.
func (s *ADS1115) convert(at time.Duration) {
	for s.converting {
		takes := time.Second / ads1115Rates[s.as>>5&7]
		count := (at - s.since) / takes
		if count < 1 {
			return
		}
		config := s.registers[ads1115Config]
		if s.as != config || config&ads1115Single != 0 {
			count = 1 // the one under way is the last of its kind
		}
		s.since += count * takes
		s.registers[ads1115Conversion] = uint16(s.count(s.since))
		s.converting, s.as = config&ads1115Single == 0, config
	}
}

// count is what the converter makes of its input.
func (s *ADS1115) count(at time.Duration) int64 {
	pair := ads1115Inputs[s.as>>12&7]
	difference := s.volts(pair[0], at) - s.volts(pair[1], at)
	return max(-1<<15, min(toNearest(difference<<15, ads1115Ranges[s.as>>9&7]), 1<<15-1))
}

// volts is the voltage of an input, in µV. A few volts beyond the largest range the numbers end.
func (s *ADS1115) volts(input int, at time.Duration) int64 {
	if input < 0 || s.inputs[input] == nil {
		return 0
	}
	return max(-10_000_000, min(s.inputs[input](at), 10_000_000))
}
