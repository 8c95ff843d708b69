package linux

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// pwm is a channel of the kernel's PWM, in nanoseconds. Its files stay open: a write is on the way of a reflex.
//
// Source: Linux, Documentation/driver-api/pwm.rst, "Using PWMs with the sysfs interface".
type pwm struct {
	name           string // of the pin
	period, duty   file
	enable         file
	periodIs       int64 // what was last written; unknown is -1
	dutyIs         int64
	enabled        bool
	buffer         [24]byte
	frequency      physic.Frequency // whose period was last computed
	frequencysTime int64
}

// file is one of the kernel's.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Name() string
}

const (
	// exportWait bounds how long a channel may take to appear, and udev to give its files to the group.
	exportWait = time.Second
	exportLook = 5 * time.Millisecond
	// longestPeriod is the longest period, some 4.29 s: drivers count nanoseconds in 32 bits.
	longestPeriod = 1<<32 - 1
)

// openPWM opens the channel of a pin, if it has one, exporting it where that was not done.
func (p *Pin) openPWM() error {
	if p.pwm != nil {
		return nil
	}
	b := p.board
	if p.line != nil {
		return fmt.Errorf("%s: PWM: the pin was used as input or output before, which takes it from the PWM until the machine restarts: use it for one or the other", p.name)
	}
	if p.pwmChip == "" {
		if p.channel == nil {
			var can []string
			for name := range b.header.PWM {
				can = append(can, name)
			}
			slices.Sort(can)
			if len(can) == 0 {
				can = []string{"a PWM channel such as pwmchip0/1"}
			}
			return fmt.Errorf("%s: it cannot do PWM: expected %s, or an output of a PCA9685", p.name, strings.Join(can, ", "))
		}
		chip, err := b.findPWM(*p.channel)
		if err != nil {
			return fmt.Errorf("%s: PWM: %w; %s", p.name, err, b.header.Overlay(p.name))
		}
		p.pwmChip, p.pwmNumber = chip, p.channel.Number
	}
	key := fmt.Sprintf("%s/%d", p.pwmChip, p.pwmNumber)
	if other := b.channel(key, p.name); other != p.name {
		return fmt.Errorf("%s: PWM: pin %s has the same channel, %s: they would always do the same; take another pin or an output of a PCA9685", p.name, other, key)
	}
	opened, err := b.exportPWM(p.name, p.pwmChip, p.pwmNumber)
	if err != nil {
		return err
	}
	p.pwm = opened
	return nil
}

// channel notes who uses a channel, and returns who does.
func (b *Board) channel(key, name string) string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.channels[key] == "" {
		b.channels[key] = name
	}
	return b.channels[key]
}

// pwmChips lists the PWM chips, for messages.
func (b *Board) pwmChips() string {
	found, _ := filepath.Glob(b.path("sys/class/pwm", "pwmchip*")) // the pattern is ours
	var names []string
	for _, path := range found {
		names = append(names, filepath.Base(path))
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// findPWM finds the chip whose device has the name's end: the chips' numbers differ between models and kernels.
func (b *Board) findPWM(c Channel) (string, error) {
	found, _ := filepath.Glob(b.path("sys/class/pwm", "pwmchip*"))
	for _, path := range found {
		if device, err := filepath.EvalSymlinks(filepath.Join(path, "device")); err == nil && strings.HasSuffix(filepath.Base(device), c.Device) {
			return filepath.Base(path), nil
		}
	}
	return "", fmt.Errorf("expected a PWM chip on device *%s under /sys/class/pwm, there is %s", c.Device, b.pwmChips())
}

// exportPWM makes the channel's files appear and opens them. A channel that runs already is taken over as it is.
func (b *Board) exportPWM(name, chip string, number int) (*pwm, error) {
	at := b.path("sys/class/pwm", chip)
	if text, err := os.ReadFile(filepath.Join(at, "npwm")); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && number >= n {
			return nil, fmt.Errorf("%s: PWM: %s has the channels 0 to %d, expected one of these, got %d", name, chip, n-1, number)
		}
	}
	channel := filepath.Join(at, fmt.Sprintf("pwm%d", number))
	if _, err := os.Stat(channel); errors.Is(err, fs.ErrNotExist) {
		err := os.WriteFile(filepath.Join(at, "export"), []byte(strconv.Itoa(number)), 0)
		if err != nil {
			return nil, fmt.Errorf("%s: PWM: export channel %d of %s: %w; %s", name, number, chip, err, pwmAdvice(err))
		}
	}
	p := &pwm{name: name, periodIs: -1, dutyIs: -1}
	for deadline := time.Now().Add(exportWait); ; time.Sleep(exportLook) {
		err := p.open(channel)
		if err == nil && b.exclusive {
			err = lockByte(p.duty.(*os.File), 0)
		}
		if err == nil {
			return p, nil
		}
		p.close()
		if errors.Is(err, errClaimed) {
			return nil, fmt.Errorf("%s: PWM: channel %d of %s: %w", name, number, chip, err)
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s: PWM: %w; %s", name, err, pwmAdvice(err))
		}
	}
}

// pwmAdvice is what to do about an error of the kernel's files.
func pwmAdvice(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return pwmRemedy
	case errors.Is(err, syscall.EBUSY):
		return pwmTaken
	}
	return pwmOdd
}

func (p *pwm) open(channel string) (err error) {
	for _, f := range []struct {
		into *file
		name string
	}{{&p.period, "period"}, {&p.duty, "duty_cycle"}, {&p.enable, "enable"}} {
		opened, err := os.OpenFile(filepath.Join(channel, f.name), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		*f.into = opened
	}
	return p.takeOver()
}

// takeOver reads what the channel does.
func (p *pwm) takeOver() (err error) {
	var enabled int64
	for _, f := range []struct {
		from file
		into *int64
	}{{p.period, &p.periodIs}, {p.duty, &p.dutyIs}, {p.enable, &enabled}} {
		text := make([]byte, 32)
		n, err := f.from.ReadAt(text, 0)
		if err != nil && err != io.EOF {
			return err
		}
		first, _, _ := bytes.Cut(text[:n], []byte("\n"))
		if *f.into, err = strconv.ParseInt(string(first), 10, 64); err != nil {
			return fmt.Errorf("%s: %w", f.from.Name(), err)
		}
	}
	p.enabled = enabled == 1
	return nil
}

// set makes PWM. At no moment is the duty longer than the period, which the kernel refuses.
func (p *pwm) set(duty gpio.Duty, frequency physic.Frequency) error {
	if frequency != p.frequency {
		// 1e15 ns and uHz to the second: 1e15 / uHz is the period in ns.
		p.frequency, p.frequencysTime = frequency, (int64(physic.Hertz)*1e9+int64(frequency)/2)/int64(frequency)
	}
	period := p.frequencysTime
	if period < 1 || period > longestPeriod {
		return fmt.Errorf("%s: PWM at %s: expected a period of 1 ns to 4.29 s", p.name, frequency)
	}
	// At most 4.3e9 ns times 2^24 here: 64 bits hold it.
	return p.run(period, (int64(duty)*period+int64(gpio.DutyMax)/2)/int64(gpio.DutyMax))
}

// off and full are the two levels.
func (p *pwm) off() error  { return p.hold(0) }
func (p *pwm) full() error { return p.hold(1) }

// hold makes the level that is this many periods long.
func (p *pwm) hold(periods int64) error {
	if err := p.known(); err != nil {
		return err
	}
	period := max(p.periodIs, 1_000_000)
	return p.run(period, periods*period)
}

// known looks again at what the channel does after a write that failed: which order of period and duty the kernel takes depends on it, and
// in the wrong one it refuses the way to rest for ever.
func (p *pwm) known() error {
	if p.periodIs >= 0 && p.dutyIs >= 0 {
		return nil
	}
	if err := p.takeOver(); err != nil {
		p.periodIs, p.dutyIs = -1, -1
		return fmt.Errorf("%s: PWM: %w", p.name, err)
	}
	return nil
}

func (p *pwm) run(period, duty int64) error {
	if err := p.known(); err != nil {
		return err
	}
	if period != p.periodIs && period < p.dutyIs { // the old duty would not fit
		if err := p.write(p.duty, &p.dutyIs, duty); err != nil {
			return err
		}
	}
	if err := p.write(p.period, &p.periodIs, period); err != nil {
		return err
	}
	if err := p.write(p.duty, &p.dutyIs, duty); err != nil {
		return err
	}
	if p.enabled {
		return nil
	}
	one := int64(-1)
	if err := p.write(p.enable, &one, 1); err != nil {
		return err
	}
	p.enabled = true
	return nil
}

// write writes a number that is not there already.
func (p *pwm) write(f file, is *int64, want int64) error {
	if *is == want {
		return nil
	}
	*is = -1
	if _, err := f.WriteAt(append(strconv.AppendInt(p.buffer[:0], want, 10), '\n'), 0); err != nil {
		return fmt.Errorf("%s: PWM: %w; %s", p.name, err, pwmAdvice(err))
	}
	*is = want
	return nil
}

// close closes the files; the channel goes on as it is.
func (p *pwm) close() error {
	var errs []error
	for _, f := range []file{p.period, p.duty, p.enable} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
