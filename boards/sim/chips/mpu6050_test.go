package chips

import (
	"encoding/binary"
	"testing"
	"time"

	"fluxd/boards/sim"
)

// exchange sends bytes to a device and reads some.
func exchange(t *testing.T, d sim.Device, at time.Duration, read int, send ...byte) []byte {
	t.Helper()
	r := make([]byte, read)
	if err := d.Tx(at, send, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// expectRegister expects the value of a register of two bytes.
func expectRegister(t *testing.T, d sim.Device, at time.Duration, order binary.ByteOrder, register byte, want int16) {
	t.Helper()
	if got := int16(order.Uint16(exchange(t, d, at, 2, register))); got != want {
		t.Errorf("at %v: register %#02x: got %d, want %d", at, register, got, want)
	}
}

// standing is a world in which x grows by a count per millisecond, and the other axes are at rest.
func standing() MPU6050World {
	world := MPU6050World{Temperature: func(time.Duration) int64 { return 36_530_000 }}
	world.Acceleration[0] = func(at time.Duration) int64 { return at.Milliseconds() * 9_806_650 / 16384 }
	world.Acceleration[1] = func(time.Duration) int64 { return -9_806_650 }
	world.Rotation[2] = func(time.Duration) int64 { return 1_000_000_000 }
	return world
}

func TestMPU6050Sleep(t *testing.T) {
	s := NewMPU6050(0x68, standing())
	if got := exchange(t, s, 0, 1, 0x6b); got[0] != 0x40 {
		t.Errorf("after power-up: got %#02x", got[0])
	}
	expectRegister(t, s, time.Second, binary.BigEndian, 0x3d, 0)
	exchange(t, s, time.Second, 0, 0x6b, 0x00)
	expectRegister(t, s, 1030*time.Millisecond, binary.BigEndian, 0x3d, 0) // the gyroscope starts
	expectRegister(t, s, 1031*time.Millisecond, binary.BigEndian, 0x3d, -16384)
	exchange(t, s, 1040*time.Millisecond, 0, 0x6b, 0x40)
	expectRegister(t, s, 2*time.Second, binary.BigEndian, 0x3b, 1040)
	exchange(t, s, 2*time.Second, 0, 0x6b, 0x80)
	expectRegister(t, s, 2*time.Second, binary.BigEndian, 0x3b, 0)
	if got := exchange(t, s, 2*time.Second, 1, 0x6b); got[0] != 0x40 {
		t.Errorf("after a reset: got %#02x", got[0])
	}
	if got := exchange(t, s, 2*time.Second, 0); len(got) != 0 {
		t.Errorf("an empty transaction: got %v", got)
	}
}

// An MPU-9250 measures from power-up on, and its thermometer is zero at 21 °C.
func TestMPU9250IsAwake(t *testing.T) {
	world := standing()
	world.Temperature = func(time.Duration) int64 { return 22_000_000 }
	s := NewMPU6050(0x71, world)
	expectRegister(t, s, 100*time.Millisecond, binary.BigEndian, 0x41, 334)
	if got := exchange(t, s, 0, 1, 0x75); got[0] != 0x71 {
		t.Errorf("identity: got %#02x", got[0])
	}
}

func TestMPU6050RatesAndFilters(t *testing.T) {
	for _, c := range []struct {
		divider, filter byte
		before, at      time.Duration // the first sample appears between them
		x               int16         // the milliseconds that it shows
	}{
		{0, 0, 30 * time.Millisecond, 31 * time.Millisecond, 31},
		{3, 7, 30 * time.Millisecond, 31 * time.Millisecond, 30}, // 8 kHz: after half a millisecond
		{0, 1, 30 * time.Millisecond, 31 * time.Millisecond, 29},
		{9, 3, 39 * time.Millisecond, 41 * time.Millisecond, 35},
		{255, 6, 285 * time.Millisecond, 290 * time.Millisecond, 267},
	} {
		s := NewMPU6050(0x68, standing())
		exchange(t, s, 0, 0, 0x6b, 0x00)
		exchange(t, s, 0, 0, 0x19, c.divider, c.filter)
		exchange(t, s, 0, 0, 0x38, 0x01)
		if got := exchange(t, s, c.before, 1, 0x3a); got[0] != 0 {
			t.Errorf("divider %d, filter %d: a sample before %v", c.divider, c.filter, c.before)
		}
		if got := exchange(t, s, c.at, 1, 0x3a); got[0] != 1 {
			t.Errorf("divider %d, filter %d: no sample by %v", c.divider, c.filter, c.at)
		}
		if got := exchange(t, s, c.at, 1, 0x3a); got[0] != 0 {
			t.Error("the interrupt outlives its reading")
		}
		if got := int16(binary.BigEndian.Uint16(exchange(t, s, c.at, 2, 0x3b))); got < c.x-1 || got > c.x+1 {
			t.Errorf("divider %d, filter %d: x shows %d, want about %d", c.divider, c.filter, got, c.x)
		}
	}
}

func TestMPU6050RangesAndStandby(t *testing.T) {
	s := NewMPU6050(0x68, standing())
	exchange(t, s, 0, 0, 0x6b, 0x00)
	expectRegister(t, s, 100*time.Millisecond, binary.BigEndian, 0x47, 32767) // 1000 °/s in a range of 250
	exchange(t, s, 100*time.Millisecond, 0, 0x1b, 0x18, 0x18)
	expectRegister(t, s, 200*time.Millisecond, binary.BigEndian, 0x47, 16400)
	expectRegister(t, s, 200*time.Millisecond, binary.BigEndian, 0x3d, -2048)
	exchange(t, s, 200*time.Millisecond, 0, 0x6c, 0x01) // z of the gyroscope in standby
	exchange(t, s, 200*time.Millisecond, 0, 0x1b, 0x00)
	expectRegister(t, s, 300*time.Millisecond, binary.BigEndian, 0x47, 16400)
	exchange(t, s, 300*time.Millisecond, 0, 0x3d, 0x12, 0x34) // read only
	expectRegister(t, s, 300*time.Millisecond, binary.BigEndian, 0x3d, -2048)
}
