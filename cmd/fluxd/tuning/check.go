package tuning

import (
	"fluxd/bridge/protocol"
	"fluxd/options"
)

// check checks the part of a robot that a changed parameter belongs to, beyond the ranges of single values, like the check of a
// robot file and with the same errors.
func (t *Tuner) check(parameter int, s *Settings) error {
	type held struct {
		path    string
		options any
	}
	var all []held
	switch of := t.all[parameter].of; of.Kind {
	case Sensor:
		c, path := &s.Sensors[of.Index], "sensors."+t.config.Sensors[of.Index].Name
		c.Relate() // how often it is read may have changed
		all = []held{{path, c.Options}, {path + ".encode", c.Encode.Options}}
	case Actuator:
		c, path := &s.Actuators[of.Index], "actuators."+t.config.Actuators[of.Index].Name
		all = []held{{path, c.Options}, {path, &c.CommonOpts}, {path + ".decode", c.Decode.Options}}
	case Reward:
		all = []held{{"rewards." + t.config.Rewards[of.Index].Name, &s.Rewards[of.Index]}}
	}
	for _, one := range all {
		checked, is := one.options.(options.Checked)
		if !is {
			continue
		}
		for _, m := range checked.Check() {
			path := one.path
			if m.Key != "" {
				path += "." + m.Key
			}
			if _, tunable := t.byPath[path]; !tunable {
				return &protocol.Error{Code: protocol.OutOfRange, Path: t.all[parameter].path, Message: path + ": " + m.Error()}
			}
			return &protocol.Error{Code: protocol.OutOfRange, Path: path, Message: m.Error()}
		}
	}
	return nil
}
