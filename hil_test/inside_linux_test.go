package hil_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/cmd/fluxd/daemon"
)

// newGuest returns the rig for a suite that runs inside a machine.
func newGuest(kind string) (rig, int) {
	switch kind {
	case "pi":
		return newPi()
	case "faults":
		return newFaults(&console{replies: bufio.NewScanner(os.Stdin)})
	}
	replies := io.Reader(os.Stdin)
	if kind == "pi3b" {
		// The emulated console's serial line only sends. Replies come over the mini UART.
		f, err := os.OpenFile("/dev/ttyS1", os.O_RDWR, 0)
		if err != nil {
			fmt.Println(err)
			return nil, 1
		}
		replies = f
	}
	return &inside{kind, &console{replies: bufio.NewScanner(replies)}}, 0
}

// console sends requests from the suite inside an emulated machine to the harness outside, which acts on the hardware. Requests
// and replies are lines: "@host 7 drive 4 true" is answered by "7 ok".
type console struct {
	mutex   sync.Mutex
	asked   int // the number of the last request
	replies *bufio.Scanner
}

// inside is an emulated machine whose hardware can be driven and observed only from outside.
type inside struct {
	kind string
	*console
}

func (g *inside) name() string { return g.kind }

func (g *inside) board() string {
	if g.kind == "edges" {
		return "{kind: linux}"
	}
	return "{kind: auto}"
}

func (g *inside) started(*daemon.Robot)     {}
func (g *inside) daemon(*testing.T) string  { return *program }
func (g *inside) pins() *pins               { return nil }
func (g *inside) bus() *bus                 { return nil }
func (g *inside) missing() func(bool) error { return nil }
func (g *inside) watchdog() func() int      { return nil }

// ask sends a request to the harness and returns the reply.
func (c *console) ask(format string, args ...any) string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.asked++
	fmt.Printf("\n@host %d %s\n", c.asked, fmt.Sprintf(format, args...))
	prefix := fmt.Sprintf("%d ", c.asked)
	for c.replies.Scan() {
		if reply, ours := strings.CutPrefix(strings.TrimSpace(c.replies.Text()), prefix); ours {
			return reply
		}
	}
	panic("the host does not answer")
}

func (g *inside) thermometer() *thermometer {
	if g.kind != "pi3b" {
		return nil
	}
	return &thermometer{sensor: tmp105Device, set: func(celsius int) { g.ask("temperature %d", celsius*1000) }}
}

func (g *inside) pwm() *pwmProbe {
	if g.kind != "pi3b" {
		return nil
	}
	return kernelPWM("GPIO12", 0)
}

// kernelPWM is a PWM channel of the kernel, read through sysfs.
func kernelPWM(pin string, channel int) *pwmProbe {
	number := func(name string) float64 {
		files, _ := filepath.Glob(fmt.Sprintf("/sys/class/pwm/pwmchip*/pwm%d/%s", channel, name))
		if len(files) == 0 {
			return 0
		}
		text, err := os.ReadFile(files[0])
		if err != nil {
			return 0
		}
		n, _ := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
		return n
	}
	return &pwmProbe{pin: pin, tolerance: 0.001, read: func() (frequency, duty float64) {
		period := number("period")
		if period == 0 || number("enable") == 0 {
			return 0, 0
		}
		return 1e9 / period, number("duty_cycle") / period
	}}
}

func (g *inside) wire() *wire {
	line, actuator := 27, "device: relay, pin: GPIO27"
	if g.kind == "edges" {
		line, actuator = 2, "device: relay, pin: 'gpiochip0:2'"
	}
	w := &wire{
		actuator: actuator,
		mark:     func() { g.ask("mark") },
		seen: func(high bool) (time.Duration, error) {
			reply := g.ask("seen %d %t", line, high)
			ns, err := strconv.ParseInt(reply, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s", reply)
			}
			return time.Duration(ns), nil
		},
	}
	if g.kind == "edges" {
		w.input = "gpiochip0:4"
		w.drive = func(high bool) { g.ask("drive 4 %t", high) }
	}
	return w
}
