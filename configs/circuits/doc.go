// Package circuits makes a spiking network of what a robot file says of it: circuits are put in where they are used, populations
// become their members, rules their synapses. The names of the rules are the field's (PyNN, NEST).
//
//	d, err := strict.NewDecoder("robot.yaml", text)
//	...
//	var file struct {
//		Circuits []strict.Named[circuits.Circuit] `yaml:"circuits"`
//		Network  circuits.Network                 `yaml:"network"`
//	}
//	d.Decode(&file, "the file")
//	expansion := circuits.Expand(d, &file.Network, file.Circuits)
//	if err := d.Err(); err != nil {
//		return err // all mistakes, each with its line
//	}
//
// Everything random is drawn from seeds: the same file makes the same network on every machine. What comes to too much is refused
// before any of it takes memory.
package circuits
