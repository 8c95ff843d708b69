package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// HeaderPin is one of the forty pins of the header that every Raspberry Pi since the B+ has.
type HeaderPin struct {
	Position int    // 1 to 40
	Name     string // "GPIO17", or "3V3", "5V", "GND"
	Special  string // what else it is, such as "SDA1" or "PWM0"; "" for nothing
	Own      Nature // what it does by itself; nothing for a supply or ground
}

// Nature is what a pin of the header does by itself, before anybody sets it up and beside that.
type Nature struct {
	// Pull is "up" or "down": the pin's own resistor of about 50 kohm, from power-on until a program sets the pin up.
	Pull string
	// Fixed says that a resistor of 1.8 kohm on the board pulls the pin up to 3.3 V, always and whatever is set.
	Fixed bool
	// Busy is what moves the pin while the machine starts; "" for nothing.
	Busy string
}

// natureOf is that of a GPIO by its number, 0 to 27, on every model with forty pins.
//
// Sources: Broadcom, BCM2835 ARM Peripherals, table 6-31, "Pull"; Raspberry Pi documentation, "GPIO and the 40-pin header" (the fixed
// resistors) and "config.txt", enable_uart; Raspberry Pi, Add-on board design guide, "GPIO Configuration Sequencing" (GPIO0 and 1).
func natureOf(gpio int) Nature {
	n := Nature{Pull: "down"}
	if gpio <= 8 {
		n.Pull = "up"
	}
	switch gpio {
	case 0, 1:
		n.Busy = "the firmware looks for the EEPROM of a HAT on it"
	case 2, 3:
		n.Fixed = true
	case 14, 15:
		n.Busy = "the serial console, where it is switched on, has it"
	}
	return n
}

// Header lists the pins by position. Source: Raspberry Pi documentation, "GPIO and the 40-pin header".
var Header = func() []HeaderPin {
	names := strings.Fields(`3V3 5V 2/SDA1 5V 3/SCL1 GND 4 14/TXD GND 15/RXD 17 18/PWM0 27 GND 22 23 3V3 24 10/MOSI GND 9/MISO 25 11/SCLK 8/CE0
		GND 7/CE1 0/SDA0 1/SCL0 5 GND 6 12/PWM0 13/PWM1 GND 19/PWM1 16 26 20 GND 21`)
	header := make([]HeaderPin, len(names))
	for i, name := range names {
		name, special, _ := strings.Cut(name, "/")
		header[i] = HeaderPin{Position: i + 1, Name: name, Special: special}
		if gpio, err := strconv.Atoi(name); err == nil {
			header[i].Name, header[i].Own = "GPIO"+name, natureOf(gpio)
		}
	}
	return header
}()

// headerPosition returns where a pin is on the header, 0 where it is not.
func headerPosition(name string) int {
	for _, p := range Header {
		if p.Name == name && strings.HasPrefix(name, "GPIO") {
			return p.Position
		}
	}
	return 0
}

// CanonicalPin gives the names that boards take for the same pin, such as 17, GPIO17 and P1_11, one form: GPIO17. Others it leaves.
func CanonicalPin(name string) string {
	if place, ok := strings.CutPrefix(name, "P1_"); ok {
		if n, err := strconv.Atoi(place); err == nil && n >= 1 && n <= len(Header) {
			return Header[n-1].Name
		}
	}
	return canonical("GPIO", name)
}

// CanonicalBus does the same for buses: 1 and I2C1.
func CanonicalBus(name string) string {
	return canonical("I2C", strings.TrimPrefix(name, "/dev/i2c-"))
}

// canonical puts a prefix before a plain number, without its leading zeros.
func canonical(prefix, name string) string {
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		return fmt.Sprintf("%s%d", prefix, n)
	}
	return name
}

// hardwarePWM are the pins that the kernel can do PWM on, with the channel of each on a Raspberry Pi before the 5. On a 5 they are four
// channels. Source: Raspberry Pi, BCM2835 ARM Peripherals, section 9; RP1 Peripherals, table 4.
var hardwarePWM = map[string]int{"GPIO12": 0, "GPIO18": 0, "GPIO13": 1, "GPIO19": 1}

// BusPins are the pins of the buses on the header, data and clock.
var BusPins = map[string][2]string{"I2C0": {"GPIO0", "GPIO1"}, "I2C1": {"GPIO2", "GPIO3"}}
