// Package sim is a simulated board: GPIO pins with levels, edges and PWM, and I2C buses to which simulated devices are attached.
// To a driver it looks like a Raspberry Pi. The simulated devices are in package chips, their surroundings in package worlds.
//
//	board := sim.New(clock)
//	if err := board.Attach("I2C1", 0x23, chips.NewBH1750(light)); err != nil {
//		return err
//	}
//	bus, err := board.Bus("I2C1")
//	eye, err := sensors.NewBH1750(bus, 0x23, &opts)
//	bumper, err := board.Line("GPIO17")
//	bumper.Drive(gpio.Low)                  // as a switch on the pin would
//	faults, err := board.Faults("I2C1")
//	faults.Refuse(0x23, 3)                  // the next three transfers fail
//
// The caller provides the clock: with a virtual clock everything is deterministic.
package sim
