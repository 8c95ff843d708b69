// Package expanders has the chips on an I2C bus that give a board more pins, or more buses. Their pins are gpio.PinIO like the board's own, so that
// whatever is driven or read through a pin of the board can be on one of theirs:
//
//	servos, err := expanders.NewPCA9685(bus, 0x40, nil) // bus: an i2c.Bus of the board
//	if err != nil {
//		return err                                      // names the chip, its address, its bus, and what to check
//	}
//	defer servos.Halt()                                 // all outputs off
//	pin, err := servos.Pin("3")
//	// ...
//	arm, err := actuators.NewServo(pin, nil)
//
// Making a chip checks its options and touches no bus; the first use of a pin sets the chip up. Each use makes sure that the chip still
// has the settings it was given, because a motor that pulls the supply down resets what hangs on it; a chip that has lost them is given
// all of them again, with the last values of its other pins. Who does not use a chip for long asks with Check.
//
// A chip keeps its outputs as they are when this program dies and the bus with it. What must not go on then hangs on an enable input
// that goes with the program, such as OE of a PCA9685.
//
// A multiplexer has buses, which are i2c.Bus like the board's own:
//
//	mux, err := expanders.NewTCA9548A(bus, 0x71, nil)
//	third, err := mux.Bus("3")
//	front, err := sensors.NewVL53L0X(third, 0x29, nil)
//
// Kinds lists all sorts of chips. Each has one struct of options beside its driver, whose tags are the keys of a robot file,
// with defaults, limits and documentation; NewPCA9685 holds its caller to the same.
//
// The chips and their pins may be used from any goroutine. A call lasts as long as its transfers.
package expanders
