// Package diagram draws the wiring diagram of a robot: the 40-pin header of a Raspberry Pi, the robot's devices beside it, and a
// coloured wire from each pin to the device that is connected to it.
//
//	config, err := configs.Load("robot.yaml")
//	err = diagram.SVG(os.Stdout, config) // readable on a light page and on a dark one
//
// The same robot file always gives the same bytes. The supply of a device is drawn where the robot file or the data sheet leaves
// no choice, such as 3.3 V for a chip on the header's I2C bus. For all others the picture says that it does not know.
package diagram

import (
	"fmt"
	"slices"
	"strings"

	"fluxd/boards/header"
	"fluxd/configs"
)

// A class is the colour of a wire.
type class string

// The classes, in the order of the legend.
const (
	volt3  class = "v3"
	volt5  class = "v5"
	ground class = "gnd"
	data   class = "sda"
	clock  class = "scl"
	pwm    class = "pwm"
	input  class = "in"
	output class = "out"
)

var classes = []struct{ name, text, colour string }{
	{string(volt3), "3.3 V", "#d32f2f"},
	{string(volt5), "5 V", "#ef7d00"},
	{string(ground), "ground", "#111111"},
	{string(data), "I2C data", "#1565c0"},
	{string(clock), "I2C clock", "#00a0b0"},
	{string(pwm), "PWM", "#8e24aa"},
	{string(input), "input", "#2e8b3d"},
	{string(output), "output", "#9a6a3a"},
}

// A row is a line of text in a box: a title, a terminal with a wire, or a remark.
type row struct {
	text   string // the device's name, the role of a wire, or a remark
	aside  string // its kind; of a wire the pin, from its net
	title  bool
	net    string // the pin of the header, or a supply; "" for a row without a wire
	class  class
	hosted bool // it is an output of the expander that the box is
	shared bool // the wire is one of the bus or the supply, which others use too
}

// supply reports whether the row is the wire of a supply.
func (r *row) supply() bool { return r.net == net3V3 || r.net == net5V || r.net == netGND }

// A box is a device, or several that are one chip.
type box struct {
	rows  []row
	left  bool // on which side of the header
	first int  // place of its first row; the rows of the picture are those of the header
}

func (b *box) end() int { return b.first + len(b.rows) }

// Names of the nets of the supplies: those of the header's pins.
const (
	net3V3 = "3V3"
	net5V  = "5V"
	netGND = "GND"
)

// A plan is a robot's boxes, and what the legend says of them.
type plan struct {
	boxes   []*box
	unknown []string // devices whose supply is not known
	own     []string // devices with a separate supply
}

// planOf sorts the wires of a robot into boxes.
func planOf(config *configs.Robot) *plan {
	p := &plan{}
	boxes := map[string]*box{} // by what makes a chip
	wires := config.Wiring()
	keys := chips(wires)
	for _, owner := range owners(wires) {
		own := wiresOf(wires, owner)
		key := keys[owner]
		if host := hostOf(own, config); host != "" { // all its wires end on one expander
			key = keys["expander "+host]
			for _, w := range own {
				boxes[key].rows = append(boxes[key].rows, row{text: strings.TrimPrefix(w.Where(), host+"/"), aside: what(&w), hosted: true})
			}
			continue
		}
		b := boxes[key]
		if b == nil {
			b = &box{}
			boxes[key] = b
			p.boxes = append(p.boxes, b)
		}
		p.add(b, own, config)
	}
	for _, b := range p.boxes {
		slices.SortStableFunc(b.rows, func(a, b row) int { return a.rank() - b.rank() })
	}
	return p
}

// rank sorts the rows of a box: its own wires, its supply, and the outputs of an expander.
func (r *row) rank() int {
	if r.hosted {
		return 4
	}
	return slices.Index([]string{net5V, net3V3, netGND}, r.net) + 1
}

// owners lists the devices that have wires, in the order of the wires.
func owners(wires []configs.Connection) (all []string) {
	for i := range wires {
		if !slices.Contains(all, wires[i].Owner) {
			all = append(all, wires[i].Owner)
		}
	}
	return all
}

func wiresOf(wires []configs.Connection, owner string) (all []configs.Connection) {
	for _, w := range wires {
		if w.Owner == owner {
			all = append(all, w)
		}
	}
	return all
}

// chips returns for each owner what it shares with the others of its box: an address on a bus, the pins of a sensor with several
// measures, or the standby pin of two halves of a bridge.
func chips(wires []configs.Connection) map[string]string {
	key := map[string]string{}
	by := map[string]string{}
	for i := range wires {
		w := &wires[i]
		place := w.Device + " " + w.Where()
		if first, found := by[place]; found && first != w.Owner {
			key[w.Owner] = key[first]
			continue
		}
		by[place] = w.Owner
		if key[w.Owner] == "" {
			key[w.Owner] = w.Owner
		}
	}
	return key
}

// hostOf returns the name of the expander on which all wires of a device end, "" if there is none.
func hostOf(wires []configs.Connection, config *configs.Robot) string {
	host := ""
	for i := range wires {
		at := wires[i].Pin
		if wires[i].Bus != "" {
			at = wires[i].Bus
		}
		name, _, inside := strings.Cut(at, "/")
		if !inside || !slices.ContainsFunc(config.Expanders, func(e configs.Named[configs.Expander]) bool { return e.Name == name }) ||
			host != "" && host != name {
			return ""
		}
		host = name
	}
	return host
}

// what names a device and the role of a wire.
func what(w *configs.Connection) string {
	if w.Role == "pin" || w.Role == "address" {
		return w.Name
	}
	return w.Name + " " + w.Role
}

// add adds a device to its box.
func (p *plan) add(b *box, own []configs.Connection, config *configs.Robot) {
	first := &own[0]
	title := row{title: true, text: first.Name, aside: first.Device}
	if first.Bus != "" {
		title.aside += fmt.Sprintf(" 0x%02x", first.Address)
	}
	b.rows = append(b.rows, title)
	for i := range own {
		w := &own[i]
		switch pins, onHeader := header.BusPins[w.Bus]; {
		case onHeader:
			b.connect(row{text: "SDA", net: pins[0], class: data, shared: true})
			b.connect(row{text: "SCL", net: pins[1], class: clock, shared: true})
		case w.Bus != "":
			b.rows = append(b.rows, row{text: "bus", aside: w.Bus})
		case w.Position == 0:
			b.rows = append(b.rows, row{text: w.Role, aside: w.Pin})
		default:
			b.connect(row{text: w.Role, net: w.Pin, class: classOf(w.Direction)})
		}
	}
	s := supplyOf(own, config)
	for _, net := range s.nets {
		b.connect(row{text: s.label(net), net: net, class: classOfSupply(net), shared: true})
	}
	name := first.Name
	if s.unknown && !slices.Contains(p.unknown, name) {
		p.unknown = append(p.unknown, name)
	}
	if s.own && !slices.Contains(p.own, name) {
		p.own = append(p.own, name)
	}
}

// connect adds a terminal, once.
func (b *box) connect(r row) {
	if !slices.ContainsFunc(b.rows, func(other row) bool { return other.net == r.net }) {
		b.rows = append(b.rows, r)
	}
}

func classOf(direction string) class {
	switch direction {
	case "pwm":
		return pwm
	case "in":
		return input
	}
	return output
}

func classOfSupply(net string) class {
	switch net {
	case net3V3:
		return volt3
	case net5V:
		return volt5
	}
	return ground
}
