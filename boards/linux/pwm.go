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

// pwm is a channel of the kernel's PWM; all its times are in nanoseconds. Its files stay open, so that a write costs a reflex
// little time.
//
// Source: Linux, Documentation/driver-api/pwm.rst, "Using PWMs with the sysfs interface".
type pwm struct {
	name         string // of the pin
	period, duty file
	enable       file
	periodIs     int64 // last written; -1 if unknown
	dutyIs       int64 // likewise
	enabled      bool
	buffer       [24]byte

	lastFrequency physic.Frequency // of the last call of set
	lastPeriod    int64            // its period
}

// file is a file of the kernel.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Name() string
}

const (
	// exportWait is the longest time that a channel may take to appear, and udev to give its files to the group.
	exportWait = time.Second
	exportPoll = 5 * time.Millisecond
	// longestPeriod is the longest period, about 4.29 s: drivers count nanoseconds in 32 bits.
	longestPeriod = 1<<32 - 1
)

// openPWM opens the channel of a pin, and exports it first if necessary.
func (p *Pin) openPWM() error {
	if p.pwm != nil {
		return nil
	}
	b := p.board
	if p.line != nil {
		return fmt.Errorf("%s: PWM: the pin was used as input or output before, which takes it from the PWM "+
			"until the machine restarts: use it for one or the other", p.name)
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
	if other := b.claimChannel(key, p.name); other != p.name {
		return fmt.Errorf("%s: PWM: pin %s has the same channel, %s: they would always do the same; "+
			"use another pin or an output of a PCA9685",
			p.name, other, key)
	}
	opened, err := b.exportPWM(p.name, p.pwmChip, p.pwmNumber)
	if err != nil {
		return err
	}
	p.pwm = opened
	return nil
}

// claimChannel gives a channel to a pin, unless another pin has it. It returns the pin that has it.
func (b *Board) claimChannel(key, name string) string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.channels[key] == "" {
		b.channels[key] = name
	}
	return b.channels[key]
}

// pwmChips lists the PWM chips, for messages.
func (b *Board) pwmChips() string {
	found, _ := filepath.Glob(b.path("sys/class/pwm", "pwmchip*")) // fails only for a wrong pattern
	var names []string
	for _, path := range found {
		names = append(names, filepath.Base(path))
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// findPWM finds a chip by the end of the name of its device. The numbers of chips differ between models and kernels.
func (b *Board) findPWM(c Channel) (string, error) {
	found, _ := filepath.Glob(b.path("sys/class/pwm", "pwmchip*"))
	for _, path := range found {
		device, err := filepath.EvalSymlinks(filepath.Join(path, "device"))
		if err == nil && strings.HasSuffix(filepath.Base(device), c.Device) {
			return filepath.Base(path), nil
		}
	}
	return "", fmt.Errorf("expected a PWM chip on device *%s under /sys/class/pwm, there is %s", c.Device, b.pwmChips())
}

// exportPWM makes the files of a channel appear and opens them. A channel that is already running goes on as it is.
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
	for deadline := time.Now().Add(exportWait); ; time.Sleep(exportPoll) {
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

// pwmAdvice says what to do about an error of the kernel's files.
func pwmAdvice(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return pwmRemedy
	case errors.Is(err, syscall.EBUSY):
		return pwmTaken
	}
	return pwmUnknown
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
	return p.readState()
}

// readState reads period, duty cycle and enable from the kernel.
func (p *pwm) readState() (err error) {
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

// set sets duty cycle and frequency.
func (p *pwm) set(duty gpio.Duty, frequency physic.Frequency) error {
	if frequency != p.lastFrequency {
		// A frequency is in uHz: 1e15 / uHz is the period in ns.
		p.lastFrequency, p.lastPeriod = frequency, (int64(physic.Hertz)*1e9+int64(frequency)/2)/int64(frequency)
	}
	period := p.lastPeriod
	if period < 1 || period > longestPeriod {
		return fmt.Errorf("%s: PWM at %s: expected a period of 1 ns to 4.29 s", p.name, frequency)
	}
	// At most 4.3e9 ns times 2^24 here: 64 bits hold it.
	return p.apply(period, (int64(duty)*period+int64(gpio.DutyMax)/2)/int64(gpio.DutyMax))
}

// off and full set the two levels.
func (p *pwm) off() error  { return p.setLevel(0) }
func (p *pwm) full() error { return p.setLevel(1) }

// setLevel sets a pulse of no period or of one whole period: low or high.
func (p *pwm) setLevel(periods int64) error {
	if err := p.updateState(); err != nil {
		return err
	}
	period := max(p.periodIs, 1_000_000)
	return p.apply(period, periods*period)
}

// updateState reads the state of the channel again after a write that failed. The right order of writing period and duty cycle
// depends on it: in the wrong order the kernel would refuse every attempt to stop the PWM.
func (p *pwm) updateState() error {
	if p.periodIs >= 0 && p.dutyIs >= 0 {
		return nil
	}
	if err := p.readState(); err != nil {
		p.periodIs, p.dutyIs = -1, -1
		return fmt.Errorf("%s: PWM: %w", p.name, err)
	}
	return nil
}

// apply writes period and duty cycle, and enables the channel. The duty cycle is never longer than the period, which the kernel
// refuses.
func (p *pwm) apply(period, duty int64) error {
	if err := p.updateState(); err != nil {
		return err
	}
	if period != p.periodIs && period < p.dutyIs { // the old duty cycle would be longer than the new period
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

// write writes a number, unless the file has it already.
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

// close closes the files. The channel goes on as it is.
func (p *pwm) close() error {
	var errs []error
	for _, f := range []file{p.period, p.duty, p.enable} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
