// Package raspberrypi is the board of a robot on a Raspberry Pi, from Zero to 5: the pins of its 40-pin header and its I2C buses,
// by name.
//
// It is package linux with a header: it finds GPIO17 on the chip with the header's pins, and PWM on the channels of the model.
//
//	board, err := raspberrypi.New(slog.Default(), clock, "/")
//	if err != nil {
//		return err
//	}
//	defer board.Halt()
//	bumper, err := board.Pin("GPIO17")
//	wheel, err := board.Pin("GPIO12")    // wheel.PWM works with the device-tree overlay pwm-2chan
//	bus, err := board.Bus("I2C1")
//
// The program runs as an ordinary user in the groups gpio and i2c. Periph's own GPIO drivers are not used: they do not report the
// time of an edge, and their PWM needs root. On a Raspberry Pi 5 they have no PWM, and as root they write to wrong addresses.
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
	"fluxd/boards/overlays"
)

// Model returns the model in the device tree, such as "Raspberry Pi 4 Model B Rev 1.5"; "" if the machine is no Raspberry Pi. The
// root is the folder with /proc.
func Model(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "proc/device-tree/model"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("raspberrypi: read the model: %w", err)
	}
	model := strings.Trim(string(text), "\x00\n ")
	if !strings.HasPrefix(model, "Raspberry Pi") {
		return "", nil
	}
	return model, nil
}

// New returns the board of this machine; it fails if the machine is no Raspberry Pi. The clock is the time since the robot
// started; the root is the folder with /dev, /sys and /proc.
func New(log *slog.Logger, clock func() time.Duration, root string) (*linux.Board, error) {
	model, err := Model(root)
	if err != nil {
		return nil, err
	}
	if model == "" {
		return nil, errors.New("raspberrypi: expected a Raspberry Pi, whose device tree says so in /proc/device-tree/model; " +
			"on another machine use board: {kind: linux}, on a desktop {kind: sim}")
	}
	log.Debug("board", "model", model)
	return linux.New(log, clock, &linux.Opts{Root: root, Header: names(model)}), nil
}

// names returns the line and the PWM channel of each pin of the header of a model. The number of a GPIO is its offset on the
// chip. Source: the labels of the chips in the Linux drivers pinctrl-bcm2835 and pinctrl-rp1.
func names(model string) *linux.Header {
	h := &linux.Header{
		Name:    "raspberrypi",
		Chips:   []string{"pinctrl-bcm2835", "pinctrl-bcm2711"},
		Lines:   map[string]int{},
		PWM:     map[string]linux.Channel{},
		Overlay: overlays.Advice,
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

// IsFive reports whether a model has the RP1: the 5, the 500 and the Compute Module 5.
func IsFive(model string) bool {
	for _, five := range []string{"Raspberry Pi 5", "Raspberry Pi 500", "Raspberry Pi Compute Module 5"} {
		if strings.HasPrefix(model, five) {
			return true
		}
	}
	return false
}
