package daemon

import (
	"errors"
	"fmt"
	"time"

	"fluxd/configs"
)

// BusAnswers are the addresses of a bus at which somebody answers.
type BusAnswers struct {
	Name      string
	Addresses []uint16
	Err       error // the bus could not be asked
}

// Addresses that no device may have: those below are reserved, those above too (NXP, UM10204, I2C-bus specification, table 4).
const (
	firstAddress = 0x08
	lastAddress  = 0x77
)

// Probe asks every address of every bus of this machine, and returns the board's name.
func Probe(opts BoardOptions) (board string, buses []BusAnswers, err error) {
	return ProbeRobot(&configs.Robot{Board: configs.Board{Kind: "auto"}}, opts)
}

// ProbeRobot does the same on the board that a robot is configured for.
func ProbeRobot(config *configs.Robot, opts BoardOptions) (board string, buses []BusAnswers, err error) {
	start := time.Now()
	r := newBody(config, opts, func() time.Duration { return time.Since(start) }, true)
	if err := attempt(r.openBoard); err != nil {
		return "", nil, err
	}
	buses = r.probe()
	return r.board.String(), buses, attempt(r.board.Halt)
}

// probe asks every address of every bus.
func (r *robot) probe() (buses []BusAnswers) {
	for _, name := range r.board.Buses() {
		answers := BusAnswers{Name: name}
		bus, err := r.bus(name)
		if err != nil {
			answers.Err = err
			buses = append(buses, answers)
			continue
		}
		for address := uint16(firstAddress); address <= lastAddress; address++ {
			begun := r.clock()
			err := bus.Tx(address, nil, make([]byte, 1))
			if p := (*panicked)(nil); errors.As(err, &p) {
				answers.Err = err
				break
			}
			if err == nil {
				answers.Addresses = append(answers.Addresses, address)
			} else if r.clock()-begun >= busWait { // not a refusal, but no answer of the bus itself
				answers.Err = fmt.Errorf("the bus is stuck: SDA or SCL is held low")
				break
			}
		}
		buses = append(buses, answers)
	}
	return buses
}
