// Package strict reads YAML into Go types, strictly: every key is known, every amount has a unit that fits, and all mistakes of a
// file are listed at once, each with its line and what was expected.
//
// The tags of the types say what a file may hold. They are the one source of keys, defaults, choices and documentation; Schema
// makes a JSON Schema for editors from the same.
//
//	type Lamp struct {
//		Pin   string        `yaml:"pin" required:"true" doc:"GPIO pin, such as GPIO17"`
//		Mode  string        `yaml:"mode" default:"blink" enum:"on,blink" doc:"what it does"`
//		Every time.Duration `yaml:"every" when:"mode=blink" default:"1s" doc:"time between two flashes"`
//	}
//
//	d, err := strict.NewDecoder("lamp.yaml", text)
//	if err != nil {
//		return err // it is no YAML
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
//	default:"..."         what a file without the key is taken to say, written as there
//	required:"true"       the key must be there; required:"mode=blink,on": where a key beside it says so
//	when:"mode=blink"     the key belongs to these values of a key beside it
//	enum:"on,blink"       the texts that are allowed
//	none:"no limit"       the word none is allowed, and what it means; in Go it is the zero value
//	neuron:"true"         of a mapping by names: they are those of neurons, which may have dots and brackets
//	min:"1 Hz" max:"1 MHz"  the ends, written as in a file, both inclusive; above:"0" where the lower end itself is not allowed
//	live:"true"           it can be changed while what it configures runs: see Live
//	unit:"1/s"            of a whole number in millionths, and of what is shown of a plain number
//
// A slice of Named is a mapping whose order counts. A type with its own form in a file is a Value. Amounts are times, the types
// of periph's package physic, and structs with an amount in millionths and its unit (see Quantity).
//
// Of what comes in several kinds, such as sensors, what all have in common is a Union, and each kind has a struct of its own
// options. They stand in one mapping.
package strict
