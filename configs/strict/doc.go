// Package strict reads YAML into Go types, strictly: it refuses unknown keys and amounts without a suitable unit, and lists all
// mistakes of a file at once, each with its line and what was expected.
//
// The tags of the types say what a file may hold. They are the one source of keys, defaults, choices and documentation. Schema
// makes a JSON Schema for editors from them.
//
//	type Lamp struct {
//		Pin   string        `yaml:"pin" required:"true" doc:"GPIO pin, such as GPIO17"`
//		Mode  string        `yaml:"mode" default:"blink" enum:"on,blink" doc:"what it does"`
//		Every time.Duration `yaml:"every" when:"mode=blink" default:"1s" doc:"time between two flashes"`
//	}
//
//	d, err := strict.NewDecoder("lamp.yaml", text)
//	if err != nil {
//		return err // it is not YAML
//	}
//	var lamp Lamp
//	d.Decode(&lamp, "the lamp")
//	if d.Readable("every") && lamp.Every > time.Minute {
//		d.Fail("every", "%v: expected at most 1m", lamp.Every)
//	}
//	return d.Err() // lamp.yaml:2:8: every: 2m0s: expected at most 1m
//
// The tags:
//
//	yaml:"key"            the key; a field without it is not read
//	doc:"..."             what the key is for
//	default:"..."         the value without the key, written as in a file
//	required:"true"       the key is required; required:"mode=blink,on": only with these values of another key
//	when:"mode=blink"     the key is allowed only with these values of another key of the same mapping
//	enum:"on,blink"       the allowed texts
//	none:"no limit"       the word none is allowed, and what it means; in Go it is the zero value
//	neuron:"true"         for a mapping: its keys are names of neurons, which may have dots and brackets
//	min:"1 Hz" max:"1 MHz"  the limits, written as in a file, both inclusive; above:"0": a lower limit that is exclusive
//	live:"true"           the value can be changed while the robot runs: see Live
//	unit:"1/s"            the unit of a whole number in millionths, and the unit in which a plain number is shown
//
// A slice of Named is a mapping that keeps its order. A type with its own form in a file implements Value. Amounts are times, the
// types of periph's package physic, and structs with an amount in millionths and its unit (see Quantity).
//
// For things of several kinds, such as sensors, a Union is a struct of the keys that all kinds share, and each kind has a struct
// with its own options. In a file all of these keys stand in one mapping.
package strict
