package chips

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

// MCP23017 simulates Microchip's 16 pins register by register: directions, pull-ups, polarity, latches, both layouts of the
// registers, sequential and byte mode. Interrupts are missing: their registers keep what is written.
//
// Source: Microchip, MCP23017/MCP23S17 data sheet, DS20001952, rev. C. Details that it leaves open, as simulated here: a register
// that does not exist is not acknowledged, and in the layout by port, too, sequential access continues from the last register of
// port A to the first of B.
type MCP23017 struct {
	lines [16]*sim.Pin // A0 to A7, B0 to B7
	now   atomic.Int64 // their clock: the time of the last transfer

	mutex     sync.Mutex
	registers [11][2]byte // by number in the layout by port, then by port
	pointer   byte        // address of the register that is read next
}

// The registers that are simulated, in the layout by port.
const (
	mcp23017Direction = 0x00
	mcp23017Polarity  = 0x01
	mcp23017Control   = 0x05 // one for both ports
	mcp23017PullUp    = 0x06
	mcp23017Flags     = 0x07 // read only, as the next
	mcp23017Captured  = 0x08
	mcp23017Levels    = 0x09
	mcp23017Latch     = 0x0a

	mcp23017ByPorts = 0x80 // of the control register
	mcp23017Bytes   = 0x20
)

// NewMCP23017 returns a chip as after power-up: all pins are inputs.
func NewMCP23017() *MCP23017 {
	s := &MCP23017{}
	clock := func() time.Duration { return time.Duration(s.now.Load()) }
	for i := range s.lines {
		s.lines[i] = sim.NewPin(fmt.Sprintf("%c%d", 'A'+i/8, i%8), i, clock)
	}
	s.Reset()
	return s
}

func senseMCP23017(Sense, Settings) sim.Device { return NewMCP23017() }

// Line returns the line that is connected to a pin, "A0" to "B7". The world drives it and reads its level as on a pin of the
// board; the chip uses it like a driver uses a pin. The clock of the line is the time of the last transfer.
func (s *MCP23017) Line(name string) (*sim.Pin, error) {
	for _, line := range s.lines {
		if line.Name() == name {
			return line, nil
		}
	}
	return nil, fmt.Errorf("simulated MCP23017: no line %q: expected A0 to A7 or B0 to B7", name)
}

// Reset resets all registers, as after a lost supply.
func (s *MCP23017) Reset() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.registers = [11][2]byte{mcp23017Direction: {0xff, 0xff}}
	s.pointer = 0
	s.connect()
}

// Tx implements sim.Device: the first byte written is the number of a register, the others are written from there on, and reading
// continues from there.
func (s *MCP23017) Tx(at time.Duration, w, r []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.now.Store(int64(at))
	if len(w) > 0 {
		if _, _, ok := s.locate(w[0]); !ok {
			return fmt.Errorf("MCP23017: %w: no register 0x%02x", sim.ErrNoAnswer, w[0])
		}
		s.pointer = w[0]
		for _, value := range w[1:] {
			s.write(value)
			s.advance()
		}
	}
	for i := range r {
		r[i] = s.read()
		s.advance()
	}
	return nil
}

// locate returns the number of a register in the layout by port, and the port. In the other layout the registers of A and B
// alternate.
func (s *MCP23017) locate(address byte) (number, port byte, ok bool) {
	if s.registers[mcp23017Control][0]&mcp23017ByPorts != 0 {
		number, port = address&0x0f, address>>4
	} else {
		number, port = address/2, address%2
	}
	return number, port, port < 2 && number <= mcp23017Latch
}

// advance moves on to the next register. In byte mode it alternates between the two registers of a pair, or stays in the layout
// by port.
func (s *MCP23017) advance() {
	byPorts := s.registers[mcp23017Control][0]&mcp23017ByPorts != 0
	switch bytes := s.registers[mcp23017Control][0]&mcp23017Bytes != 0; {
	case bytes && !byPorts:
		s.pointer ^= 1
	case bytes:
	case byPorts && s.pointer == mcp23017Latch:
		s.pointer = 0x10
	default:
		s.pointer++
	}
	if _, _, ok := s.locate(s.pointer); !ok {
		s.pointer = 0
	}
}

func (s *MCP23017) read() byte {
	number, port, _ := s.locate(s.pointer)
	if number != mcp23017Levels {
		return s.registers[number][port]
	}
	var levels byte
	for i, line := range s.lines[8*port:][:8] {
		if line.Read() == gpio.High {
			levels |= 1 << i
		}
	}
	return levels ^ s.registers[mcp23017Polarity][port]
}

func (s *MCP23017) write(value byte) {
	switch number, port, _ := s.locate(s.pointer); number {
	case mcp23017Flags, mcp23017Captured:
	case mcp23017Control:
		s.registers[number] = [2]byte{value &^ 1, value &^ 1}
	case mcp23017Levels:
		s.registers[mcp23017Latch][port] = value
		s.connect()
	default:
		s.registers[number][port] = value
		s.connect()
	}
}

// connect sets up the lines as the registers say.
func (s *MCP23017) connect() {
	for i, line := range s.lines {
		is := func(register int) bool { return s.registers[register][i/8]>>(i%8)&1 != 0 }
		switch {
		case !is(mcp23017Direction):
			line.Out(gpio.Level(is(mcp23017Latch)))
		case is(mcp23017PullUp):
			line.In(gpio.PullUp, gpio.NoEdge)
		default:
			line.In(gpio.Float, gpio.NoEdge)
		}
	}
}
