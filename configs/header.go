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
}

// Header lists the pins by position. Source: Raspberry Pi documentation, "GPIO and the 40-pin header".
var Header = func() []HeaderPin {
	names := strings.Fields(`3V3 5V 2/SDA1 5V 3/SCL1 GND 4 14/TXD GND 15/RXD 17 18/PWM0 27 GND 22 23 3V3 24 10/MOSI GND 9/MISO 25 11/SCLK 8/CE0
		GND 7/CE1 0/SDA0 1/SCL0 5 GND 6 12/PWM0 13/PWM1 GND 19/PWM1 16 26 20 GND 21`)
	header := make([]HeaderPin, len(names))
	for i, name := range names {
		name, special, _ := strings.Cut(name, "/")
		if _, err := strconv.Atoi(name); err == nil {
			name = "GPIO" + name
		}
		header[i] = HeaderPin{Position: i + 1, Name: name, Special: special}
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
