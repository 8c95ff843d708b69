package chips

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fluxd/boards/sim"
)

// The sensor, opcode by opcode. The light is 400 lx unless a case sets another.
func TestBH1750(t *testing.T) {
	type step struct {
		at   int // ms
		send []byte
		want int // the register after it, -1: not read
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"off it shows nothing", []step{{0, nil, 0}, {500, nil, 0}}},
		{"continuous high resolution: 480 counts after 180 ms", []step{{0, []byte{0x01}, -1}, {0, []byte{0x10}, -1}, {179, nil, 0},
			{180, nil, 480}, {500, nil, 480}}},
		{"high resolution 2: twice the counts", []step{{0, []byte{0x11}, -1}, {180, nil, 960}}},
		{"low resolution: after 24 ms", []step{{0, []byte{0x13}, -1}, {23, nil, 0}, {24, nil, 480}}},
		{"the same command again does not restart it", []step{{0, []byte{0x13}, -1}, {20, []byte{0x13}, -1}, {24, nil, 480}}},
		{"another one does", []step{{0, []byte{0x13}, -1}, {20, []byte{0x10}, -1}, {199, nil, 0}, {200, nil, 480}}},
		{"one shot: measures once, then is off", []step{{0, []byte{0x23}, -1}, {24, nil, 480}, {100, []byte{0x07}, -1},
			{200, nil, 480}}},
		{"reset clears the register while on", []step{{0, []byte{0x13}, -1}, {30, nil, 480}, {31, []byte{0x07}, 0}}},
		{"power down keeps the register and stops measuring", []step{{0, []byte{0x13}, -1}, {30, nil, 480}, {31, []byte{0x00}, 480},
			{32, []byte{0x07}, 480}}},
		{"measurement time register: 138 is twice as sensitive and slow", []step{{0, []byte{0x44}, -1}, {0, []byte{0x6a}, -1},
			{0, []byte{0x10}, -1}, {359, nil, 0}, {360, nil, 960}}},
		{"its upper bits alone: 133 for 69", []step{{0, []byte{0x44}, -1}, {0, []byte{0x10}, -1}, {346, nil, 0}, {347, nil, 925}}},
		{"its lower bits alone: 74 for 69", []step{{0, []byte{0x6a}, -1}, {0, []byte{0x10}, -1}, {193, nil, 0}, {194, nil, 514}}},
		{"31, by way of 5, which is out of range", []step{{0, []byte{0x40}, -1}, {0, []byte{0x7f}, -1}, {0, []byte{0x10}, -1},
			{80, nil, 0}, {81, nil, 215}}},
		{"a measurement time out of range is ignored", []step{{0, []byte{0x40}, -1}, {0, []byte{0x61}, -1}, {0, []byte{0x10}, -1},
			{180, nil, 480}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewBH1750(func(time.Duration) int64 { return 400_000_000 })
			for _, step := range c.steps {
				at := time.Duration(step.at) * time.Millisecond
				if step.send != nil {
					if err := s.Tx(at, step.send, nil); err != nil {
						t.Fatal(err)
					}
				}
				if step.want < 0 {
					continue
				}
				var r [2]byte
				if err := s.Tx(at, nil, r[:]); err != nil {
					t.Fatal(err)
				}
				if got := int(r[0])<<8 | int(r[1]); got != step.want {
					t.Errorf("at %d ms: %d, want %d", step.at, got, step.want)
				}
			}
		})
	}
}

func TestBH1750Limits(t *testing.T) {
	light := int64(0)
	s := NewBH1750(func(time.Duration) int64 { return light })
	read := func(at time.Duration) int {
		var r [2]byte
		if err := s.Tx(at, []byte{0x13}, r[:]); err != nil {
			t.Fatal(err)
		}
		return int(r[0])<<8 | int(r[1])
	}
	read(0)
	for i, c := range []struct {
		lux  int64
		want int
	}{{0, 0}, {1, 0}, {7, 5}, {100_000, 65535}, {3, 0}} {
		light = c.lux * 1_000_000
		if got := read(time.Duration(i+1) * 24 * time.Millisecond); got != c.want {
			t.Errorf("%d lx in the low resolution: %d, want %d", c.lux, got, c.want)
		}
	}
	if err := s.Tx(0, []byte{0xff}, nil); !errors.Is(err, sim.ErrNoAnswer) {
		t.Errorf("an opcode that it does not have: %v", err)
	}
	if err := s.Tx(0, []byte{0x01, 0x10}, nil); !errors.Is(err, sim.ErrNoAnswer) || !strings.Contains(err.Error(), "one opcode") {
		t.Errorf("two opcodes in one transaction: %v", err)
	}
}
