package hil_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"fluxd/cmd/fluxd/daemon"
)

// inside is the suite inside an emulated machine: whatever is done to the hardware from outside it asks the host for, a line at a time over the
// serial console: "@host 7 temperature 25000" is answered by "7 ok".
type inside struct {
	kind    string
	mutex   sync.Mutex
	asked   int
	replies *bufio.Scanner
}

func newGuest(kind string) rig { return &inside{kind: kind, replies: bufio.NewScanner(os.Stdin)} }

func (g *inside) name() string { return g.kind }

func (g *inside) board() string {
	if g.kind == "edges" {
		return "{kind: linux}"
	}
	return "{kind: auto}"
}

func (g *inside) started(*daemon.Robot) {}

// tell sends the host a line that it does not answer.
func tell(format string, args ...any) { fmt.Printf("\n@tell "+format+"\n", args...) }

// ask has the host do something, and returns what it says.
func (g *inside) ask(format string, args ...any) string {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.asked++
	fmt.Printf("\n@host %d %s\n", g.asked, fmt.Sprintf(format, args...))
	prefix := fmt.Sprintf("%d ", g.asked)
	for g.replies.Scan() {
		if reply, ours := strings.CutPrefix(strings.TrimSpace(g.replies.Text()), prefix); ours {
			return reply
		}
	}
	panic("the host does not answer")
}

func (g *inside) thermometer() *thermometer {
	if g.kind != "pi3b" {
		return nil
	}
	return &thermometer{sensor: "device: tmp105, bus: I2C1, address: 0x48", set: func(celsius int) {
		// The emulated machine's serial line carries nothing inwards: the case waits for what it wants to see.
		fmt.Printf("\n@host 0 temperature %d\n", celsius*1000)
	}}
}

// pwm is the kernel's channel, read back through sysfs.
func (g *inside) pwm() *pwmProbe {
	if g.kind != "pi3b" {
		return nil
	}
	number := func(name string) float64 {
		files, _ := filepath.Glob("/sys/class/pwm/pwmchip*/pwm0/" + name)
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
	return &pwmProbe{pin: "GPIO12", read: func() (frequency, duty float64) {
		period := number("period")
		if period == 0 {
			return 0, 0
		}
		return 1e9 / period, number("duty_cycle") / period
	}}
}

func (g *inside) loop() *loopBack {
	if g.kind != "edges" {
		return nil
	}
	return &loopBack{input: "gpiochip0:4", output: "gpiochip0:2", drive: func(high bool) {
		level := 0
		if high {
			level = 1
		}
		g.ask("drive 4 %d", level)
	}}
}
