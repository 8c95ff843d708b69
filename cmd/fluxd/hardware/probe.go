package hardware

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"fluxd/boards/expanders"
	"fluxd/configs"
)

// BusAnswers are the addresses of a bus that answer.
type BusAnswers struct {
	Name      string
	Addresses []uint16
	Err       error // nil, or why the bus could not be probed
}

// The addresses that a device may have; lower and higher ones are reserved (NXP, UM10204, I2C-bus specification, table 4).
const (
	firstAddress = 0x08
	lastAddress  = 0x77
)

// Probe tries every address of every bus of this machine. It returns the board's name too.
func Probe(opts Options) (board string, buses []BusAnswers, err error) {
	return ProbeRobot(&configs.Robot{Board: configs.Board{Kind: "auto"}}, opts)
}

// ProbeRobot does the same on the board of a robot.
func ProbeRobot(config *configs.Robot, opts Options) (board string, buses []BusAnswers, err error) {
	start := time.Now()
	opts.BusWait = BusWait
	b := New(config, opts, func() time.Duration { return time.Since(start) })
	if err := b.OpenBoard(); err != nil {
		return "", nil, err
	}
	buses = b.probe()
	return b.Board.String(), buses, Attempt(b.Board.Halt)
}

// ProbeBuses does the same on some buses of the board only, and behind no multiplexer: so it writes nothing.
func ProbeBuses(config *configs.Robot, opts Options, names []string) ([]BusAnswers, error) {
	start := time.Now()
	opts.BusWait = BusWait
	b := New(&configs.Robot{Board: config.Board}, opts, func() time.Duration { return time.Since(start) })
	if err := b.OpenBoard(); err != nil {
		return nil, err
	}
	var buses []BusAnswers
	for _, name := range names {
		buses = append(buses, b.probeBus(name, nil))
	}
	return buses, Attempt(b.Board.Halt)
}

// probe tries every address of every bus. Behind a multiplexer it leaves out the devices on the bus of the multiplexer itself,
// which answer there too.
func (b *Body) probe() (buses []BusAnswers) {
	names := b.Board.Buses()
	on := map[string]string{} // the bus of the multiplexer, by a bus behind it
	for _, e := range b.config.Expanders {
		kind, _ := expanders.KindOf(e.Value.Device)
		for _, bus := range kind.Buses {
			name := e.Name + "/" + bus
			names = append(names, name)
			for _, wire := range b.config.Wiring() {
				if wire.Bus != "" && wire.Name == e.Name && wire.Device == e.Value.Device {
					on[name] = wire.Bus
				}
			}
		}
	}
	for _, name := range names {
		upstream := slices.IndexFunc(buses, func(a BusAnswers) bool { return a.Name == on[name] })
		var before []uint16
		if upstream >= 0 {
			before = buses[upstream].Addresses
		}
		buses = append(buses, b.probeBus(name, before))
	}
	return buses
}

// probeBus tries every address of one bus, and leaves out those that answer on the bus before it, too.
func (b *Body) probeBus(name string, before []uint16) BusAnswers {
	answers := BusAnswers{Name: name}
	bus, err := b.bus(name)
	if err != nil {
		answers.Err = err
		return answers
	}
	for address := uint16(firstAddress); address <= lastAddress; address++ {
		begun := b.clock()
		err := bus.Tx(address, nil, make([]byte, 1))
		if p := (*Panicked)(nil); errors.As(err, &p) {
			answers.Err = err
			break
		}
		if err == nil && !slices.Contains(before, address) {
			answers.Addresses = append(answers.Addresses, address)
		} else if err != nil && b.clock()-begun >= BusWait { // the device did not refuse: the bus itself does not answer
			answers.Err = fmt.Errorf("the bus is stuck: SDA or SCL is held low")
			break
		}
	}
	return answers
}
