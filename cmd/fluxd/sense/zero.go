package sense

import (
	"slices"
	"strings"

	"fluxd/configs"
	"fluxd/sensors"
)

// Zeroes reports whether a sensor's zero can be set.
func Zeroes(c configs.Sensor) bool {
	return slices.ContainsFunc(c.Options.Measures(), func(m sensors.Measure) bool { return m.Name == c.Measure && m.Zeroes })
}

// Zeroable lists all devices, or their measures, whose zero can be set.
func Zeroable() (all []string) {
	for _, k := range sensors.Kinds {
		for _, m := range k.New().Measures() {
			if m.Zeroes {
				all = append(all, strings.TrimSpace(k.Name+" "+m.Name))
			}
		}
	}
	return all
}
