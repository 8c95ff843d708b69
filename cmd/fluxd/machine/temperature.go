package machine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Temperature returns the processor's temperature in degrees Celsius, or nil if Linux does not report it. It reads thermal zone
// 0, which is the SoC on every Raspberry Pi.
func Temperature() *float64 { return temperature("/") }

// temperature reads it below a folder.
func temperature(root string) *float64 {
	text, err := os.ReadFile(filepath.Join(root, "/sys/class/thermal/thermal_zone0/temp"))
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
