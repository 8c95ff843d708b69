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

// outside is what may be done to an emulated machine, and seen of it, by QEMU's two line protocols: QMP (QEMU Machine Protocol) and qtest.
type outside struct {
	base      time.Time
	qmp       *dialogue
	qtest     *dialogue
	gpio      string // path of the chip whose lines are driven and seen
	watchdogs atomic.Int64

	mutex  sync.Mutex
	marked time.Duration
	lines  map[int]*view
}

// dialogue is a connection with one answer for each line that is sent; what comes between is told to others.
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
		case <-time.After(10 * time.Millisecond): // QEMU makes its sockets as it starts
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

// reach connects to a machine that has just been started, and has its chip tell what its outputs do.
func reach(ctx context.Context, work, outputs string) (_ *outside, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := &outside{base: time.Now(), lines: map[int]*view{}}
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
	if outputs == "" {
		return o, nil
	}
	o.qtest, err = dial(ctx, filepath.Join(work, "qtest"), func(line string) bool {
		if told, ok := strings.CutPrefix(line, "IRQ "); ok {
			o.told(told)
			return false
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if o.gpio, err = o.find(outputs, "/machine/unattached", "/machine/soc/peripherals"); err != nil {
		return nil, err
	}
	return o, o.test("irq_intercept_out " + o.gpio)
}

func (o *outside) close() {
	for _, d := range []*dialogue{o.qmp, o.qtest} {
		if d != nil {
			d.Close()
		}
	}
}

// find returns the path of the device of a type.
func (o *outside) find(kind string, folders ...string) (string, error) {
	for _, folder := range folders {
		all, err := o.command("qom-list", map[string]any{"path": folder})
		if err != nil {
			continue // not every machine has it
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

// told takes "raise 27" and "lower 27".
func (o *outside) told(what string) {
	verb, number, _ := strings.Cut(what, " ")
	if n, err := strconv.Atoi(number); err == nil {
		o.line(n).changed(o.clock(), verb == "raise")
	}
}

func (o *outside) mark() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.marked = o.clock()
}

// do what the suite inside asks for.
func (o *outside) do(what string) (string, error) {
	words := append(strings.Fields(what), "", "", "")
	switch words[0] {
	case "temperature": // in thousandths of a degree Celsius
		milli, err := strconv.Atoi(words[1])
		if err != nil {
			return "", err
		}
		o.mark()
		_, err = o.command("qom-set", map[string]any{"path": "/machine/peripheral/t1", "property": "temperature", "value": milli})
		return "ok", err
	case "drive":
		level := "0"
		if words[2] == "true" {
			level = "1"
		}
		o.mark()
		return "ok", o.test(fmt.Sprintf("set_irq_in %s unnamed-gpio-in %s %s", o.gpio, words[1], level))
	case "mark":
		o.mark()
		return "ok", nil
	case "seen":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return "", err
		}
		after, err := o.line(n).wait(words[2] == "true")
		return strconv.FormatInt(int64(after), 10), err
	case "watchdog":
		return strconv.FormatInt(o.watchdogs.Load(), 10), nil
	}
	return "", errors.New("nobody knows how")
}

// command is one of QMP.
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

// test is one of qtest.
func (o *outside) test(command string) error {
	reply, err := o.qtest.ask(command)
	if err == nil && !strings.HasPrefix(reply, "OK") {
		err = fmt.Errorf("qtest: %s: %s", command, reply)
	}
	return err
}
