package chips

import (
	"encoding/binary"
	"testing"
	"time"
)

// The converter, register by register. Its inputs carry 1 V, 0.25 V, -0.1 V and a ramp of 1 mV per millisecond.
func TestADS1115(t *testing.T) {
	type step struct {
		at      int  // µs
		config  uint // written unless 0
		want    int  // the conversion register after it
		working bool // as OS says
	}
	const ms = 1000
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"powered down it shows nothing", []step{{0, 0, 0, false}, {1000 * ms, 0, 0, false}}},
		{"a single conversion, at 860 Hz", []step{
			{0, 0xc3e3, 0, true}, {1162, 0, 0, true}, {1163, 0, 8000, false}, {9 * ms, 0, 8000, false},
		}},
		{"not without OS", []step{{0, 0x43e3, 0, false}, {9 * ms, 0, 0, false}}},
		{"at 8 Hz", []step{{0, 0xc303, 0, true}, {125*ms - 1, 0, 0, true}, {125 * ms, 0, 8000, false}}},
		{"at 16 Hz", []step{{0, 0xc323, 0, true}, {62499, 0, 0, true}, {62500, 0, 8000, false}}},
		{"at 32 Hz", []step{{0, 0xc343, 0, true}, {31249, 0, 0, true}, {31250, 0, 8000, false}}},
		{"at 64 Hz", []step{{0, 0xc363, 0, true}, {15624, 0, 0, true}, {15625, 0, 8000, false}}},
		{"at 128 Hz", []step{{0, 0xc383, 0, true}, {7812, 0, 0, true}, {7813, 0, 8000, false}}},
		{"at 250 Hz", []step{{0, 0xc3a3, 0, true}, {3999, 0, 0, true}, {4000, 0, 8000, false}}},
		{"at 475 Hz", []step{{0, 0xc3c3, 0, true}, {2105, 0, 0, true}, {2106, 0, 8000, false}}},
		{"6.144 V", []step{{0, 0xc1e3, 0, true}, {2 * ms, 0, 5333, false}}},
		{"2.048 V", []step{{0, 0xc5e3, 0, true}, {2 * ms, 0, 16000, false}}},
		{"1.024 V", []step{{0, 0xc7e3, 0, true}, {2 * ms, 0, 32000, false}}},
		{"0.512 V, beyond", []step{{0, 0xc9e3, 0, true}, {2 * ms, 0, 32767, false}}},
		{"0.256 V, beyond", []step{{0, 0xcbe3, 0, true}, {2 * ms, 0, 32767, false}}},
		{"0.256 V once more", []step{{0, 0xdfe3, 0, true}, {2 * ms, 0, 32000, false}}},
		{"input 1", []step{{0, 0xd3e3, 0, true}, {2 * ms, 0, 2000, false}}},
		{"input 2", []step{{0, 0xe3e3, 0, true}, {2 * ms, 0, -800, false}}},
		{"input 3, at the end of the conversion", []step{{10 * ms, 0xf303, 0, true}, {500 * ms, 0, 1080, false}}},
		{"0 against 1", []step{{0, 0x83e3, 0, true}, {2 * ms, 0, 6000, false}}},
		{"0 against 3", []step{{98837, 0x93e3, 0, true}, {110 * ms, 0, 7208, false}}},
		{"1 against 3", []step{{98837, 0xa3e3, 0, true}, {110 * ms, 0, 1208, false}}},
		{"2 against 3, below the range", []step{{398837, 0xbbe3, 0, true}, {410 * ms, 0, -32768, false}}},
		{"continuously", []step{
			{0, 0x7203, 0, true}, {124 * ms, 0, 0, true}, {125 * ms, 0, 1000, true}, {1126 * ms, 0, 9000, true},
		}},
		{"a conversion under way is not begun again", []step{
			{0, 0xc303, 0, true}, {100 * ms, 0xc303, 0, true}, {125 * ms, 0, 8000, false},
		}},
		{"and ends as it began, whatever is written", []step{
			{0, 0xc303, 0, true}, {100 * ms, 0xd303, 0, true}, {125 * ms, 0, 8000, false}, {999 * ms, 0, 8000, false},
		}},
		{"from single to continuous", []step{
			{0, 0xc303, 0, true}, {100 * ms, 0x5203, 0, true}, {125 * ms, 0, 8000, true}, {250 * ms, 0, 2000, true},
		}},
		{"from continuous to single: powers down", []step{
			{0, 0x4203, 0, true}, {100 * ms, 0xd303, 0, true}, {125 * ms, 0, 8000, false},
			{999 * ms, 0xd303, 8000, true}, {1124 * ms, 0, 2000, false},
		}},
		{"another input, continuously", []step{
			{0, 0x4203, 0, true}, {300 * ms, 0x5203, 8000, true}, {374 * ms, 0, 8000, true}, {375 * ms, 0, 8000, true},
			{500 * ms, 0, 2000, true},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewADS1115([4]func(time.Duration) int64{
				func(time.Duration) int64 { return 1_000_000 },
				func(time.Duration) int64 { return 250_000 },
				func(time.Duration) int64 { return -100_000 },
				func(at time.Duration) int64 { return at.Milliseconds() * 1000 },
			})
			config := uint16(0x0583)
			for _, step := range c.steps {
				at := time.Duration(step.at) * time.Microsecond
				if step.config != 0 {
					config = uint16(step.config) &^ 0x8000
					exchange(t, s, at, 0, 1, byte(step.config>>8), byte(step.config))
				}
				expectRegister(t, s, at, binary.BigEndian, 0, int16(step.want))
				want := config
				if !step.working {
					want |= 0x8000
				}
				expectRegister(t, s, at, binary.BigEndian, 1, int16(want))
			}
		})
	}
}

func TestADS1115Registers(t *testing.T) {
	s := NewADS1115([4]func(time.Duration) int64{0: func(time.Duration) int64 { return 1 << 62 }})
	for register, want := range []uint16{0x0000, 0x8583, 0x8000, 0x7fff} {
		expectRegister(t, s, 0, binary.BigEndian, byte(register), int16(want))
	}
	for register, want := range []uint16{0x0000, 0x8583, 0x1234, 0x1234} {
		if register != 1 {
			exchange(t, s, 0, 0, byte(register), 0x12, 0x34)
		}
		expectRegister(t, s, 0, binary.BigEndian, byte(register), int16(want))
	}
	exchange(t, s, 0, 0, 2, 0xff) // half a register
	if got := exchange(t, s, 0, 4); got[0] != 0x12 || got[1] != 0x34 || got[2] != 0x12 || got[3] != 0x34 {
		t.Errorf("the register that was named last: got %#x", got)
	}
	exchange(t, s, 0, 0, 1, 0xc3, 0xe3)
	expectRegister(t, s, time.Second, binary.BigEndian, 0, 32767) // an input beyond all numbers
	exchange(t, s, time.Second, 0, 1, 0xd3, 0xe3)
	expectRegister(t, s, 2*time.Second, binary.BigEndian, 0, 0) // an input that is missing
}
