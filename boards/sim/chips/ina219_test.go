package chips

import (
	"encoding/binary"
	"testing"
	"time"
)

// ina219Flags are the flags of the bus register: new measurement, overflow.
func ina219Flags(t *testing.T, s *INA219, at time.Duration) byte {
	t.Helper()
	return exchange(t, s, at, 2, 2)[1] & 3
}

// The registers by current and voltage. The data sheet's example: 10 A through 2 mohm at 11.98 V, in steps of 1 mA and 20 mW.
func TestINA219Measures(t *testing.T) {
	current, voltage := int64(10_000_000), int64(11_980_000)
	s := NewINA219(func(time.Duration) int64 { return current }, func(time.Duration) int64 { return voltage }, 2000)
	at := time.Second
	for _, c := range []struct {
		name                       string
		current, voltage           int64 // millionths
		config, calibration        uint16
		shunt, bus, amperes, watts int // as registers say
		overflow                   bool
	}{
		{"the data sheet's example", 10_000_000, 11_980_000, 0x399f, 0x5000, 2000, 2995, 10000, 5990, false},
		{"after power-up: no calibration", 10_000_000, 11_980_000, 0x399f, 0, 2000, 2995, 0, 0, false},
		{"backwards", -10_000_000, 11_980_000, 0x399f, 0x5000, -2000, 2995, -10000, 5990, false},
		{"a calibration is even", 10_000_000, 11_980_000, 0x399f, 0x5001, 2000, 2995, 10000, 5990, false},
		{"320 mV", 500_000_000, 0, 0x399f, 0x1000, 32000, 0, 32000, 0, false},
		{"-320 mV", -500_000_000, 0, 0x399f, 0x1000, -32000, 0, -32000, 0, false},
		{"160 mV", 500_000_000, 0, 0x319f, 0x1000, 16000, 0, 16000, 0, false},
		{"80 mV", 500_000_000, 0, 0x299f, 0x1000, 8000, 0, 8000, 0, false},
		{"40 mV", 500_000_000, 0, 0x219f, 0x1000, 4000, 0, 4000, 0, false},
		{"beyond all numbers", 1 << 62, 1 << 62, 0x219f, 0x1000, 4000, 8000, 4000, 6400, false},
		{"32 V", 0, 40_000_000, 0x399f, 0x1000, 0, 8000, 0, 0, false},
		{"16 V", 0, 40_000_000, 0x199f, 0x1000, 0, 4000, 0, 0, false},
		{"no voltage below 0", 0, -1_000_000, 0x399f, 0x1000, 0, 0, 0, 0, false},
		{"more current than the register holds", 160_000_000, 1_000_000, 0x399f, 0x1062, 32000, 250, 32765, 1638, false},
		{"as much", 160_000_000, 1_000_000, 0x399f, 0x1064, 32000, 250, 32781 - 65536, 1639, true},
		{"the most power: its register has room for more", 160_000_000, 40_000_000, 0x399f, 0x1000, 32000, 8000, 32000, 51200, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			current, voltage = c.current, c.voltage
			exchange(t, s, at, 0, 5, byte(c.calibration>>8), byte(c.calibration))
			exchange(t, s, at, 0, 0, byte(c.config>>8), byte(c.config))
			at += 2 * time.Millisecond
			want := byte(2)
			if c.overflow {
				want = 3
			}
			if got := ina219Flags(t, s, at); got != want {
				t.Errorf("flags: got %d, want %d", got, want)
			}
			expectRegister(t, s, at, binary.BigEndian, 0, int16(c.config))
			expectRegister(t, s, at, binary.BigEndian, 1, int16(c.shunt))
			expectRegister(t, s, at, binary.BigEndian, 2, int16(uint16(c.bus)<<3|uint16(want)))
			expectRegister(t, s, at, binary.BigEndian, 4, int16(c.amperes))
			expectRegister(t, s, at, binary.BigEndian, 5, int16(c.calibration&^1))
			expectRegister(t, s, at, binary.BigEndian, 3, int16(uint16(c.watts)))
			if got := ina219Flags(t, s, at); got != want&1 {
				t.Errorf("the power was read, and the flags are %d", got)
			}
		})
	}
}

// The duration of a measurement, and the modes that repeat it.
func TestINA219Times(t *testing.T) {
	for _, c := range []struct {
		name    string
		config  uint16
		takes   int // µs
		repeats bool
	}{
		{"9 bits", 0x3807, 168, true},
		{"10 bits", 0x388f, 296, true},
		{"11 bits", 0x3917, 552, true},
		{"12 bits", 0x399f, 1064, true},
		{"9 bits, the other way", 0x3a27, 168, true},
		{"12 bits, the other way", 0x3bbf, 1064, true},
		{"1 sample", 0x3c47, 1064, true},
		{"2 samples", 0x3ccf, 2120, true},
		{"4 samples", 0x3d57, 4260, true},
		{"8 samples", 0x3ddf, 8520, true},
		{"16 samples", 0x3e67, 17020, true},
		{"32 samples", 0x3eef, 34040, true},
		{"64 samples", 0x3f77, 68100, true},
		{"128 samples", 0x3fff, 136200, true},
		{"the shunt alone", 0x3f9d, 532, true},
		{"the bus alone", 0x39fe, 532, true},
		{"once", 0x399b, 1064, false},
		{"the shunt once", 0x3f99, 532, false},
		{"the bus once", 0x39fa, 532, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			constant := func(time.Duration) int64 { return 1_000_000 }
			s := NewINA219(constant, constant, 100_000)
			at, takes := time.Second, time.Duration(c.takes)*time.Microsecond
			if got := ina219Flags(t, s, at); got != 2 {
				t.Errorf("after power-up it does not measure: %d", got)
			}
			exchange(t, s, at, 0, 0, byte(c.config>>8), byte(c.config))
			ready := func(at time.Duration) bool { return ina219Flags(t, s, at)&2 != 0 }
			if ready(at+takes-1) || !ready(at+takes) {
				t.Errorf("the first measurement does not end after %v", takes)
			}
			exchange(t, s, at+takes, 2, 3)
			if ready(at+2*takes-1) || ready(at+2*takes) != c.repeats || ready(at+99*takes) != c.repeats {
				t.Errorf("the second measurement does not end after %v", 2*takes)
			}
		})
	}
}

// Powered down or switched off it keeps its measurement; a reset clears it.
func TestINA219AtRest(t *testing.T) {
	current := int64(1_000_000)
	s := NewINA219(func(time.Duration) int64 { return current }, func(time.Duration) int64 { return 0 }, 100_000)
	expectRegister(t, s, time.Second, binary.BigEndian, 1, 10000)
	for _, mode := range []byte{0x98, 0x9c} {
		exchange(t, s, time.Second, 0, 0, 0x39, mode)
		current = 2_000_000
		expectRegister(t, s, 2*time.Second, binary.BigEndian, 1, 10000)
		if got := ina219Flags(t, s, 2*time.Second); got != 2 {
			t.Errorf("mode %#02x: flags %d", mode, got)
		}
	}
	exchange(t, s, 2*time.Second, 0, 5, 0x12, 0x34)
	exchange(t, s, 2*time.Second, 0, 0, 0xff, 0xff)
	for register, want := range []int16{0x399f, 0, 0, 0, 0, 0, 0} {
		expectRegister(t, s, 2*time.Second, binary.BigEndian, byte(register), want)
	}
	expectRegister(t, s, 2002*time.Millisecond, binary.BigEndian, 1, 20000)

	exchange(t, s, 3*time.Second, 0, 1, 0x12, 0x34) // read only
	exchange(t, s, 3*time.Second, 0, 5, 0x12)       // half a register
	expectRegister(t, s, 3*time.Second, binary.BigEndian, 5, 0)
	if got := exchange(t, s, 3*time.Second, 4, 1); got[0] != 0x4e || got[1] != 0x20 || got[2] != 0x4e || got[3] != 0x20 {
		t.Errorf("got %#x", got)
	}
	if got := exchange(t, s, 3*time.Second, 2); got[0] != 0x4e || got[1] != 0x20 {
		t.Errorf("the register that was named last: got %#x", got)
	}
}
