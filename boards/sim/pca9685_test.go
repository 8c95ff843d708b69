package sim

import (
	"testing"
)

// The chip, transfer by transfer: what it then puts out on channel 2, in 4,096ths, and shows in MODE1.
func TestPCA9685(t *testing.T) {
	const quarter = "\x0e\x00\x00\x00\x04" // on at 0, off at 1024
	const awake = "\x00\x21"
	type step struct {
		send  string
		high  int
		mode1 byte
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"asleep after power-up", []step{{"\x00", 0, 0x11}}},
		{"asleep, it puts nothing out", []step{{"\x00\x31", 0, 0x31}, {quarter, 0, 0x31}, {awake, 1024, 0x21}}},
		{"awake", []step{{awake, 0, 0x21}, {quarter, 1024, 0x21}}},
		{"from a later moment on", []step{{awake, 0, 0x21}, {"\x0e\x00\x0c\x00\x04", 2048, 0x21}}},
		{"full on", []step{{awake, 0, 0x21}, {"\x0e\x00\x10\x00\x00", 4096, 0x21}}},
		{"full off wins", []step{{awake, 0, 0x21}, {"\x0e\x00\x10\x00\x10", 0, 0x21}}},
		{"all at once", []step{{awake, 0, 0x21}, {"\xfa\x00\x00\x00\x08", 2048, 0x21}, {"\xfd\x10", 0, 0x21}}},
		{"inverted", []step{{awake, 0, 0x21}, {"\x01\x14", 4096, 0x21}, {quarter, 3072, 0x21}}},
		{"without auto-increment the same register is written again", []step{{"\x00\x01", 0, 0x01}, {quarter, 0, 0x01}}},
		{"nor with one that the same transfer switches on", []step{{"\x00\x31\x04", 0, 0x04}}},
		{"sleep with an output on, and restart", []step{
			{awake, 0, 0x21}, {quarter, 1024, 0x21}, {"\x00\x31", 0, 0xb1}, {awake, 0, 0xa1}, {"\x00\xa1", 1024, 0x21},
		}},
		{"restart is for those awake", []step{{awake, 0, 0x21}, {quarter, 1024, 0x21}, {"\x00\x31", 0, 0xb1}, {"\x00\xa1", 0, 0xa1}}},
		{"writing an output restarts too", []step{{awake, 0, 0x21}, {quarter, 1024, 0x21}, {"\x00\x31", 0, 0xb1}, {awake, 0, 0xa1}, {"\x06\x00", 1024, 0x21}}},
		{"sleep with all outputs off", []step{{awake, 0, 0x21}, {quarter, 1024, 0x21}, {"\xfd\x10", 0, 0x21}, {"\x00\x31", 0, 0x31}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := NewPCA9685()
			for i, step := range c.steps {
				exchange(t, p, 0, 0, []byte(step.send)...)
				high, _ := p.Output(2)
				if mode := exchange(t, p, 0, 1, 0x00)[0]; high != step.high || mode != step.mode1 {
					t.Errorf("step %d: %d of 4096, MODE1 %#02x; want %d, %#02x", i, high, mode, step.high, step.mode1)
				}
			}
			p.Reset()
			if high, _ := p.Output(2); high != 0 || exchange(t, p, 0, 1, 0x00)[0] != 0x11 {
				t.Error("a reset is no power-up")
			}
		})
	}
}

func TestPCA9685Prescaler(t *testing.T) {
	p := NewPCA9685()
	for _, c := range []struct {
		send byte
		want int64 // µHz
	}{{0x1e, 196_887_601}, {121, 50_028_817}, {255, 23_841_858}, {0, 1_525_878_906}} {
		exchange(t, p, 0, 0, 0x00, 0x31)
		exchange(t, p, 0, 0, 0xfe, c.send)
		exchange(t, p, 0, 0, 0x00, 0x21)
		exchange(t, p, 0, 0, 0xfe, 50) // blocked while awake
		if _, got := p.Output(0); got != c.want {
			t.Errorf("prescaler %d: %d µHz, want %d", c.send, got, c.want)
		}
	}
}
