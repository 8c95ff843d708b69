package daemon

import (
	"errors"
	"log/slog"
	"time"

	"fluxd/cmd/fluxd/compare"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/kept"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/sensors"
)

// Check makes all parts of a robot that can be made without its board. So it finds mistakes that the configuration alone does
// not show: a recording without the column that is asked for, options that an encoder refuses. For a robot on a simulated
// board, it finds everything that would stop the robot from starting; for one on a Raspberry Pi, everything but what the board
// itself reports. The error has every mistake with its line. A warning is a sensor or actuator that the simulated world does
// not know: the robot runs, but that part does nothing. Overlays are tuned values that the robot must accept.
func Check(config *configs.Robot, overlays ...*configs.Overlay) (warnings configs.Errors, err error) {
	r := newParts(config, hardware.Options{Seed: 1, Log: slog.New(slog.DiscardHandler)}, func() time.Duration { return 0 })
	var found configs.Errors
	add := func(path, part string, err error) {
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
		add("network", "network", err)
		return nil, found
	}
	devices, err := r.body.OpenPaper()
	if err != nil {
		add("board", "board", err)
		return nil, found
	}
	for _, a := range config.Actuators {
		if devices || a.Value.Device == "label" {
			add("actuators."+a.Name, "actuator "+a.Name, r.addOutput(a))
		}
	}
	for _, s := range config.Sensors {
		switch _, recorded := s.Value.Options.(sensors.Recorded); {
		case devices || recorded:
			add("sensors."+s.Name, "sensor "+s.Name, r.addSensor(s))
		default:
			_, err := s.Value.Encode.Options.Open(s.Value.Every)
			add("sensors."+s.Name, "sensor "+s.Name, hardware.In("encode", err))
		}
	}
	found = append(found, kept.Check(config)...)
	if found == nil {
		_, err := compare.New(config, r.body)
		add("compare", "compare", err)
	}
	if found == nil && devices {
		r.tuner = tuning.New(config, r.network, r)
		var misfit configs.Errors
		if errors.As(r.tuner.Apply(overlays), &misfit) {
			found = append(found, misfit...)
		}
	}
	_ = r.halt() // a device that does not answer is among the mistakes already
	if found != nil {
		return nil, found
	}
	_, warnings = hardware.CheckRanges(config) // its mistakes were found when the file was read
	return append(warnings, hardware.UnknownToWorld(config)...), nil
}
