package sensors_test

import (
	"testing"

	"fluxd/sensors"

	"periph.io/x/conn/v3/physic"
)

// barometer is a chip of registers with Bosch's worked example: BMP280 data sheet BST-BMP280-DS001, section 3.12: 519,888 and 415,148
// counts are 25.08 °C and 100,653 Pa.
type barometer struct {
	registers [256]byte
	dead      bool
	garbage   bool
	starts    int
}

func newBarometer(identity byte) *barometer {
	b := &barometer{}
	b.registers[0xd0] = identity
	for i, v := range []int{27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000} {
		b.registers[0x88+2*i], b.registers[0x89+2*i] = byte(v), byte(v>>8) // little endian
	}
	copy(b.registers[0xf7:], []byte{415148 >> 12, 415148 >> 4 & 0xff, 415148 << 4 & 0xff, 519888 >> 12, 519888 >> 4 & 0xff, 519888 << 4 & 0xff, 0x80, 0})
	// A humidity calibration of its own, with which half of all counts is some 60 %.
	b.registers[0xa1] = 75
	copy(b.registers[0xe1:], []byte{0x72, 0x01, 0, 0x13, 0x29, 0x03, 0x1e})
	return b
}

func (*barometer) String() string                  { return "I2C1" }
func (*barometer) SetSpeed(physic.Frequency) error { return nil }
func (b *barometer) Tx(_ uint16, w, r []byte) error {
	if b.dead {
		return errRemoteIO
	}
	if len(r) == 0 {
		for i := 0; i+1 < len(w); i += 2 {
			if w[i] == 0xf4 && w[i+1]&3 == 3 {
				b.starts++
			}
		}
		return nil
	}
	for i := range r {
		r[i] = b.registers[int(w[0])+i]
		if b.garbage && w[0] >= 0xf7 {
			r[i] = 0
		}
	}
	return nil
}

func TestBME280(t *testing.T) {
	for identity, wet := range map[byte]bool{0x58: false, 0x60: true} {
		bus := newBarometer(identity)
		chip, err := sensors.NewBME280(bus, 0x76)
		degrees, pascals, percent := measure(t, chip, err, "temperature"), measure(t, chip, err, "pressure"), measure(t, chip, err, "humidity")
		expectNotYet(t, degrees, 0)
		expectNear(t, degrees, 200*ms, 25_080_000, 10_000)
		expectNear(t, pascals, 210*ms, 100_653_000_000, 500_000)
		if wet {
			expectNear(t, percent, 220*ms, 60_000_000, 30_000_000)
		} else {
			expectFault(t, percent, 220*ms, "humidity: expected a BME280")
		}
		if bus.starts == 0 || degrees.Unit() != "°C" || pascals.Unit() != "Pa" || percent.Unit() != "%" {
			t.Errorf("%d starts; units %s, %s, %s", bus.starts, degrees.Unit(), pascals.Unit(), percent.Unit())
		}

		bus.dead = true
		expectFault(t, degrees, 300*ms, "bme280 at 0x76 on I2C1: read: ", "remote I/O error")
		expectFault(t, degrees, 310*ms, "start")
		bus.dead, bus.garbage = false, true
		expectNotYet(t, degrees, 320*ms)
		expectFault(t, degrees, 600*ms, "temperature: expected -40 to 85")
		bus.garbage = false
		expectNotYet(t, degrees, 700*ms)
		expectNear(t, degrees, 900*ms, 25_080_000, 10_000)
		if err := degrees.Halt(); err != nil {
			t.Error(err)
		}
		if err := degrees.Halt(); err != nil {
			t.Error(err)
		}
	}
}

func TestBME280RefusesWhatItIsNot(t *testing.T) {
	if _, err := sensors.NewBME280(newBarometer(0x60), 0x75); err == nil {
		t.Error("address 0x75: expected an error")
	}
	chip, err := sensors.NewBME280(newBarometer(0x12), 0x77)
	expectFault(t, measure(t, chip, err, "pressure"), 0, "start")
	_, err = chip.Measure("altitude")
	expectError(t, err, "humidity, pressure, temperature")
}
