// Package doctor goes through what keeps a robot from working: the machine and its firmware, the rights of its users, its
// buses, its
// clock, its supply, its disk, its broker, and the robot file.
//
//	report := doctor.Examine(ctx, doctor.Options{Robot: "robot.yaml", Config: config, System: doctor.ThisMachine("/")})
//	for _, f := range report.Findings {
//		fmt.Println(f.Level, f.Where, f.Text, f.Remedy)
//	}
//
// It changes nothing, requests no pin, and needs no special right. While a robot runs it reads no bus. Each look has an end: one
// that takes too long is a finding itself.
package doctor

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"fluxd/boards/overlays"
	"fluxd/boards/raspberrypi"
	"fluxd/configs"
)

// A Level says how much a finding matters.
type Level string

// The levels. A problem keeps the robot from working.
const (
	OK      Level = "ok"
	Warning Level = "warning"
	Problem Level = "problem"
)

// A Finding is one thing that was looked at. Its code does not change from one version to the next.
type Finding struct {
	Code   string `json:"code"`
	Level  Level  `json:"level"`
	Where  string `json:"where"` // the part: a bus, a pin, a file, a user
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"` // what to do, mostly a command to type
}

// A Report is all findings, in the order in which they help.
type Report struct {
	Version  string    `json:"version"`
	Robot    string    `json:"robot,omitempty"` // the file
	Findings []Finding `json:"findings"`
	Problems int       `json:"problems"`
	Warnings int       `json:"warnings"`
}

// Options say what is examined.
type Options struct {
	Version  string         // of this program
	Robot    string         // file of the robot, for messages; "" without one
	Config   *configs.Robot // nil without a robot file, or with one that cannot be used
	Mistakes error          // why the robot file cannot be used; nil if it can
	Warnings configs.Errors // about the robot file
	Sent     string         // which file that was sent runs instead of the robot file, for people; "": none
	SentErr  error          // why it is not known whether one does
	System   System         // the machine
	Patience time.Duration  // for each look; 0: 5 s
}

// Needs returns what the wiring of a robot needs of the kernel of a Raspberry Pi.
func Needs(config *configs.Robot) overlays.Needs {
	needs := overlays.Needs{Five: config.Board.Model == "pi5"}
	for _, wire := range config.Wiring() {
		switch {
		case wire.Bus != "" && !strings.Contains(wire.Bus, "/"): // not one of an expander
			needs.Buses = append(needs.Buses, wire.Bus)
		case wire.Direction == "pwm" && wire.Position != 0:
			needs.PWM = append(needs.PWM, wire.Pin)
		}
	}
	return needs
}

// A patient is what several looks need to know. It is complete before they begin, and none of them changes it.
type patient struct {
	Options
	model    string           // of the Raspberry Pi; "" for another machine
	real     bool             // the robot needs the pins of this machine
	needs    overlays.Needs   // of a robot on a real board
	config   *overlays.Config // config.txt; nil if it cannot be read
	file     string           // its name
	fileErr  error            // why it cannot be read
	running  []process        // robots that run
	claimed  bool             // another process commands this robot's outputs
	users    []account        // who may run it
	consumed map[string]map[int]string
}

// Examine looks at everything.
func Examine(ctx context.Context, opts Options) *Report {
	if opts.Patience == 0 {
		opts.Patience = 5 * time.Second
	}
	r := &Report{Version: opts.Version, Robot: opts.Robot}
	p := &patient{Options: opts}
	add := func(found []Finding) {
		for _, f := range found {
			switch f.Level {
			case Problem:
				r.Problems++
			case Warning:
				r.Warnings++
			}
			r.Findings = append(r.Findings, f)
		}
	}
	ready, late := p.look(ctx, "machine", func(context.Context) []Finding { p.learn(); return nil })
	add(ready)
	if late { // the other goroutine still writes to p
		return r
	}
	looks := []struct {
		name string
		do   func(context.Context) []Finding
	}{
		{"robot file", p.robotFile}, {"machine", p.machine}, {"supply", p.supply}, {"temperature", p.temperature}, {"clock", p.clock},
		{"memory", p.memory}, {"config.txt", p.boot}, {"pins", p.pins}, {"rights", p.rights}, {"running", p.whoRuns}, {"buses",
			p.buses},
		{"disk", p.disk}, {"files", p.keptFiles}, {"broker", p.broker}, {"versions", p.versions},
	}
	found := make([]chan []Finding, len(looks))
	for i, l := range looks {
		found[i] = make(chan []Finding, 1)
		go func() { // ends with its look, which has an end
			all, _ := p.look(ctx, l.name, l.do)
			found[i] <- all
		}()
	}
	for i := range looks {
		add(<-found[i])
	}
	return r
}

// look calls do and waits for it, but not longer than its patience: a disk or a bus may never answer. Then what do does is left
// behind, and late is true.
func (p *patient) look(ctx context.Context, name string, do func(context.Context) []Finding) (found []Finding, late bool) {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	done := make(chan []Finding, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				done <- []Finding{{"look-failed", Warning, name, fmt.Sprintf("this look failed: %v", cause), "please report it"}}
			}
		}()
		done <- do(ctx)
	}()
	select {
	case found = <-done:
		return found, false
	case <-ctx.Done():
		select {
		case found = <-done:
			return found, false
		default:
		}
		return []Finding{{"no-answer", Warning, name, fmt.Sprintf("no answer within %v, or interrupted", p.Patience),
			"look at the kernel's log: dmesg"}}, true
	}
}

// learn reads what several looks need.
func (p *patient) learn() {
	p.model, _ = raspberrypi.Model(p.System.Root)
	if p.Config != nil {
		kind := p.Config.Board.Kind
		p.real = kind != "sim"
		if p.real {
			p.needs = Needs(p.Config)
		}
	}
	p.needs.Five = raspberrypi.IsFive(p.model)
	p.readBoot()
	p.users = p.whoMayRun()
	p.running = p.processes()
	p.consumed, _ = p.System.Consumers()
	p.claimed = p.claims()
}

// Print writes a report for people to read.
func (r *Report) Print(w io.Writer) error {
	var text strings.Builder
	where := 0
	for _, f := range r.Findings {
		where = max(where, min(len([]rune(f.Where)), 24))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&text, "%-7s  %-*s  %s\n", f.Level, where, printable(f.Where), printable(f.Text))
		if f.Remedy == "" {
			continue
		}
		for line := range strings.Lines(f.Remedy) {
			fmt.Fprintf(&text, "%*s  -> %s\n", 9+where, "", printable(strings.TrimRight(line, "\n")))
		}
	}
	count := func(n int, thing string) string {
		if n != 1 {
			thing += "s"
		}
		return fmt.Sprint(n, " ", thing)
	}
	fmt.Fprintf(&text, "\n%s, %s\n", count(r.Problems, "problem"), count(r.Warnings, "warning"))
	_, err := io.WriteString(w, text.String())
	return err
}

// printable leaves out what could command a terminal: file names and error texts may have it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}
