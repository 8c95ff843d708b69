// Package expanders drives the chips on an I2C bus that give a board more pins, or more buses. Their pins are gpio.PinIO like
// those of the board, so drivers work with either:
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
// A constructor checks the options and uses no bus; the first use of a pin sets the chip up. Each use checks that the chip still
// has its settings: a motor that pulls the supply down resets the chips on it. A chip that has lost its settings gets all of them
// again, with the last values of its other pins. A program that does not use a chip for a while calls Check instead.
//
// When this program dies, or the bus, a chip keeps its outputs as they are. If that is dangerous, wire its enable input, such as
// OE of a PCA9685, to a pin that changes when the program dies.
//
// A multiplexer has buses, which are i2c.Bus like those of the board:
//
//	mux, err := expanders.NewTCA9548A(bus, 0x71, nil)
//	third, err := mux.Bus("3")
//	front, err := sensors.NewVL53L0X(third, 0x29, nil)
//
// Kinds lists all kinds of chips. Each kind has a struct of options beside its driver, whose tags are the keys of a robot file,
// with defaults, limits and documentation. NewPCA9685 enforces the same limits.
//
// The chips and their pins may be used from any goroutine. A call takes as long as its transfers.
package expanders
