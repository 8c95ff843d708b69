// Package sim is a board that exists only in the program: GPIO pins that carry levels, edges and PWM, and I2C buses whose devices
// answer register by register, from the state of a small physical world. A driver cannot tell it from a Raspberry Pi.
//
//	board := sim.New(clock)
//	arena := sim.NewArena(board, sim.ArenaOpts{Seed: 1})
//	bus, err := board.Bus("I2C1")
//	eye, err := sensors.NewBH1750(bus, 0x23, &opts)
//	wheel, err := board.Pin("GPIO12")
//	wheel.PWM(gpio.DutyHalf, 20*physic.KiloHertz)
//	arena.Advance(20 * time.Millisecond)
//	light, err := eye.Sample(20 * time.Millisecond)
//
// The clock is handed in: with a virtual one everything is deterministic. A world that starts from the same seed and is driven the
// same way goes through the same states, to the last bit, on every processor.
package sim
