package daemon

import (
	"errors"
	"log/slog"
	"time"

	"fluxd/cmd/fluxd/compare"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/kept"
	"fluxd/configs"
	"fluxd/sensors"
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
		switch _, recorded := s.Value.Options.(sensors.Recorded); {
		case devices || recorded:
			note("sensors."+s.Name, "sensor "+s.Name, r.addSensor(s))
		default:
			_, err := s.Value.Encode.Options.Open(s.Value.Every)
			note("sensors."+s.Name, "sensor "+s.Name, hardware.In("encode", err))
		}
	}
	found = append(found, kept.Check(config)...)
	if config.Compare != nil && found == nil {
		_, err := compare.New(config, r.body)
		note("compare", "compare", err)
	}
	_ = r.halt() // devices that do not answer are among the mistakes already
	if found != nil {
		return nil, found
	}
	_, unsure := hardware.CheckRanges(config) // its mistakes were found when the file was read
	return append(unsure, hardware.UnknownToWorld(config)...), nil
}
