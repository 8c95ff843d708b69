// Package configs reads a robot file: one YAML file, read strictly into Go types.
//
// Load reads an example robot by its name, or a file by its path. A robot that it returns is valid: every key is known, every
// amount has a suitable unit, every named neuron exists, no pin is used twice. If a file has mistakes, Load returns all of them,
// each with its line and what was expected:
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
// The types carry units (time.Duration, physic.Frequency, Quantity), so that the rest of fluxd need not check again. Their tags
// are the one source of keys, defaults and documentation. Schema makes a JSON Schema for editors from them.
package configs
