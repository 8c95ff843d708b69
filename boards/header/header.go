// Package header describes the header with forty pins that every Raspberry Pi since the B+ has: the position of each pin, its
// name, and what it does before any program uses it.
//
// Robot files and boards use the names of this package. A pin is named by its GPIO number or by its position on the header:
//
//	name := header.CanonicalPin("P1_11")             // "GPIO17"
//	pin, ok := header.Find(name)
//	if !ok {
//		return fmt.Errorf("%s is not on the header", name)
//	}
//	if pin.Default.Pull == "up" { ... }              // from power-on until a program sets it up
//	channel, can := header.PWM[name]                 // GPIO12, 13, 18 and 19 can do PWM
//	data, clock := header.BusPins["I2C1"][0], header.BusPins["I2C1"][1]
package header

import (
	"fmt"
	"strconv"
	"strings"
)

// Pin is one of the forty.
type Pin struct {
	Position int     // 1 to 40
	Name     string  // "GPIO17", or "3V3", "5V", "GND"
	Special  string  // what else it is, such as "SDA1" or "PWM0"; "" for nothing
	Default  Default // what it does before a program uses it; the zero value for a supply or ground
}

// Default is what a pin of the header does before a program uses it.
type Default struct {
	// Pull is "up" or "down": the resistor of about 50 kohm in the chip, from power-on until a program sets the pin up.
	Pull string
	// Fixed means that a resistor of 1.8 kohm on the board pulls the pin up to 3.3 V, always and whatever is set.
	Fixed bool
	// Busy says what drives the pin while the machine starts; "" for nothing.
	Busy string
}

// defaultOf returns the default of a GPIO, 0 to 27, on every model with forty pins.
//
// Sources: Broadcom, BCM2835 ARM Peripherals, table 6-31, "Pull"; Raspberry Pi documentation, "GPIO and the 40-pin header" (the
// fixed resistors) and "config.txt", enable_uart; Raspberry Pi, Add-on board design guide, "GPIO Configuration Sequencing" (GPIO0
// and 1).
func defaultOf(gpio int) Default {
	d := Default{Pull: "down"}
	if gpio <= 8 {
		d.Pull = "up"
	}
	switch gpio {
	case 0, 1:
		d.Busy = "the firmware looks for the EEPROM of a HAT on it"
	case 2, 3:
		d.Fixed = true
	case 14, 15:
		d.Busy = "the serial console, where it is switched on, has it"
	}
	return d
}

// GPIOs is the number of pins of the header that are inputs and outputs: GPIO0 to GPIO27.
const GPIOs = 28

// Pins lists the pins by position. Source: Raspberry Pi documentation, "GPIO and the 40-pin header".
var Pins = func() []Pin {
	names := strings.Fields(`
		3V3 5V 2/SDA1 5V 3/SCL1 GND 4 14/TXD GND 15/RXD 17 18/PWM0 27 GND 22 23 3V3 24 10/MOSI GND 9/MISO 25 11/SCLK 8/CE0
		GND 7/CE1 0/SDA0 1/SCL0 5 GND 6 12/PWM0 13/PWM1 GND 19/PWM1 16 26 20 GND 21`)
	pins := make([]Pin, len(names))
	for i, name := range names {
		name, special, _ := strings.Cut(name, "/")
		pins[i] = Pin{Position: i + 1, Name: name, Special: special}
		if gpio, err := strconv.Atoi(name); err == nil {
			pins[i].Name, pins[i].Default = "GPIO"+name, defaultOf(gpio)
		}
	}
	return pins
}()

// Find returns the pin with a canonical name, "GPIO0" to "GPIO27"; false for any other name. Several pins share the name of a
// supply or ground.
func Find(name string) (Pin, bool) {
	for _, p := range Pins {
		if p.Name == name && strings.HasPrefix(name, "GPIO") {
			return p, true
		}
	}
	return Pin{}, false
}

// CanonicalPin turns the names that boards accept for the same pin, such as 17, GPIO17 and P1_11, into one: GPIO17. It returns
// other names unchanged.
func CanonicalPin(name string) string {
	if position, ok := strings.CutPrefix(name, "P1_"); ok {
		if n, err := strconv.Atoi(position); err == nil && n >= 1 && n <= len(Pins) {
			return Pins[n-1].Name
		}
	}
	return canonical("GPIO", name)
}

// CanonicalBus does the same for buses: 1, I2C1 and /dev/i2c-1 become I2C1.
func CanonicalBus(name string) string {
	return canonical("I2C", strings.TrimPrefix(name, "/dev/i2c-"))
}

// canonical puts a prefix before a plain number, and drops its leading zeros.
func canonical(prefix, name string) string {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return fmt.Sprintf("%s%d", prefix, n)
	}
	return name
}

// Channel is the PWM channel of a pin. Pins with the same channel have the same frequency and duty cycle.
type Channel struct {
	Before5 int // on a Raspberry Pi before the 5, which has two channels
	On5     int // on a Raspberry Pi 5, which has four
	// Function is the number of the pin's function in config.txt, on all models: 4 is ALT0, 2 is ALT5.
	Function int
}

// PWM lists the pins with PWM of the kernel. Source: Raspberry Pi, BCM2835 ARM Peripherals, sections 6.2 and 9 (GPIO12 and
// 13: ALT0; 18 and 19: ALT5); RP1 Peripherals, tables 4 and 5; Linux of the Raspberry Pi, overlays/README, pwm (the functions).
var PWM = map[string]Channel{"GPIO12": {0, 0, 4}, "GPIO13": {1, 1, 4}, "GPIO18": {0, 2, 2}, "GPIO19": {1, 3, 2}}

// BusPins lists the pins of the buses on the header, data and clock.
var BusPins = map[string][2]string{"I2C0": {"GPIO0", "GPIO1"}, "I2C1": {"GPIO2", "GPIO3"}}
