package worlds

import (
	"fmt"
	"math"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
	"fluxd/splitmix64"
)

var heatKind = Kind{
	Name: "heat", About: "a plate with a heater and a fan, and draughts: something slow", New: func() Options { return &HeatOpts{} },
}

// HeatOpts are the options of the world heat.
type HeatOpts struct {
	Ambient  physic.Temperature `yaml:"ambient" default:"20 °C" min:"-40 °C" max:"60 °C" doc:"temperature of the air"`
	Target   physic.Temperature `yaml:"target" default:"40 °C" min:"-40 °C" max:"150 °C" doc:"temperature that the score compares with"`
	Limit    physic.Temperature `yaml:"limit" default:"80 °C" min:"0 °C" max:"300 °C" doc:"hotter than this, the episode is over"`
	Capacity float64            `yaml:"capacity" default:"50" min:"0.1" max:"1e6" doc:"heat capacity of the plate, in J/K"`
	Power    float64            `yaml:"power" default:"20" min:"0" max:"1e5" doc:"of the heater at command 1, in W"`
	Loss     float64            `yaml:"loss" default:"0.4" min:"0" max:"1e4" doc:"heat that the still air takes, in W/K"`
	Fan      float64            `yaml:"fan" default:"0.8" min:"0" max:"1e4" doc:"heat that the fan at command 1 takes beside that, in W/K"`
	Draught  float64            `yaml:"draught" default:"0.2" min:"0" max:"1e4" doc:"heat that a draught takes beside that, in W/K"`
	Draughts time.Duration      `yaml:"draughts" default:"1m" max:"1h" doc:"mean time from one draught to the next, and of its length; 0s: none"`
	Settle   time.Duration      `yaml:"settle" default:"2m" max:"1h" doc:"time before the score begins"`
	Sensor   time.Duration      `yaml:"sensor" default:"2s" max:"10m" doc:"time constant with which a sensor takes on the plate's temperature"`
}

// Check implements Options.
func (o *HeatOpts) Check() (mistakes []options.Mistake) {
	if o.Limit <= o.Target {
		mistakes = append(mistakes, options.Wrong("limit", "%v: expected more than the target, %v", o.Limit, o.Target))
	}
	if conducts := o.Loss + o.Fan + o.Draught; conducts > 2*o.Capacity {
		mistakes = append(mistakes, options.Wrong("capacity", "%g J/K: expected at least %g for losses of %g W/K in all", o.Capacity,
			conducts/2, conducts))
	}
	return mistakes
}

func (o *HeatOpts) physics(*Robot) physics { return &heat{HeatOpts: *o} }

// heatStep is the step of the world heat.
const heatStep = 100 * time.Millisecond

// heat is a plate of one temperature, which a heater warms and the air cools (Newton's law of cooling).
type heat struct {
	HeatOpts
	random  *splitmix64.Random
	plate   float64 // °C
	felt    float64 // °C, by the sensors
	heater  float64 // command, 0 to 1
	fan     float64
	draught bool
	change  int64 // steps until the draught begins or ends; 0 without draughts
	steps   int64

	counted       int64 // steps in the score
	off, off2     float64
	worst, energy float64 // °C, J
	burnt         bool
}

func celsius(t physic.Temperature) float64 {
	return float64(t-physic.ZeroCelsius) / float64(physic.Kelvin)
}

func (h *heat) step() time.Duration { return heatStep }

func (h *heat) parts() []part {
	return []part{{Name: "heater", Doc: "the heater: 0 to 1", Needed: true}, {Name: "fan", Doc: "the fan: 0 to 1"}}
}

func (h *heat) quantities() []quantity {
	return []quantity{
		{Name: "temperature", Unit: "°C", Doc: "of a sensor on the plate"},
		{Name: "plate", Unit: "°C", Doc: "of the plate itself"},
		{Name: "power", Unit: "W", Doc: "of the heater"},
	}
}

func (h *heat) sense(_ *Sensor, _ *Mount, what string) (func() float64, error) {
	switch what {
	case "temperature":
		return func() float64 { return h.felt }, nil
	case "plate":
		return func() float64 { return h.plate }, nil
	default:
		return func() float64 { return float64(h.heater * h.Power) }, nil
	}
}

func (h *heat) reset(random *splitmix64.Random) {
	*h = heat{HeatOpts: h.HeatOpts, random: random}
	h.plate = celsius(h.Ambient) + random.Between(-2, 2)
	h.felt = h.plate
	h.wait()
}

// wait draws the time until the next draught begins, or until this one ends.
func (h *heat) wait() {
	if mean := float64(h.Draughts / heatStep); mean > 0 {
		h.change = 1 + int64(h.random.Between(0, 2*mean))
	}
}

func (h *heat) advance(commands []float64) {
	h.heater, h.fan = max(0, commands[0]), max(0, commands[1])
	if h.change > 0 {
		if h.change--; h.change == 0 {
			h.draught = !h.draught
			h.wait()
		}
	}
	conducts := h.Loss + float64(h.fan*h.Fan)
	if h.draught {
		conducts += h.Draught
	}
	const seconds = 0.1
	flow := float64(h.heater*h.Power) - float64(conducts*(h.plate-celsius(h.Ambient)))
	h.plate += float64(flow * seconds / h.Capacity)
	h.felt += float64((h.plate - h.felt) * min(1, seconds/max(h.Sensor.Seconds(), seconds)))
	h.energy += float64(h.heater * h.Power * seconds)
	if h.steps++; h.steps > int64(h.Settle/heatStep) {
		off := h.plate - celsius(h.Target)
		h.counted++
		h.off += off
		h.off2 += float64(off * off)
		h.worst = max(h.worst, math.Abs(off))
	}
	h.burnt = h.plate > celsius(h.Limit)
}

func (h *heat) over() bool { return h.burnt }

func (h *heat) score(steps int64) Score {
	counted := float64(max(1, h.counted))
	mean, deviation := h.off/counted, math.Sqrt(h.off2/counted)
	goal := fmt.Sprintf("kept %.0f °C within 1 °C", celsius(h.Target))
	s := Score{Goal: goal, Reached: h.counted > 0 && !h.burnt && h.worst <= 1, Values: []Value{
		{"plate_C", h.plate}, {"mean_off_C", mean}, {"rms_off_C", deviation}, {"worst_off_C", h.worst}, {"energy_J", h.energy}}}
	switch {
	case h.burnt:
		s.Text = fmt.Sprintf("too hot after %v", time.Duration(steps)*heatStep)
	case h.counted == 0:
		s.Text = fmt.Sprintf("the plate has %.2f °C; the score begins after %v", h.plate, h.Settle)
	default:
		s.Text = fmt.Sprintf("the plate was %+.2f °C off on average, and %.2f °C at most; the heater took %.0f J", mean, h.worst,
			h.energy)
	}
	return s
}

func (h *heat) events() []Event { return nil }

func (h *heat) picture(columns, rows int) string {
	low, high := celsius(h.Ambient)-5, celsius(h.Limit)
	if columns < 30 || rows < 3 {
		return ""
	}
	bar := func(share float64) string {
		full := int(min(1, max(0, share)) * float64(columns-20))
		return strings.Repeat("█", full)
	}
	return fmt.Sprintf("plate  %6.2f °C %s\nheater %6.0f %%  %s\nfan    %6.0f %%  %s\n", h.plate, bar((h.plate-low)/(high-low)),
		100*h.heater, bar(h.heater), 100*h.fan, bar(h.fan))
}

// draw draws all: see World.Draw.
func (h *heat) draw(d *Drawing) {
	h.scenery(d)
	h.figures(d)
}

// level returns the height of a temperature in a drawing.
func (h *heat) level(c float64) float64 { return (c - celsius(h.Ambient)) / 100 }

// scenery implements scenic.
func (h *heat) scenery(d *Drawing) {
	d.High = h.corner()
	d.Box(StyleGround, Point{}, d.High)
}

func (h *heat) corner() Point { return Point{X: 1, Y: max(0.1, h.level(celsius(h.Limit)))} }

// figures implements scenic.
func (h *heat) figures(d *Drawing) {
	d.High = h.corner()
	d.Box(StyleHeat, Point{X: 0.4}, Point{X: 0.6, Y: max(0.001, h.level(h.plate))})
	target := h.level(celsius(h.Target))
	d.Line(StyleGoal, Point{Y: target}, Point{X: 1, Y: target})
	d.Label(Point{X: 0.02, Y: target + 0.01}, fmt.Sprintf("%.0f °C", celsius(h.Target)))
}

func (h *heat) state() map[string]float64 {
	draught := 0.0
	if h.draught {
		draught = 1
	}
	return map[string]float64{"plate_C": h.plate, "sensor_C": h.felt, "heater": h.heater, "fan": h.fan, "draught": draught}
}
