// Package scaffold writes a first robot file for a user who has none: with comments, valid, and for a robot that moves.
//
// A few choices describe the robot: what it does, with which sensors and motors, on which board, and how it is reached. Each has
// a default, which may depend on the choices before it and on what answers on the machine's I2C bus:
//
//	choices := scaffold.Choices{Name: "rover", Motors: "servos"}  // the others are open
//	found := scaffold.Found{Pi: true, Answers: []uint16{0x23, 0x5c}}
//	err := choices.Ask(os.Stdin, os.Stdout, found)                // asks for the others; or:
//	err = choices.Complete(found)                                 // takes the defaults
//	text, err := choices.File("rover.yaml")
//
// A choice is a flag of fluxd init, by the same name. The text stands in raw strings: robot.go has what every robot has, line.go,
// light.go, obstacles.go and wander.go have the sensors, the network and the mounts of a behaviour, bumper.go has the bumper and
// the reflex to back off, and motors.go the motor drivers. It is not made with text/template, which would add 3.3 MB to fluxd.
//
// Pins are chosen so that the robot needs one line in config.txt for its two PWM channels, or none with a PCA9685; so that no
// motor turns while the machine starts; and so that GPIO16, 24 and 26 stay free for the start button, the status light and the
// emergency stop of docs/hardware.md.
package scaffold
