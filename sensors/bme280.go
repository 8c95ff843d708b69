package sensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
)

// The registers that the driver uses.
const (
	bme280Calibration         = 0x88 // for temperature and pressure, 24 bytes; then an unused byte, and H1 for humidity
	bmp180Calibration         = 0xaa // 22 bytes
	bme280Identity            = 0xd0
	bme280HumidityCalibration = 0xe1 // 7 bytes
	bme280Humidity            = 0xf2 // oversampling of humidity, followed by status, control and configuration
	bme280Control             = 0xf4
	bme280Configuration       = 0xf5
	bmp180Data                = 0xf6
	bme280Data                = 0xf7 // pressure and temperature, 20 bits each, and humidity, 16 bits
)

// The values of the identity register.
const (
	isBMP180 = 0x55
	isBMP280 = 0x58
	isBME280 = 0x60
)

const (
	bme280FourTimes = 0x03 // humidity: oversampled four times
	bme280Measuring = 0x6f // temperature and pressure, oversampled four times, continuously; 0 after power-up
	bme280Asleep    = 0x6c
	bme280Filter    = 0x04 // a result is half the new measurement and half the last result
	bme280Standby   = 0xe0 // BME280: 20 ms between two measurements
	bmp280Standby   = 0x20 // BMP280: 62.5 ms

	// bme280Startup is how long after a start the filter still has its starting value in it.
	bme280Startup = 200 * time.Millisecond
	// bme280Period is how long all measures share a measurement. The chip makes one in about that time.
	bme280Period = 50 * time.Millisecond

	// A BMP180 measures one thing at a time, when it is asked, in at most 4.5 ms. The bit that begins a conversion stays
	// set until its end.
	bmp180Temperature = 0x2e
	bmp180Pressure    = 0x34
	bmp180Converting  = 0x20
	bmp180Conversion  = 4500 * time.Microsecond
	bmp180Patience    = 200 * time.Millisecond
)

// bme280Addresses are the addresses for pin SDO low and high. A BMP180 always has the second.
var bme280Addresses = []uint16{0x76, 0x77}

// BME280 is a thermometer and barometer on I2C: a BME280, which also measures humidity, a BMP280 or a BMP180. The
// driver distinguishes them by their identity. It measures:
//
//	temperature   in °C, -40 to 85
//	pressure      in Pa, 30,000 to 110,000
//	humidity      in %, 0 to 100; BME280 only
//
// All measures share a measurement for 50 ms. A BME280 may be used from several goroutines.
//
// A BME280 or BMP280 measures continuously. A BMP180 converts temperature and pressure alternately, one per Sample, so
// its reading may be two Samples old.
//
// The settings are read back with each measurement. A chip that lost its supply for a moment sleeps, with counts in its
// registers that look like a warm day high up. It is started again.
//
// Sources: Bosch, BME280 data sheet BST-BME280-DS002, table 1 for the ranges, sections 4.2.3 and 5.4; BMP280 data sheet
// BST-BMP280-DS001, section 3.11; BMP180 data sheet BST-BMP180-DS000, section 3.5. The driver in periph's device
// library (v3.7.4) is not used: it divides by zero on some counts of a BMP180, assumes that H4 and H5 of the
// calibration are positive, and sleeps in each reading of a BMP180.
type BME280 struct {
	chip

	mutex       sync.Mutex
	identity    byte          // as read at the start
	calibration []byte        // as read at the start
	measuredAt  time.Duration // time of the last measurement
	valid       bool          // there is a measurement since the start
	values      [3]int64      // by measure

	// The rest is for a BMP180.
	converting        byte          // what it converts: bmp180Temperature or bmp180Pressure
	since             time.Duration // when the conversion began
	temperatureCounts int64         // the computation of the pressure needs them
}

// BME280Opts are the options of a BME280.
type BME280Opts struct {
	OnBus
}

var bme280Kind = Kind{Name: "bme280", About: "air (BMP280 and BMP180 too)",
	Also: []string{"bmp280", "bmp180"},
	New:  func() Options { return new(BME280Opts) }, Addresses: bme280Addresses,
	MinInterval: bme280Period, Calibrates: true, Freezes: true}

// Measures implements Options.
func (o *BME280Opts) Measures() []Measure { return bme280Measures }

// Open implements Options.
func (o *BME280Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return asDevice(NewBME280(bus, o.Address))
}

// NewBME280 leaves the chip alone: the first Sample starts it. The address is 0x76 or 0x77 (pin SDO).
func NewBME280(bus i2c.Bus, address uint16) (*BME280, error) {
	b := &BME280{chip: newChip("bme280", bus, address,
		"its supply, the wires to SDA and SCL, and that pin SDO is low for 0x76 or high for 0x77")}
	if err := b.checkAddress(bme280Addresses, "0x76 (pin SDO low) or 0x77 (SDO high; BMP180 always)"); err != nil {
		return nil, err
	}
	return b, nil
}

const (
	bme280Degrees = iota
	bme280Pascals
	bme280Percent
)

// The measures and their ranges, in the order of the constants.
var (
	bme280Measures = []Measure{{Name: "temperature", Unit: "°C"}, {Name: "pressure", Unit: "Pa"}, {Name: "humidity", Unit: "%"}}
	bme280Ranges   = []Range{{-40_000_000, 85_000_000}, {30_000_000_000, 110_000_000_000}, {0, 100_000_000}}
)

// Measure returns one of the measures: temperature, pressure or humidity.
func (b *BME280) Measure(name string) (Sensor, error) {
	i, err := findMeasure(b, bme280Measures, name)
	if err != nil {
		return nil, err
	}
	return &chipMeasure{chip: b, name: name, unit: bme280Measures[i].Unit, limits: bme280Ranges[i],
		sample: func(at time.Duration) (int64, error) {
			return b.sample(at, i)
		}}, nil
}

// sample returns one of the measures, from a measurement that is not older than a period.
func (b *BME280) sample(at time.Duration, measure int) (int64, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.needsStart {
		if err := b.start(at); err != nil {
			return 0, err
		}
		b.needsStart, b.valid = false, false
	}
	refresh := b.refresh
	if b.identity == isBMP180 {
		refresh = b.refresh180
	}
	if err := refresh(at); err != nil {
		return 0, err
	}
	if measure == bme280Percent && b.identity != isBME280 {
		return 0, fmt.Errorf("%s: humidity: expected a BME280, got a %s, which does not measure it",
			b, map[byte]string{isBMP180: "BMP180", isBMP280: "BMP280"}[b.identity])
	}
	return b.values[measure], nil
}

// Halt puts the chip to sleep. A BMP180 sleeps between measurements.
func (b *BME280) Halt() error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	was := b.needsStart
	b.needsStart = true
	if was || b.identity == isBMP180 {
		return nil
	}
	return b.write("halt", bme280Control, bme280Asleep)
}

// start identifies the chip, reads its calibration and writes all settings that readings depend on.
func (b *BME280) start(at time.Duration) error {
	var err error
	if b.identity, err = b.readByte("start", bme280Identity); err != nil {
		return err
	}
	switch b.identity {
	case isBMP180:
		b.calibration = make([]byte, 22)
		if err := b.read("start", bmp180Calibration, b.calibration); err != nil {
			return err
		}
		for i := 0; i < len(b.calibration); i += 2 { // data sheet, section 3.4: a check of the communication
			if word := binary.BigEndian.Uint16(b.calibration[i:]); word == 0 || word == 0xffff {
				return b.failed("start", fmt.Errorf("calibration: expected neither 0 nor 0xffff, got %#x", b.calibration))
			}
		}
		return b.convert180("start", at, bmp180Temperature)
	case isBMP280, isBME280:
	default:
		return b.failed("start", fmt.Errorf("identity: expected 0x55 (BMP180), 0x58 (BMP280) or 0x60 (BME280), got %#02x", b.identity))
	}
	b.calibration = make([]byte, 26+7)
	if err := b.read("start", bme280Calibration, b.calibration[:26]); err != nil {
		return err
	}
	if t1, p1 := binary.LittleEndian.Uint16(b.calibration), binary.LittleEndian.Uint16(b.calibration[6:]); t1 == 0 || p1 == 0 {
		return b.failed("start", fmt.Errorf("calibration: expected numbers above 0, got %#x", b.calibration[:26]))
	}
	// The chip may ignore writes to its configuration while it measures, so it sleeps first. One transfer takes pairs of a
	// register and its value.
	pairs := []byte{bme280Control, bme280Asleep, bme280Configuration, b.configuration(), bme280Control, bme280Measuring}
	if b.identity == isBME280 {
		if err := b.read("start", bme280HumidityCalibration, b.calibration[26:]); err != nil {
			return err
		}
		pairs = append([]byte{bme280Control, bme280Asleep, bme280Humidity, bme280FourTimes}, pairs[2:]...)
	}
	b.readyAt = at + bme280Startup
	return b.write("start", pairs[0], pairs[1:]...)
}

func (b *BME280) configuration() byte {
	if b.identity == isBME280 {
		return bme280Standby | bme280Filter
	}
	return bmp280Standby | bme280Filter
}

// refresh reads a new measurement when the last one is older than a period.
func (b *BME280) refresh(at time.Duration) error {
	if err := b.checkReady(at); err != nil {
		return err
	}
	if b.valid && at-b.measuredAt < bme280Period {
		return nil
	}
	raw := make([]byte, 6, 8)
	if b.identity == isBME280 {
		raw = raw[:8]
	}
	if err := b.read("read", bme280Data, raw); err != nil { // one transfer, so that all values are from one measurement
		return err
	}
	var settings [4]byte // humidity, status, control, configuration
	if err := b.read("read its settings", bme280Humidity, settings[:]); err != nil {
		return err
	}
	want := [3]byte{0, bme280Measuring, b.configuration()}
	got := [3]byte{0, settings[2], settings[3]}
	if b.identity == isBME280 {
		want[0], got[0] = bme280FourTimes, settings[0]
	}
	if got != want {
		return b.failed("read its settings", fmt.Errorf("expected %#x, got %#x: it lost its supply for a moment", want, got))
	}
	values, err := b.compensate(raw)
	if err != nil {
		return b.failed("read", err)
	}
	return b.accept(at, values)
}

// accept stores a measurement, unless it is out of range.
func (b *BME280) accept(at time.Duration, values [3]int64) error {
	for i, m := range bme280Measures {
		if err := bme280Ranges[i].check(m.Name, m.Unit, values[i]); err != nil {
			return b.failed("read", err)
		}
	}
	b.values, b.valid, b.measuredAt = values, true, at
	return nil
}

// compensate converts counts as section 4.2.3 of the BME280's data sheet does. All intermediate values fit in 64 bits.
func (b *BME280) compensate(raw []byte) (values [3]int64, err error) {
	unsigned := func(i int) int64 { return int64(binary.LittleEndian.Uint16(b.calibration[i:])) }
	signed := func(i int) int64 { return int64(int16(binary.LittleEndian.Uint16(b.calibration[i:]))) }
	pressure := int64(raw[0])<<12 | int64(raw[1])<<4 | int64(raw[2])>>4
	temperature := int64(raw[3])<<12 | int64(raw[4])<<4 | int64(raw[5])>>4

	t1 := unsigned(0)
	away := temperature>>4 - t1
	fine := ((temperature>>3-t1<<1)*signed(2))>>11 + (away*away>>12*signed(4))>>14
	values[bme280Degrees] = (fine*5 + 128) >> 8 * 10_000 // hundredths

	x := fine - 128_000
	y := x*x*signed(16) + x*signed(14)<<17 + signed(12)<<35
	x = x*x*signed(10)>>8 + x*signed(8)<<12
	x = (1<<47 + x) * unsigned(6) >> 33
	if x == 0 {
		return values, errors.New("pressure: cannot be computed from these counts")
	}
	p := ((1_048_576-pressure)<<31 - y) * 3125 / x
	p = (p+signed(22)*(p>>13)*(p>>13)>>25+signed(20)*p>>19)>>8 + signed(18)<<4
	values[bme280Pascals] = nearest(p*15_625, 4) // 256ths
	if b.identity == isBME280 {
		values[bme280Percent] = b.humidity(int64(raw[6])<<8|int64(raw[7]), fine)
	}
	return values, nil
}

// humidity converts its counts, with the temperature in units of compensate. H4 and H5 are signed numbers of 12 bits
// that share a byte.
func (b *BME280) humidity(counts, fine int64) int64 {
	trim := b.calibration[26:]
	h1, h2, h3 := int64(b.calibration[25]), int64(int16(binary.LittleEndian.Uint16(trim))), int64(trim[2])
	h4 := int64(int8(trim[3]))<<4 | int64(trim[4]&0x0f)
	h5 := int64(int8(trim[5]))<<4 | int64(trim[4]>>4)
	h6 := int64(int8(trim[6]))

	x := fine - 76_800
	y := (x*h6>>10*(x*h3>>11+32_768)>>10+2_097_152)*h2 + 8192
	x = (counts<<14 - h4<<20 - h5*x + 16_384) >> 15 * (y >> 14)
	x -= (x >> 15) * (x >> 15) >> 7 * h1 >> 4
	x = max(0, min(x, 419_430_400))
	return nearest(x>>12*15_625, 16) // 1024ths
}

// refresh180 stores the finished conversion of a BMP180 and starts the next.
func (b *BME280) refresh180(at time.Duration) error {
	if at-b.since >= bmp180Conversion {
		var raw [5]byte // control, a hole, 24 bits
		if err := b.read("read", bme280Control, raw[:]); err != nil {
			return err
		}
		switch {
		case raw[0] == b.converting:
			if at-b.since >= bmp180Patience {
				return b.failed("read", fmt.Errorf("expected the conversion that began at %v to have ended, now %v: the chip hangs",
					b.since, at))
			}
		case raw[0] != b.converting&^bmp180Converting:
			return b.failed("read", fmt.Errorf("control: expected %#02x, got %#02x: it lost its supply for a moment",
				b.converting&^bmp180Converting, raw[0]))
		default:
			if err := b.accept180(at, int64(raw[2])<<8|int64(raw[3])); err != nil {
				return err
			}
		}
	}
	if !b.valid {
		return fmt.Errorf("%s: %w", b, ErrNotYet)
	}
	return nil
}

// accept180 stores a conversion of a BMP180, and starts the other one.
func (b *BME280) accept180(at time.Duration, counts int64) error {
	next := byte(bmp180Pressure)
	if b.converting == bmp180Temperature {
		b.temperatureCounts = counts
	} else {
		values, err := b.compensate180(counts)
		if err != nil {
			return b.failed("read", err)
		}
		if err := b.accept(at, values); err != nil {
			return err
		}
		next = bmp180Temperature
	}
	return b.convert180("read", at, next)
}

// convert180 begins a conversion of a BMP180.
func (b *BME280) convert180(doing string, at time.Duration, quantity byte) error {
	b.converting, b.since = quantity, at
	return b.write(doing, bme280Control, quantity)
}

// compensate180 converts counts of a BMP180 as section 3.5 of its data sheet does.
func (b *BME280) compensate180(pressure int64) (values [3]int64, err error) {
	signed := func(i int) int64 { return int64(int16(binary.BigEndian.Uint16(b.calibration[2*i:]))) }
	unsigned := func(i int) int64 { return int64(binary.BigEndian.Uint16(b.calibration[2*i:])) }
	ac1, ac2, ac3, ac4, ac5, ac6 := signed(0), signed(1), signed(2), unsigned(3), unsigned(4), unsigned(5)
	b1, b2, mc, md := signed(6), signed(7), signed(9), signed(10)

	x1 := (b.temperatureCounts - ac6) * ac5 >> 15
	if x1+md == 0 {
		return values, errors.New("temperature: cannot be computed from these counts")
	}
	b5 := x1 + mc<<11/(x1+md)
	values[bme280Degrees] = (b5 + 8) >> 4 * 100_000 // tenths

	b6 := b5 - 4000
	b3 := (ac1*4 + b2*(b6*b6>>12)>>11 + ac2*b6>>11 + 2) / 4
	b4 := ac4 * ((ac3*b6>>13+b1*(b6*b6>>12)>>16+2)>>2 + 32_768) >> 15
	if b4 == 0 {
		return values, errors.New("pressure: cannot be computed from these counts")
	}
	p := (pressure - b3) * 50_000 * 2 / b4
	p += ((p>>8)*(p>>8)*3038>>16 + -7357*p>>16 + 3791) >> 4
	values[bme280Pascals] = p * 1_000_000
	return values, nil
}
