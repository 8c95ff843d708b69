//go:build linux

package linux

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// If two robots commanded one motor, an emergency stop would stop only one of them. The second is refused until the first has
// ended.
func TestAClaimKeepsOtherRobotsAway(t *testing.T) {
	root := tree(t, 0, 1)
	if err := os.MkdirAll(filepath.Join(root, "dev"), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(root, "dev/i2c-1"), "")
	first, second, halting := newBoard(root, nil), newBoard(root, nil), newBoard(root, nil)
	first.Exclusive()
	second.Exclusive()
	drive := func(b *Board, pin string, duty gpio.Duty) error {
		p, err := b.Pin(pin)
		if err != nil {
			t.Fatal(err)
		}
		return p.PWM(duty, physic.KiloHertz)
	}
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "another fluxd commands it: end that one first") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := drive(first, "pwmchip0/0", gpio.DutyHalf); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what was said once holds
		if err := first.Claim("I2C1", 0x40); err != nil {
			t.Fatal(err)
		}
	}
	refused("the same channel", drive(second, "pwmchip0/0", gpio.DutyMax))
	refused("the same chip", second.Claim("/dev/i2c-1", 0x40))
	if got := shows(t, root, "pwm0/duty_cycle"); got != "500000" {
		t.Errorf("duty %s: the refused board has changed it", got)
	}
	if err := drive(second, "pwmchip0/1", gpio.DutyHalf); err != nil {
		t.Errorf("another channel: %v", err)
	}
	if err := second.Claim("I2C1", 0x41); err != nil {
		t.Errorf("another chip: %v", err)
	}
	if err := drive(halting, "pwmchip0/0", 0); err != nil || shows(t, root, "pwm0/duty_cycle") != "0" {
		t.Errorf("a board that halts a robot was refused: %v", err)
	}
	if err := halting.Claim("I2C1", 0x40); err != nil {
		t.Error(err)
	}
	if err := first.Halt(); err != nil {
		t.Fatal(err)
	}
	if err := drive(second, "pwmchip0/0", gpio.DutyMax); err != nil {
		t.Errorf("when the first has ended: %v", err)
	}
	if err := second.Claim("I2C1", 0x40); err != nil {
		t.Errorf("when the first has ended: %v", err)
	}
	if err := second.Claim("I2C7", 0x40); err == nil || !strings.Contains(err.Error(), "i2c-7") {
		t.Errorf("a missing bus: %v", err)
	}
}
