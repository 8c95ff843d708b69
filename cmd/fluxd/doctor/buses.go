package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fluxd/configs"
	"fluxd/sensors"
)

// buses compares what answers on the buses with the addresses of the robot file. It reads one byte from each address, as fluxd
// probe
// does; while a robot runs it reads none.
func (p *patient) buses(context.Context) (all []Finding) {
	if p.Config == nil || !p.real {
		return nil
	}
	expected := map[string][]string{} // owners, by bus and address
	var names []string
	behind := false
	for _, wire := range p.Config.Wiring() {
		switch {
		case strings.Contains(wire.Bus, "/"):
			behind = true
		case wire.Bus != "":
			expected[wire.Where()] = append(expected[wire.Where()], wire.Owner)
			if !slices.Contains(names, wire.Bus) && p.exists("/dev/i2c-"+strings.TrimPrefix(wire.Bus, "I2C")) {
				names = append(names, wire.Bus) // a bus that is not there is a finding already
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	if who, runs := p.uses(); runs {
		return []Finding{{"buses-in-use", OK, strings.Join(names, ", "), "not asked, since " + who +
			" runs: it reports devices that do " +
			"not answer itself", "fluxctl watch"}}
	}
	answers, err := p.System.Answers(p.Config, names)
	if err != nil {
		return []Finding{{"bus-unreadable", Problem, strings.Join(names, ", "), err.Error(), "fluxd probe " + p.Robot}}
	}
	for _, bus := range answers {
		if bus.Err != nil {
			code, remedy := "bus-unreadable", "fluxd probe "+p.Robot
			if strings.Contains(bus.Err.Error(), "stuck") {
				code, remedy = "bus-stuck", "unplug the devices of this bus one by one, or switch the power off for a moment"
			}
			all = append(all, Finding{code, Problem, bus.Name, bus.Err.Error(), remedy})
			continue
		}
		var there, unknown []string
		for address := uint16(0); address < 0x80; address++ {
			where := fmt.Sprintf("%s 0x%02x", bus.Name, address)
			owners, answers := expected[where], slices.Contains(bus.Addresses, address)
			switch {
			case owners != nil && answers:
				there = append(there, strings.Join(owners, ", "))
			case owners != nil && p.renamed(owners):
				all = append(all, Finding{"device-later", OK, where, strings.Join(owners, ", ") +
					" gets its address when the robot starts", ""})
			case owners != nil:
				remedy := "check its supply, SDA and SCL, and its address pins; then: fluxd probe " + p.Robot
				if len(bus.Addresses) == 0 {
					remedy = "nothing answers on this bus: check 3.3 V, ground, and whether SDA and SCL are swapped"
				}
				all = append(all, Finding{"device-missing", Problem, where, "no answer from " + strings.Join(owners, ", "), remedy})
			case answers:
				unknown = append(unknown, fmt.Sprintf("0x%02x", address))
			}
		}
		if there != nil {
			all = append(all, Finding{"devices", OK, bus.Name, strings.Join(there, ", ") + ": all answer", ""})
		}
		if unknown != nil {
			all = append(all, Finding{"device-unexpected", OK, bus.Name, "these answer, too, and are not in the robot file: " +
				strings.Join(unknown, ", "), ""})
		}
	}
	if behind {
		all = append(all, Finding{"behind-a-multiplexer", OK, "buses", "devices behind a multiplexer were not asked",
			"fluxd probe " + p.Robot})
	}
	return all
}

// renamed reports whether devices have another address until the robot gives them theirs.
func (p *patient) renamed(owners []string) bool {
	return slices.ContainsFunc(p.Config.Sensors, func(s configs.Named[configs.Sensor]) bool {
		of, is := s.Value.Options.(sensors.Readdressed)
		if !is || !slices.Contains(owners, "sensor "+s.Name) {
			return false
		}
		return slices.ContainsFunc(s.Value.Wires(s.Name), func(w configs.Connection) bool {
			return w.Bus != "" && w.Address != of.StartAddress()
		})
	})
}
