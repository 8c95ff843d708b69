package hil_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// outside acts on an emulated machine's hardware and observes it. It uses two line protocols of QEMU: QMP (QEMU Machine Protocol)
// and qtest.
type outside struct {
	base      time.Time
	qmp       *dialogue
	qtest     *dialogue
	gpio      string       // QEMU's path of the GPIO chip; "": none
	registers int          // the address of the GPIO chip's registers, which are polled; 0: none
	watchdogs atomic.Int64 // how often the watchdog has fired

	mutex  sync.Mutex
	marked time.Duration
	lines  map[int]*view
}

// dialogue is a connection on which each line sent has one answer. Other lines, such as events, are passed to isAnswer only.
type dialogue struct {
	net.Conn
	mutex   sync.Mutex
	answers chan string
}

func dial(ctx context.Context, path string, isAnswer func(line string) bool) (*dialogue, error) {
	for {
		c, err := net.Dial("unix", path)
		if err == nil {
			d := &dialogue{Conn: c, answers: make(chan string, 1)}
			go func() {
				defer close(d.answers)
				for lines := bufio.NewScanner(c); lines.Scan(); {
					if isAnswer(lines.Text()) {
						d.answers <- lines.Text()
					}
				}
			}()
			return d, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond): // QEMU creates its sockets while it starts
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
}

func (d *dialogue) ask(line string) (string, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if _, err := d.Write([]byte(line + "\n")); err != nil {
		return "", err
	}
	answer, ok := <-d.answers
	if !ok {
		return "", errors.New("the emulator has ended")
	}
	return answer, nil
}

// reach connects to a machine that has just been started, and makes QEMU report the outputs of its GPIO chip.
func reach(ctx context.Context, work string, m machine) (_ *outside, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := &outside{base: time.Now(), lines: map[int]*view{}, registers: m.registers}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	o.qmp, err = dial(ctx, filepath.Join(work, "qmp"), func(line string) bool {
		if strings.Contains(line, `"event": "WATCHDOG"`) {
			o.watchdogs.Add(1)
		}
		return strings.HasPrefix(line, `{"return"`) || strings.HasPrefix(line, `{"error"`)
	})
	if err != nil {
		return nil, err
	}
	if _, err := o.command("qmp_capabilities", nil); err != nil {
		return nil, err
	}
	if m.outputs == "" && m.registers == 0 {
		return o, nil
	}
	o.qtest, err = dial(ctx, filepath.Join(work, "qtest"), func(line string) bool {
		if event, ok := strings.CutPrefix(line, "IRQ "); ok {
			o.changed(event)
			return false
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if m.outputs == "" {
		return o, nil
	}
	if o.gpio, err = o.find(m.outputs); err != nil {
		return nil, err
	}
	_, err = o.test("irq_intercept_out " + o.gpio)
	return o, err
}

func (o *outside) close() {
	for _, d := range []*dialogue{o.qmp, o.qtest} {
		if d != nil {
			d.Close()
		}
	}
}

// find returns QEMU's path of the device with a type.
func (o *outside) find(kind string) (string, error) {
	const folder = "/machine/unattached"
	all, err := o.command("qom-list", map[string]any{"path": folder})
	if err != nil {
		return "", err
	}
	var devices []struct{ Name, Type string }
	if err := json.Unmarshal(all, &devices); err != nil {
		return "", err
	}
	for _, d := range devices {
		if d.Type == "child<"+kind+">" {
			return folder + "/" + d.Name, nil
		}
	}
	return "", fmt.Errorf("the machine has no %s", kind)
}

func (o *outside) clock() time.Duration { return time.Since(o.base) }

func (o *outside) line(n int) *view {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.lines[n] == nil {
		o.lines[n] = &view{clock: o.clock}
	}
	v := o.lines[n]
	v.mutex.Lock()
	v.marked = o.marked
	v.mutex.Unlock()
	return v
}

// changed handles a change of an output: "raise 27" or "lower 27".
func (o *outside) changed(event string) {
	verb, number, _ := strings.Cut(event, " ")
	if n, err := strconv.Atoi(number); err == nil {
		o.line(n).changed(o.clock(), verb == "raise")
	}
}

func (o *outside) mark() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.marked = o.clock()
}

// do carries out a request of the suite inside.
func (o *outside) do(what string) (string, error) {
	words := append(strings.Fields(what), "", "", "")
	switch words[0] {
	case "temperature": // in thousandths of a degree Celsius
		milli, err := strconv.Atoi(words[1])
		if err != nil {
			return "", err
		}
		o.mark()
		_, err = o.command("qom-set", map[string]any{
			"path": "/machine/peripheral/t1", "property": "temperature", "value": milli,
		})
		return "ok", err
	case "drive":
		level := "0"
		if words[2] == "true" {
			level = "1"
		}
		o.mark()
		_, err := o.test(fmt.Sprintf("set_irq_in %s unnamed-gpio-in %s %s", o.gpio, words[1], level))
		return "ok", err
	case "mark":
		o.mark()
		return "ok", nil
	case "seen":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return "", err
		}
		v, high := o.line(n), words[2] == "true"
		for end := o.clock() + patience; o.registers != 0 && o.clock() < end; time.Sleep(200 * time.Microsecond) {
			level, err := o.level(n)
			if err != nil {
				return "", err
			}
			v.changed(o.clock(), level)
			if _, reached := v.reached(high); reached {
				break
			}
		}
		after, err := v.wait(high)
		return strconv.FormatInt(int64(after), 10), err
	case "watchdog":
		return strconv.FormatInt(o.watchdogs.Load(), 10), nil
	}
	return "", fmt.Errorf("unknown request %q: expected temperature, drive, mark, seen or watchdog", what)
}

// command sends a QMP command and returns its result.
func (o *outside) command(name string, arguments map[string]any) (json.RawMessage, error) {
	message := map[string]any{"execute": name}
	if arguments != nil {
		message["arguments"] = arguments
	}
	text, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	line, err := o.qmp.ask(string(text))
	if err != nil {
		return nil, err
	}
	var reply struct {
		Return json.RawMessage
		Error  *struct{ Desc string }
	}
	if err := json.Unmarshal([]byte(line), &reply); err != nil {
		return nil, err
	}
	if reply.Error != nil {
		return nil, fmt.Errorf("%s: %s", name, reply.Error.Desc)
	}
	return reply.Return, nil
}

// level reads an output of a BCM2835 from its registers: high if the line is an output and high (Broadcom, BCM2835 ARM
// Peripherals, 6.1: GPFSELn, GPLEVn). QEMU's reports of this chip are not enough: they do not say when a released line becomes an
// input again.
func (o *outside) level(n int) (bool, error) {
	function, err := o.read(o.registers + n/10*4)
	if err != nil {
		return false, err
	}
	levels, err := o.read(o.registers + 0x34 + n/32*4)
	return function>>(n%10*3)&7 == 1 && levels>>(n%32)&1 == 1, err
}

func (o *outside) read(address int) (uint64, error) {
	reply, err := o.test(fmt.Sprintf("readl 0x%x", address))
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(reply, 0, 64)
}

// test sends a qtest command and returns the text after OK.
func (o *outside) test(command string) (string, error) {
	reply, err := o.qtest.ask(command)
	if err != nil {
		return "", err
	}
	result, ok := strings.CutPrefix(reply, "OK")
	if !ok {
		return "", fmt.Errorf("qtest: %s: %s", command, reply)
	}
	return strings.TrimSpace(result), nil
}
