package machine

import (
	"os"
	"strconv"
	"strings"
)

// Temperature returns the processor's in degrees Celsius where Linux knows it: thermal zone 0 is the SoC on every Raspberry Pi.
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
