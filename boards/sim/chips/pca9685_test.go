package chips

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
)

// awakePCA9685 is a chip whose oscillator runs at 1 ms, with auto-increment.
func awakePCA9685(t *testing.T) *PCA9685 {
	t.Helper()
	s := NewPCA9685()
	exchange(t, s, 0, 0, 0x00, 0x20)
	return s
}

func TestPCA9685AfterPowerUp(t *testing.T) {
	s := awakePCA9685(t)
	exchange(t, s, 0, 0, 0x06, 0, 0x10, 0, 0)
	s.Reset()
	// Without auto-increment a register is read again and again.
	for _, c := range []struct {
		register byte
		want     []byte
	}{{0x00, []byte{0x11, 0x11}}, {0x01, []byte{0x04}}, {0x05, []byte{0xe0}}, {0x07, []byte{0}}, {0x09, []byte{0x10}},
		{0x45, []byte{0x10}}, {0xfe, []byte{0x1e}}, {0xfd, []byte{0}}} {
		if got := exchange(t, s, 0, len(c.want), c.register); !bytes.Equal(got, c.want) {
			t.Errorf("register %#02x: got % x, want % x", c.register, got, c.want)
		}
	}
	for output := range 16 {
		if duty := s.Duty(time.Second, output); duty != 0 {
			t.Errorf("output %d: duty %v", output, duty)
		}
	}
}

func TestPCA9685Duty(t *testing.T) {
	const step = gpio.DutyMax / 4096
	for _, c := range []struct {
		name      string
		registers [4]byte
		want      gpio.Duty
	}{
		{"a quarter", [4]byte{0, 0, 0, 4}, gpio.DutyMax / 4},
		{"one step", [4]byte{0, 0, 1, 0}, step},
		{"all steps but one", [4]byte{0, 0, 0xff, 0x0f}, 4095 * step},
		{"the same, later in the period", [4]byte{0, 2, 0, 6}, gpio.DutyMax / 4},
		{"over the end of the period", [4]byte{0, 0x0c, 0, 4}, gpio.DutyHalf},
		{"on and off at once", [4]byte{7, 0, 7, 0}, 0},
		{"full on", [4]byte{0, 0x10, 0, 4}, gpio.DutyMax},
		{"full off wins", [4]byte{0, 0x10, 0, 0x10}, 0},
		{"reserved bits are not there", [4]byte{0, 0xe0, 0, 0xe8}, gpio.DutyHalf},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := awakePCA9685(t)
			exchange(t, s, time.Millisecond, 0, append([]byte{0x06 + 4*3}, c.registers[:]...)...)
			exchange(t, s, time.Millisecond, 0, append([]byte{0xfa}, c.registers[:]...)...)
			for _, output := range []int{0, 3, 15} {
				if got := s.Duty(time.Millisecond, output); got != c.want {
					t.Errorf("output %d: got %d, want %d", output, got, c.want)
				}
			}
			exchange(t, s, time.Millisecond, 0, 0x01, 0x14)
			if got := s.Duty(time.Millisecond, 3); got != gpio.DutyMax-c.want {
				t.Errorf("inverted: got %d, want %d", got, gpio.DutyMax-c.want)
			}
			if s.Duty(time.Millisecond, -1) != 0 || s.Duty(time.Millisecond, 16) != 0 {
				t.Error("outputs that there are not do something")
			}
		})
	}
}

func TestPCA9685AutoIncrement(t *testing.T) {
	s := awakePCA9685(t)
	exchange(t, s, 0, 0, 0x44, 0x12, 0x03, 0x21) // past the last output comes MODE1
	if got := exchange(t, s, 0, 2, 0x45); !bytes.Equal(got, []byte{0x03, 0x21}) {
		t.Errorf("past the outputs: % x", got)
	}
	if got := exchange(t, s, 0, 3, 0xfe); !bytes.Equal(got, []byte{0x1e, 0x21, 0x04}) {
		t.Errorf("past the prescaler: % x", got)
	}
	if got := exchange(t, s, 0, 1); got[0] != 0xe2 {
		t.Errorf("a transaction that only reads goes on where the last one ended: % x", got)
	}
	for _, register := range []byte{0x46, 0xf9} {
		if err := s.Tx(0, []byte{register}, nil); !errors.Is(err, sim.ErrNoAnswer) {
			t.Errorf("register %#02x: got %v", register, err)
		}
	}
}

func TestPCA9685SleepAndOscillator(t *testing.T) {
	const us = time.Microsecond
	s := NewPCA9685()
	expect := func(at time.Duration, what string, want gpio.Duty) {
		t.Helper()
		if got := s.Duty(at, 2); got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	mode := func(at time.Duration, want byte) {
		t.Helper()
		if got := exchange(t, s, at, 1, 0x00)[0]; got != want {
			t.Errorf("MODE1 at %v: got %#02x, want %#02x", at, got, want)
		}
	}
	exchange(t, s, 0, 0, 0xfe, 2)
	if s.Prescale() != 3 {
		t.Errorf("the smallest prescaler: got %d", s.Prescale())
	}
	exchange(t, s, 0, 0, 0x00, 0x31)
	exchange(t, s, 0, 0, 0x0e, 0, 0x10, 0, 0)
	expect(1000*us, "asleep", 0)
	exchange(t, s, 1000*us, 0, 0x00, 0x21)
	exchange(t, s, 1000*us, 0, 0xfe, 0x79)
	if s.Prescale() != 3 {
		t.Errorf("written while awake: got %d", s.Prescale())
	}
	expect(1499*us, "the oscillator starts", 0)
	expect(1500*us, "awake", gpio.DutyMax)

	exchange(t, s, 2000*us, 0, 0x00, 0x31)
	mode(2000*us, 0xb1)
	exchange(t, s, 3000*us, 0, 0x00, 0xa1) // wakes, and is too early for RESTART
	mode(3000*us, 0xa1)
	expect(4000*us, "waiting for RESTART", 0)
	exchange(t, s, 4000*us, 0, 0x00, 0xa1)
	mode(4000*us, 0x21)
	expect(4000*us, "restarted", gpio.DutyMax)

	exchange(t, s, 5000*us, 0, 0x00, 0x31)
	exchange(t, s, 6000*us, 0, 0x00, 0x21)
	exchange(t, s, 7000*us, 0, 0x0e, 0, 0, 0, 8)
	mode(7000*us, 0x21)
	expect(7000*us, "its own registers written", gpio.DutyHalf)

	exchange(t, s, 8000*us, 0, 0xfd, 0x10) // an orderly shutdown
	exchange(t, s, 8000*us, 0, 0x00, 0x31)
	mode(8000*us, 0x31)

	exchange(t, s, 9000*us, 0, 0x00, 0x71) // a clock that is not there, for good
	exchange(t, s, 9000*us, 0, 0x00, 0x21)
	mode(9000*us, 0x61)
	exchange(t, s, 9000*us, 0, 0x0e, 0, 0x10, 0, 0)
	expect(time.Second, "without a clock", 0)
}

// A device on an output sees levels as levels, and PWM with the frequency that the prescaler and the oscillator make, behind a
// driver that inverts the opposite. At power-up all outputs are low.
func TestPCA9685Lines(t *testing.T) {
	for _, inverted := range []bool{false, true} {
		s := sensePCA9685(nil, Settings{"oscillator": int64(26 * physic.MegaHertz), "inverted": inverted}).(*PCA9685)
		expect := func(name string, high gpio.Duty, frequency physic.Frequency) {
			t.Helper()
			line, err := s.Line(name)
			if err != nil {
				t.Fatal(err)
			}
			if inverted {
				high = gpio.DutyMax - high
			}
			if got := line.Signal(); got != (sim.Signal{High: high, Frequency: frequency}) {
				t.Errorf("%s, inverted %v: %+v, want %d at %s", name, inverted, got, high, frequency)
			}
		}
		expect("0", 0, 0)
		exchange(t, s, 0, 0, 0xfe, 121)
		exchange(t, s, 0, 0, 0x00, 0x20)
		exchange(t, s, time.Millisecond, 0, 0x06, 0, 0, 0, 8, 0, 0x10, 0, 0, 0, 0, 0, 0x10) // a half, on, off
		const made = 26 * physic.MegaHertz / 4096 / 122
		expect("0", gpio.DutyHalf, made)
		expect("1", gpio.DutyMax, 0)
		expect("2", 0, 0)
		expect("15", 0, 0)
		s.Reset()
		expect("0", 0, 0)
		if _, err := s.Line("16"); err == nil {
			t.Error("a line that is not there")
		}
	}
}
