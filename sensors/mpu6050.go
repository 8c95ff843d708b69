package sensors

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// The registers of the MPU-6050, MPU-6500 and MPU-9250 that the driver uses.
const (
	mpu6050SampleRateDivider = 0x19 // followed by CONFIG, GYRO_CONFIG and ACCEL_CONFIG
	mpu6500AccelConfig2      = 0x1d // the accelerometer's own filter; the MPU-6050 has one filter for both
	mpu6050InterruptPin      = 0x37 // followed by INT_ENABLE
	mpu6050InterruptStatus   = 0x3a // followed by acceleration, temperature and rotation: 14 bytes
	mpu6050UserControl       = 0x6a
	mpu6050Power1            = 0x6b // followed by PWR_MGMT_2
	mpu6050WhoAmI            = 0x75
)

const (
	mpu6050ClockOfGyro = 0x01 // PWR_MGMT_1: awake, clocked by the gyroscope's oscillator, as the data sheet recommends
	mpu6050Sleep       = 0x40 // PWR_MGMT_1
	mpu6050Reset       = 0x80 // PWR_MGMT_1: all registers as after power-up, the trim of the factory included
	mpu6050KeepStatus  = 0x20 // INT_PIN_CFG: the interrupt stays until the status is read
	mpu6050DataReady   = 0x01 // INT_ENABLE, INT_STATUS

	// mpu6050Boot is how long the registers need after a reset, at most.
	mpu6050Boot = 100 * time.Millisecond

	// mpu6050Startup is how long samples are not valid after the chip was woken: the gyroscope starts (30 to 80 ms), and
	// the slowest filter has a delay of 19 ms.
	mpu6050Startup = 100 * time.Millisecond

	// mpu6050Patience is how long, on top of two sample periods, the last sample is repeated while the chip has no new one.
	mpu6050Patience = 50 * time.Millisecond

	// standardGravity is 9.80665 m/s², exactly, in µm/s².
	standardGravity = 9_806_650
)

// mpu6050Addresses are the addresses for pin AD0 low and high.
var mpu6050Addresses = []uint16{0x68, 0x69}

// mpu6050Degrees is the range of the thermometer, in all models.
var mpu6050Degrees = Range{-40_000_000, 85_000_000}

// The values of the range fields, and of the filter field from 1 on.
var (
	mpu6050AccelRanges = []int{2, 4, 8, 16}
	mpu6050GyroRanges  = []int{250, 500, 1000, 2000}
	mpu6050GyroCounts  = []int64{1310, 655, 328, 164} // counts per 10 °/s, by range: the sensitivity in the data sheet
	mpu6050Bandwidths  = []physic.Frequency{188 * physic.Hertz, 98 * physic.Hertz, 42 * physic.Hertz,
		20 * physic.Hertz, 10 * physic.Hertz, 5 * physic.Hertz}
)

// mpu6050Model is what differs between the chips of the family.
type mpu6050Model struct {
	name     string
	like6500 bool  // has a second filter, for the accelerometer
	zero     int64 // temperature at a count of 0, in millionths of a degree Celsius
	counts   int64 // counts of the thermometer per 100 °C
}

// mpu6050Models are the known chips by their identity. The copies have identities that no chip of InvenSense has. They
// are sold as MPU-6050, MPU-6500 or MPU-9250 and have the registers of the MPU-6500; the driver assumes that they have
// its thermometer too.
//
// Sources: register maps and product specifications of InvenSense: MPU-6050, MPU-6500, MPU-9250, ICM-20602, ICM-20608-G
// and ICM-20689; Linux, drivers/iio/imu/inv_mpu6050/inv_mpu_iio.h and inv_mpu_core.c for the identities of the others,
// and for the thermometer of the MPU-6880; reports of owners for the copies (github.com/kriswiner/MPU9250, issue 486;
// github.com/Levi--G/IMU-WhoAmIVerifier, issue 1).
var mpu6050Models = map[byte]mpu6050Model{
	0x68: {"MPU-6050", false, 36_530_000, 34_000}, // MPU-6000 and MPU-9150 too
	0x70: {"MPU-6500", true, 21_000_000, 33_387},
	0x71: {"MPU-9250", true, 21_000_000, 33_387},
	0x73: {"MPU-9255", true, 21_000_000, 33_387},
	0x74: {"MPU-6515", true, 21_000_000, 33_387},
	0x78: {"MPU-6880", true, 21_000_000, 33_387},
	0x72: {"copy", true, 21_000_000, 33_387},
	0x75: {"copy", true, 21_000_000, 33_387},
	0x12: {"ICM-20602", true, 25_000_000, 32_680},
	0x19: {"MPU-6886", true, 25_000_000, 32_680},
	0x98: {"ICM-20689", true, 25_000_000, 32_680},
	0xaf: {"ICM-20608", true, 25_000_000, 32_680},
}

// MPU6050Opts are the options of an MPU6050. NewMPU6050 uses the default of an option that is not set.
type MPU6050Opts struct {
	OnBus
	// AccelRange is the largest acceleration, in multiples of standard gravity.
	AccelRange int `yaml:"accel_range" default:"4" doc:"largest acceleration in g: 2, 4, 8 or 16"`
	GyroRange  int `yaml:"gyro_range" default:"500" doc:"fastest rotation in degrees per second: 250, 500, 1000 or 2000"`
	// WhoAmI is the identity that is accepted. When it is not set, all chips that the driver knows are accepted. A chip
	// that the driver does not know is accepted when its identity is named here, and is treated as an MPU-6050. Its
	// temperature may be wrong.
	WhoAmI uint16 `yaml:"who_am_i" doc:"identity of an unknown copy, such as 0x42, to treat as an MPU-6050"`
	// Bandwidth is the bandwidth of the low-pass filter: 188, 98, 42, 20, 10 or 5 Hz, with a delay of 2, 3, 5, 9, 14 or 19
	// ms. These are the numbers of the MPU-6050's gyroscope. Accelerometers and other chips of the family differ from them
	// by up to a sixth.
	Bandwidth physic.Frequency `yaml:"-" default:"42 Hz"`
	// SampleRate is the measurements per second: 1 kHz divided by a whole number up to 256. Measures that are read within
	// one sample period come from the same sample.
	SampleRate physic.Frequency `yaml:"-" default:"200 Hz"`
}

// DefaultMPU6050Opts are used when the options are nil. They suit a robot on wheels or legs.
var DefaultMPU6050Opts = options.Defaults[MPU6050Opts]()

var mpu6050Kind = Kind{Name: "mpu6050", About: "acceleration and rotation (MPU-6500, MPU-9250, ICM-20689 and copies too)",
	Also: []string{"mpu6000", "mpu6500", "mpu9250", "icm20689"},
	New:  func() Options { return new(MPU6050Opts) }, Addresses: mpu6050Addresses, Calibrates: true, Freezes: true}

// mpu6050Measures are acceleration, rotation and temperature. mpu6050Order is their order in a sample.
var (
	mpu6050Measures = slices.Concat(measuresIn("m/s²", "accel_x", "accel_y", "accel_z"),
		measuresIn("°/s", "gyro_x", "gyro_y", "gyro_z"), measuresIn("°C", "temperature"))
	mpu6050Order = []int{0, 1, 2, 4, 5, 6, 3}
)

// Measures implements Options.
func (o *MPU6050Opts) Measures() []Measure { return mpu6050Measures }

// Open implements Options.
func (o *MPU6050Opts) Open(from Parts) (Device, error) {
	bus, err := from.Bus(o.Bus)
	if err != nil {
		return nil, err
	}
	return asDevice(NewMPU6050(bus, o.Address, o))
}

// Check rejects ranges that the chip does not have.
func (o *MPU6050Opts) Check() []options.Mistake {
	mistakes := append(options.OneOf("accel_range", o.AccelRange, mpu6050AccelRanges...),
		options.OneOf("gyro_range", o.GyroRange, mpu6050GyroRanges...)...)
	if o.WhoAmI > 0xff {
		mistakes = append(mistakes, options.Wrong("who_am_i", "0x%02x: expected an identity of one byte, such as 0x72", o.WhoAmI))
	}
	return mistakes
}

// MPU6050 is an accelerometer and gyroscope on I2C: the MPU-6050 and the chips with the same registers, from the
// MPU-6500 and MPU-9250 to the ICM-20689 and the copies that are sold as any of them. (The magnetometer of an MPU-9250
// is a separate chip.) Their thermometers differ; the driver knows them by the identity. It measures:
//
//	accel_x, accel_y, accel_z   acceleration, gravity included, in m/s²: an axis that points up reads +9.8 at rest
//	gyro_x, gyro_y, gyro_z      rotation, counter-clockwise seen from the axis's tip, in °/s
//	temperature                 of the chip, in °C
//
// One transfer reads all of them, so they belong to the same moment. All measures that are read within a sample period
// share it. An MPU6050 may be used from several goroutines.
//
// A reading at either end of a range means that much or more. When the chip has no new sample, the last one is repeated
// for at most two sample periods and 50 ms. After that, either the chip hangs, or it lost its supply for a moment and
// is now asleep (MPU-6050) or measures in other ranges (MPU-9250); a power-up also clears the interrupt that announces
// samples. The driver starts it again. A start begins with a reset, because readings depend on offsets, tests and
// filters that another program may have set. Sample fails with ErrNotYet for 200 ms and a sample period.
//
// Sources: InvenSense, MPU-6000 and MPU-6050 register map, rev. 4.2, and product specification, rev. 3.4; MPU-6500
// register map, rev. 2.1; MPU-9250 register map, rev. 1.6. The driver in periph's device library is for the MPU-9250 on
// SPI, and sleeps.
type MPU6050 struct {
	chip
	whoAmI     byte
	accelRange int64   // end of the range, in multiples of gravity
	gyroCounts int64   // counts per 10 °/s
	settings   [4]byte // SMPLRT_DIV, CONFIG, GYRO_CONFIG, ACCEL_CONFIG
	period     time.Duration

	mutex    sync.Mutex
	model    mpu6050Model  // by the identity of the chip
	awake    bool          // it was reset, and has its settings
	lastRead time.Duration // when the chip was last read
	lastNew  time.Duration // when it last had a new sample, or should have its first
	measured bool          // there is a sample since the last start
	sample   [7]int64      // acceleration, temperature, rotation, in counts
}

// NewMPU6050 checks the options and leaves the chip alone: the first Sample starts it. The address is 0x68 (pin AD0
// low) or 0x69 (AD0 high). With nil options it uses DefaultMPU6050Opts.
func NewMPU6050(bus i2c.Bus, address uint16, opts *MPU6050Opts) (*MPU6050, error) {
	o := options.OrDefaults(opts, DefaultMPU6050Opts)
	m := &MPU6050{whoAmI: byte(o.WhoAmI),
		chip: newChip("mpu6050", bus, address,
			"its supply, the wires to SDA and SCL, and that pin AD0 is low for 0x68 or high for 0x69")}
	if err := m.checkAddress(mpu6050Addresses, "0x68 (pin AD0 low) or 0x69 (AD0 high)"); err != nil {
		return nil, err
	}
	if err := options.Validate(m.String(), &o); err != nil {
		return nil, err
	}
	accel, gyro := slices.Index(mpu6050AccelRanges, o.AccelRange), slices.Index(mpu6050GyroRanges, o.GyroRange)
	filter := slices.Index(mpu6050Bandwidths, o.Bandwidth) + 1
	if filter == 0 {
		return nil, fmt.Errorf("%s: bandwidth: expected 188, 98, 42, 20, 10 or 5 Hz, got %s", m, o.Bandwidth)
	}
	rate := o.SampleRate
	if rate <= 0 || physic.KiloHertz%rate != 0 || physic.KiloHertz/rate > 256 {
		return nil, fmt.Errorf("%s: sample rate: expected 1 kHz divided by a whole number up to 256, got %s", m, rate)
	}
	divider := physic.KiloHertz / rate
	m.settings = [4]byte{byte(divider - 1), byte(filter), byte(gyro) << 3, byte(accel) << 3}
	m.period = time.Duration(divider) * time.Millisecond
	m.accelRange, m.gyroCounts = int64(mpu6050AccelRanges[accel]), mpu6050GyroCounts[gyro]
	return m, nil
}

// Measure returns one of the measures: accel_x, accel_y, accel_z, gyro_x, gyro_y, gyro_z or temperature. Halting one of
// them puts the chip to sleep for all; the next Sample of any measure starts it again.
func (m *MPU6050) Measure(name string) (Sensor, error) {
	i, err := findMeasure(m, mpu6050Measures, name)
	if err != nil {
		return nil, err
	}
	index, unit := mpu6050Order[i], mpu6050Measures[i].Unit
	convert, limits := m.temperature, mpu6050Degrees
	switch unit {
	case "m/s²":
		convert, limits = m.acceleration, Range{m.acceleration(-1 << 15), m.acceleration(1<<15 - 1)}
	case "°/s":
		convert, limits = m.rotation, Range{m.rotation(-1 << 15), m.rotation(1<<15 - 1)}
	}
	return &chipMeasure{chip: m, name: name, unit: unit, limits: limits, sample: func(at time.Duration) (int64, error) {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		if err := m.refresh(at); err != nil {
			return 0, err
		}
		return convert(m.sample[index]), nil
	}}, nil
}

// Halt puts the chip to sleep.
func (m *MPU6050) Halt() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.needsStart = true
	return m.write("sleep", mpu6050Power1, mpu6050Sleep)
}

func (m *MPU6050) acceleration(count int64) int64 {
	return nearest(count*m.accelRange*standardGravity, 1<<15)
}

func (m *MPU6050) rotation(count int64) int64 {
	return nearest(count*10_000_000, m.gyroCounts)
}

func (m *MPU6050) temperature(count int64) int64 {
	return nearest(count*100_000_000, m.model.counts) + m.model.zero
}

// refresh reads a new sample from the chip when the last one is older than a sample period. It takes the next step of a
// start when one is due.
func (m *MPU6050) refresh(at time.Duration) error {
	if m.needsStart {
		if err := m.reset(); err != nil {
			return err
		}
		m.needsStart, m.awake, m.measured, m.readyAt = false, false, false, at+mpu6050Boot
	} else if !m.awake && at >= m.readyAt {
		if err := m.start(); err != nil {
			return err
		}
		m.awake, m.readyAt = true, at+mpu6050Startup+m.period
		m.lastNew = m.readyAt
	}
	if err := m.checkReady(at); err != nil {
		return err
	}
	if m.measured && at-m.lastRead < m.period {
		return nil
	}
	var raw [15]byte
	if err := m.read("read", mpu6050InterruptStatus, raw[:]); err != nil {
		return err
	}
	m.lastRead = at
	switch {
	case raw[0] == 0xff: // the chip does not have all these bits: no chip drives the wire
		return m.failed("read", errors.New("interrupt status: expected bits that the chip has, got 0xff"))
	case raw[0]&mpu6050DataReady != 0:
		m.lastNew = at
		return m.accept(raw[1:])
	case at-m.lastNew >= 2*m.period+mpu6050Patience:
		return m.failed("read", fmt.Errorf("no new sample since %v, now %v: the chip hangs, or lost its supply for a moment",
			m.lastNew, at))
	case !m.measured:
		return fmt.Errorf("%s: %w", m, ErrNotYet)
	}
	return nil
}

// accept stores a sample, unless its temperature is out of range.
func (m *MPU6050) accept(raw []byte) error {
	var sample [7]int64
	for i := range sample {
		sample[i] = int64(int16(uint16(raw[2*i])<<8 | uint16(raw[2*i+1])))
	}
	if err := mpu6050Degrees.check("temperature", "°C", m.temperature(sample[3])); err != nil {
		return m.failed("read", err)
	}
	m.sample, m.measured = sample, true
	return nil
}

// reset identifies the chip and resets it, because another program may have written anything to it. The offsets cannot
// simply be overwritten: they contain the trim of the factory.
func (m *MPU6050) reset() error {
	identity, err := m.readByte("identify", mpu6050WhoAmI)
	if err != nil {
		return err
	}
	model, known := mpu6050Models[identity]
	switch {
	case m.whoAmI != 0 && identity != m.whoAmI:
		return m.failed("identify", fmt.Errorf("expected %#02x, got %#02x", m.whoAmI, identity))
	case !known && m.whoAmI == 0:
		var identities []string
		for _, one := range slices.Sorted(maps.Keys(mpu6050Models)) {
			identities = append(identities, fmt.Sprintf("%#02x (%s)", one, mpu6050Models[one].name))
		}
		return m.failed("identify", fmt.Errorf("expected one of %s, got %#02x; "+
			"if it is another copy, who_am_i: %#02x treats it as an MPU-6050",
			strings.Join(identities, ", "), identity, identity))
	case !known:
		model = mpu6050Models[0x68]
	}
	m.model = model
	return m.write("reset", mpu6050Power1, mpu6050Reset)
}

// start wakes the chip and writes all settings that readings depend on.
func (m *MPU6050) start() error {
	if err := m.write("wake", mpu6050Power1, mpu6050ClockOfGyro, 0); err != nil { // 0: no axis in standby
		return err
	}
	if err := m.write("switch off FIFO and auxiliary bus", mpu6050UserControl, 0); err != nil {
		return err
	}
	if err := m.write("set rate and ranges", mpu6050SampleRateDivider, m.settings[:]...); err != nil {
		return err
	}
	if m.model.like6500 {
		if err := m.write("set the filter of the accelerometer", mpu6500AccelConfig2, m.settings[1]); err != nil {
			return err
		}
	}
	return m.write("announce samples", mpu6050InterruptPin, mpu6050KeepStatus, mpu6050DataReady)
}
