// Package raspberrypi is the board of a robot on a Raspberry Pi, from Zero to 5: the pins of its 40-pin header and its I2C buses, by name.
//
// It is package linux with a header: GPIO17 is found on the chip that carries the header, PWM on the pins and channels of the model.
//
//	board, err := raspberrypi.New(slog.Default(), clock, "/")
//	if err != nil {
//		return err
//	}
//	defer board.Halt()
//	bumper, err := board.Pin("GPIO17")
//	wheel, err := board.Pin("GPIO12")    // wheel.PWM works with the overlay pwm-2chan
//	bus, err := board.Bus("I2C1")
//
// The program runs as an ordinary user in the groups gpio and i2c. Periph's own GPIO drivers are not used: they do not tell when an edge
// was, their PWM needs root and does not exist on a Raspberry Pi 5, where as root they write to wrong addresses.
package raspberrypi

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fluxd/boards/header"
	"fluxd/boards/linux"
)

// Model returns what the device tree says of the machine, such as "Raspberry Pi 4 Model B Rev 1.5"; "" when it is no Raspberry Pi. The root
// is where /proc is found.
func Model(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "proc/device-tree/model"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("raspberrypi: which model this is: %w", err)
	}
	model := strings.Trim(string(text), "\x00\n ")
	if !strings.HasPrefix(model, "Raspberry Pi") {
		return "", nil
	}
	return model, nil
}

// New makes the board of this machine; it fails on one that is no Raspberry Pi. The clock is the time since the robot started; the root is
// where /dev, /sys and /proc are.
func New(log *slog.Logger, clock func() time.Duration, root string) (*linux.Board, error) {
	model, err := Model(root)
	if err != nil {
		return nil, err
	}
	if model == "" {
		return nil, errors.New("raspberrypi: expected a Raspberry Pi, whose device tree says so in /proc/device-tree/model; on another machine use board: {kind: linux}, on a desktop {kind: sim}")
	}
	log.Debug("board", "model", model)
	return linux.New(log, clock, &linux.Opts{Root: root, Header: names(model)}), nil
}

// names says which line of which chip each pin of the header is on a model, and which PWM channel. The offset of a GPIO on its chip is its
// number. Source: the labels of the chips in the Linux drivers pinctrl-bcm2835 and pinctrl-rp1.
func names(model string) *linux.Header {
	h := &linux.Header{
		Name:    "raspberrypi",
		Chips:   []string{"pinctrl-bcm2835", "pinctrl-bcm2711"},
		Lines:   map[string]int{},
		PWM:     map[string]linux.Channel{},
		Overlay: overlay,
	}
	for n := range header.GPIOs {
		h.Lines[fmt.Sprintf("GPIO%d", n)] = n
	}
	five := IsFive(model)
	device := "20c000.pwm" // 2020c000 (Zero), 3f20c000 (2, 3), fe20c000 (4)
	if five {
		h.Chips = []string{"pinctrl-rp1"}
		device = "98000.pwm" // 1f00098000: the RP1's first; its second drives the fan
	}
	for name, channel := range header.PWM {
		number := channel.Before5
		if five {
			number = channel.On5
		}
		h.PWM[name] = linux.Channel{Device: device, Number: number}
	}
	return h
}

// IsFive says whether a model has the RP1: the 5, the 500 and the Compute Module 5.
func IsFive(model string) bool {
	for _, five := range []string{"Raspberry Pi 5", "Raspberry Pi 500", "Raspberry Pi Compute Module 5"} {
		if strings.HasPrefix(model, five) {
			return true
		}
	}
	return false
}

// overlay says how the PWM of a pin is switched on.
func overlay(pin string) string {
	line := "dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4"
	if pin == "GPIO18" || pin == "GPIO19" {
		line = "dtoverlay=pwm-2chan,pin=18,func=2,pin2=19,func2=2"
	}
	return fmt.Sprintf("put the line %s into /boot/firmware/config.txt and restart; before the 5, also dtparam=audio=off", line)
}
