package compare

import (
	"errors"
	"fmt"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
	"fluxd/sensors"
)

// split lets all recordings of a robot play one part, rows that were recorded at the same time together. The comparison may be
// nil.
func split(config *configs.Robot, of []*hardware.Sensor, with *Comparison) error {
	part := config.Recordings.Part
	switch {
	case config.Recordings.Split != nil:
	case part == sensors.Whole:
		return nil
	default:
		return fmt.Errorf("split is missing: expected how to divide the recordings into %s and %s, such as split: {train: 70%%}",
			sensors.Training, sensors.Test)
	}
	var logs []*sensors.Log
	var times []*sensors.Timeline
	if with != nil {
		times = append(times, with.times)
	}
	for _, s := range of {
		if log, is := s.Device.(*sensors.Log); is {
			if logs = append(logs, log); log.Timeline() != nil {
				times = append(times, log.Timeline())
			}
		}
	}
	if times == nil {
		return errors.New("expected a recording that ends, got none without loop: true")
	}
	coarsest, until := sensors.Coarsest(times)
	list, err := coarsest.Playlist(config.Recordings.Split.Rows(), part, until)
	if err != nil || part == sensors.Whole {
		return err
	}
	for _, log := range logs {
		log.Play(list)
	}
	if with != nil {
		with.play(list)
	}
	return nil
}
