package header_test

import (
	"fmt"
	"slices"
	"testing"

	"fluxd/boards/header"
)

// The default of each pin of the header: BCM2835 ARM Peripherals, table 6-31, and the board's resistors.
func TestHeaderKnowsWhatItsPinsDo(t *testing.T) {
	gpios := 0
	for _, p := range header.Pins {
		var n int
		if _, err := fmt.Sscanf(p.Name, "GPIO%d", &n); err != nil {
			if p.Default != (header.Default{}) {
				t.Errorf("%s has a default: %+v", p.Name, p.Default)
			}
			continue
		}
		gpios++
		pull := "down"
		if n <= 8 {
			pull = "up"
		}
		if p.Default.Pull != pull || p.Default.Fixed != (n == 2 || n == 3) ||
			(p.Default.Busy != "") != slices.Contains([]int{0, 1, 14, 15}, n) {
			t.Errorf("%s: %+v", p.Name, p.Default)
		}
	}
	if gpios != header.GPIOs {
		t.Errorf("%d pins", gpios)
	}
}

// A pin has a name by number and a name by position; both stand for the same pin.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"GPIO17": "GPIO17", "17": "GPIO17", "017": "GPIO17", "P1_11": "GPIO17", "0": "GPIO0", "P1_27": "GPIO0", "P1_3": "GPIO2",
		"P1_40": "GPIO21", "P1_1": "3V3", "P1_6": "GND", "P1_0": "P1_0", "P1_41": "P1_41", "P1_": "P1_", "servos/3": "servos/3",
		"gpiochip0:17": "gpiochip0:17", "": "", "-1": "-1",
	} {
		if got := header.CanonicalPin(name); got != want {
			t.Errorf("pin %q: got %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{"1": "I2C1", "I2C1": "I2C1", "/dev/i2c-1": "I2C1", "01": "I2C1", "13": "I2C13",
		"i2c": "i2c", "": ""} {
		if got := header.CanonicalBus(name); got != want {
			t.Errorf("bus %q: got %q, want %q", name, got, want)
		}
	}
}

// Every pin is found by its name, and has a position that no other pin has; so have the pins with PWM and those of the buses.
func TestFind(t *testing.T) {
	for n := range header.GPIOs {
		name := fmt.Sprintf("GPIO%d", n)
		pin, ok := header.Find(name)
		if !ok || pin.Name != name || header.CanonicalPin(fmt.Sprintf("P1_%d", pin.Position)) != name {
			t.Errorf("%s: %+v, %v", name, pin, ok)
		}
	}
	for _, name := range []string{"GPIO28", "17", "3V3", "GND", ""} {
		if pin, ok := header.Find(name); ok {
			t.Errorf("%q is at %d", name, pin.Position)
		}
	}
	if len(header.Pins) != 40 {
		t.Errorf("%d places", len(header.Pins))
	}
	special := func(name, want string) {
		if pin, ok := header.Find(name); !ok || pin.Special != want {
			t.Errorf("%s is %q, want %s", name, pin.Special, want)
		}
	}
	for name, channel := range header.PWM {
		special(name, fmt.Sprintf("PWM%d", channel.Before5))
	}
	for bus, pins := range header.BusPins {
		special(pins[0], "SDA"+bus[len("I2C"):])
		special(pins[1], "SCL"+bus[len("I2C"):])
	}
}

func ExampleCanonicalPin() {
	name := header.CanonicalPin("P1_12")
	pin, _ := header.Find(name)
	fmt.Println(name, pin.Position, pin.Special, pin.Default.Pull)
	// Output: GPIO18 12 PWM0 down
}
