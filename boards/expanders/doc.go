// Package expanders drives chips on an I2C bus that give a robot more pins: the PCA9685, sixteen PWM outputs, and the MCP23017,
// sixteen inputs or outputs. Their pins are periph's gpio.PinIO: a servo cannot tell one from a pin of the board.
//
//	servos, err := expanders.NewPCA9685(bus, 0x40, nil)      // bus: an i2c.Bus of the board
//	if err != nil {
//		return err
//	}
//	arm, err := servos.Pin("3")
//	err = arm.PWM(gpio.DutyMax*3/40, 50*physic.Hertz)         // 1.5 ms of 20
//
// Making a chip touches no bus; the first use of a pin sets it up, and so does the first one after a failure. A chip that lost
// its supply for a moment, as they do when a motor starts, is set up again with all that its pins were last told. The chips keep
// doing what they were last told when the program dies.
package expanders
