package hil_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
)

// responder answers on the I2C bus of our own kernel module with the devices of a simulated board. So the drivers talk through
// the kernel to register-level models.
type responder struct {
	start   time.Time
	board   *sim.Board
	celsius atomic.Int64
}

// request and reply have the layout of the structs in kernel/fluxd_hil.c.
type request struct {
	Sequence                 uint32
	Address, Written, Wanted uint16
	Padding                  uint16
}

type reply struct {
	Sequence uint32
	Error    int32
}

func newResponder() (*responder, error) {
	file, err := os.OpenFile("/dev/fluxd-hil-i2c", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	p := &responder{start: time.Now()}
	p.board = sim.New(p.clock)
	thermometer := chips.NewTMP105(func(time.Duration) int64 { return p.celsius.Load() * 1_000_000 })
	if err := p.board.Attach(busName, tmp105Address, thermometer); err != nil {
		return nil, err
	}
	go p.serve(file)
	return p, nil
}

func (p *responder) clock() time.Duration { return time.Since(p.start) }

// serve answers transfers forever. If the board does not answer one in time, the kernel aborts it, as on a stuck bus.
func (p *responder) serve(file *os.File) {
	bus, err := p.board.Bus(busName)
	if err != nil {
		panic(err)
	}
	buffer := make([]byte, 8192)
	for {
		n, err := file.Read(buffer)
		if err != nil {
			panic(err)
		}
		var q request
		if err := binary.Read(bytes.NewReader(buffer[:n]), binary.NativeEndian, &q); err != nil {
			panic(err)
		}
		written := append([]byte(nil), buffer[binary.Size(q):n]...)
		go func() { // it may take forever
			read := make([]byte, q.Wanted)
			answer := reply{Sequence: q.Sequence}
			if err := bus.Tx(q.Address, written, read); err != nil {
				answer.Error, read = -int32(syscall.EREMOTEIO), nil // as a Raspberry Pi's driver reports a missing acknowledge
			}
			var text bytes.Buffer
			if err := binary.Write(&text, binary.NativeEndian, answer); err != nil {
				panic(err)
			}
			text.Write(read)
			if _, err := file.Write(text.Bytes()); err != nil && !errors.Is(err, syscall.ESTALE) {
				fmt.Println("responder:", err)
			}
		}()
	}
}
