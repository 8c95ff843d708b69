// Package configs is the configuration of a robot: one YAML file, read strictly into Go types.
//
// Load reads an example robot by its name, or a file. What it returns is valid: every key is known, every unit fits, every neuron
// that is named exists, no pin is used twice. What it refuses, it refuses with all mistakes of the file at once, each with its
// line and what was expected:
//
//	robot, err := configs.Load("robot.yaml")
//	if err != nil {
//		fmt.Fprintln(os.Stderr, err) // robot.yaml:7:14: sensors.left_eye.bus: ...
//		os.Exit(2)
//	}
//	for _, sensor := range robot.Sensors {
//		fmt.Println(sensor.Name, sensor.Value.Device, "feeds", sensor.Value.Encode.To)
//	}
//
// The types carry units (time.Duration, Frequency, Quantity), so that nothing behind this border has to ask. Their tags are the
// one source of keys, defaults and documentation; Schema makes a JSON Schema for editors from the same.
package configs
