// Package circuits turns the network of a robot file into single neurons and synapses. It puts circuits in where they are used,
// and expands populations into neurons and rules into synapses. The names of the rules are those of PyNN and NEST.
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
// Random values are drawn from seeds: the same file makes the same network on every machine. A network that is too large is
// refused before it takes memory.
package circuits
