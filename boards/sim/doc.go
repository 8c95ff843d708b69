// Package sim is a board that exists only in the program: GPIO pins that carry levels, edges and PWM, and I2C buses to which
// devices are attached. A driver cannot tell it from a Raspberry Pi. Simulated devices are in package chips, what they live in is
// in package worlds.
//
//	board := sim.New(clock)
//	if err := board.Attach("I2C1", 0x23, chips.NewBH1750(light)); err != nil {
//		return err
//	}
//	bus, err := board.Bus("I2C1")
//	eye, err := sensors.NewBH1750(bus, 0x23, &opts)
//	bumper, err := board.Line("GPIO17")
//	bumper.Drive(gpio.Low)                  // the world's side of the pin
//	faults, err := board.Faults("I2C1")
//	faults.Refuse(0x23, 3)                  // the next three transfers fail
//
// The clock is handed in: with a virtual one everything is deterministic.
package sim
