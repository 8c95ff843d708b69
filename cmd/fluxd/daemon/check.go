package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"fluxd/boards/sim/worlds"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
)

// Check makes all parts of a robot that can be made without its board, and so finds what no look at the configuration alone can: a
// recording without the column that is asked for, a code that its encoder refuses. What a robot on a simulated board would be refused
// for is found entirely, and of one on a Raspberry Pi all but what its own board says. The error has every mistake with its line.
// Warnings are what the simulated world does not know: the robot runs, and that does nothing.
func Check(config *configs.Robot) (warnings configs.Errors, err error) {
	r := newParts(config, hardware.Options{Seed: 1, Log: slog.New(slog.DiscardHandler)}, func() time.Duration { return 0 })
	var found configs.Errors
	note := func(path, part string, err error) {
		if err == nil {
			return
		}
		var placed configs.Errors
		if err = r.body.Refused(path, part, err); !errors.As(err, &placed) {
			placed = configs.Errors{config.Mistake(path, "%v", err)}
		}
		found = append(found, placed...)
	}
	if err := r.buildNetwork(); err != nil {
		note("network", "network", err)
		return nil, found
	}
	devices, err := r.body.OpenPaper()
	if err != nil {
		note("board", "board", err)
		return nil, found
	}
	for _, a := range config.Actuators {
		if devices || a.Value.Device == "label" {
			note("actuators."+a.Name, "actuator "+a.Name, r.addOutput(a))
		}
	}
	for _, s := range config.Sensors {
		switch {
		case devices || s.Value.Device == "log":
			note("sensors."+s.Name, "sensor "+s.Name, r.addSensor(s))
		default:
			_, err := newEncoder(s.Value.Encode, s.Value.Every)
			note("sensors."+s.Name, "sensor "+s.Name, err)
		}
	}
	found = append(found, r.checkKept()...)
	if config.Compare != nil && found == nil {
		_, err := newComparison(r)
		note("compare", "compare", err)
	}
	_ = r.halt() // devices that do not answer are among the mistakes already
	if found != nil {
		return nil, found
	}
	_, unsure := hardware.CheckRanges(config) // its mistakes were found when the file was read
	return append(unsure, r.unknownToWorld()...), nil
}

// unknownToWorld lists the wires that end nowhere in the simulated world, and the wheels of the arena's robot that nothing drives.
func (r *robot) unknownToWorld() (warnings configs.Errors) {
	board := r.config.Board
	if board.Kind != "sim" || board.World == "bench" {
		return nil
	}
	var parts []worlds.ArenaPart
	if board.World == "arena" {
		parts = worlds.ArenaParts()
	}
	connected := map[string]bool{}
	for _, c := range r.config.Wiring() {
		is := slices.ContainsFunc(parts, func(p worlds.ArenaPart) bool { return p.Where == c.Where() && p.Device == c.Device && p.Role == c.Role })
		connected[c.Where()] = connected[c.Where()] || is
		switch {
		case is || c.Device == "switch" || c.Device == "pca9685" || c.Device == "mcp23017": // every world has those
		case board.World == "arena":
			warnings = append(warnings, r.config.Mistake(c.Path, "the arena has no %s with its %s at %s; it has %s", c.Device, c.Role, c.Where(), partList(parts, c.Device, c.Role)))
		case c.Bus != "":
			warnings = append(warnings, r.config.Mistake(c.Path, "nothing answers at %s: a simulated board without a world has no devices; world: bench has all of the robot's", c.Where()))
		}
	}
	listed := map[string]bool{}
	for _, p := range parts {
		if p.Device == "hbridge" && !connected[p.Where] && !listed[p.Name] {
			listed[p.Name] = true
			own := slices.DeleteFunc(slices.Clone(parts), func(other worlds.ArenaPart) bool { return other.Name != p.Name })
			warnings = append(warnings, r.config.Mistake("board.world", "the arena's %s is not connected, and does not turn as it should: expected %s", p.Name, partList(own, "", "")))
		}
	}
	return warnings
}

// partList names what the arena has for a device in a role, or all that it has.
func partList(parts []worlds.ArenaPart, device, role string) string {
	var alike, all []string
	for _, p := range parts {
		text := fmt.Sprintf("%s: %s, %s %s", p.Name, p.Device, p.Role, p.Where)
		if all = append(all, text); p.Device == device && p.Role == role {
			alike = append(alike, text)
		}
	}
	if alike != nil {
		all = alike
	}
	return strings.Join(all, "; ")
}
