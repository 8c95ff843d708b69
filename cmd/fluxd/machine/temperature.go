package machine

import (
	"os"
	"strconv"
	"strings"
)

// Temperature returns the processor's temperature in degrees Celsius, or nil if Linux does not report it. It reads thermal zone
// 0, which is the SoC on every Raspberry Pi.
func Temperature() *float64 {
	text, err := os.ReadFile("/sys/class/thermal/thermal_zone0/temp")
	if err != nil {
		return nil
	}
	milli, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		return nil
	}
	celsius := milli / 1000
	return &celsius
}
