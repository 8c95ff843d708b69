//go:build browser

package browser_test

import (
	"fmt"
)

// motor is a parameter of the demo robot.
const motor = "network.neurons.motor_l.threshold"

// row is the part of the tuning panel for a parameter.
func row(path string) string { return "[data-panel=tuning] [data-parameter=" + quote(path) + "]" }

// awaitParameter waits until the page shows a value.
func (p *page) awaitParameter(path string, value float64) {
	p.t.Helper()
	p.await(fmt.Sprintf("the page to show %s %v", path, value), fmt.Sprintf("Number(%s?.dataset.value) == %v", first(row(path)), value))
}
