package worlds

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"fluxd/options"
	"fluxd/splitmix64"
)

var execKind = Kind{
	Name: "exec", About: "a program of yours, in any language, which says what the sensors read",
	New: func() Options { return &ExecOpts{} },
}

// ExecOpts are the options of the world exec.
type ExecOpts struct {
	Command []string      `yaml:"command" required:"true" doc:"program and its arguments, such as [python3, pole.py]; it runs in the folder of the world's file"`
	Step    time.Duration `yaml:"step" default:"10ms" min:"100us" max:"10s" doc:"simulated time between two exchanges"`
	Timeout time.Duration `yaml:"timeout" default:"10s" min:"10ms" max:"10m" doc:"real time within which the program must answer"`

	Folder string `yaml:"-"` // in which the program runs; "" is the present one
}

// Check implements Options.
func (o *ExecOpts) Check() []options.Mistake {
	if len(o.Command) == 0 || o.Command[0] == "" {
		return []options.Mistake{options.Wrong("command", "expected a program, such as [python3, pole.py]")}
	}
	return nil
}

// Below implements Located.
func (o *ExecOpts) Below(folder string) { o.Folder = folder }

func (o *ExecOpts) physics(robot *Robot) physics {
	p := &program{opts: *o, robot: robot, values: map[string]float64{}}
	for _, a := range robot.Actuators {
		if role, _ := robot.role(a.Name); role != "nothing" && moves(a.Device) && !slices.Contains(p.roles, role) {
			p.roles = append(p.roles, role)
		}
	}
	return p
}

// program is a world that another process computes. Once in each step fluxd writes one line of JSON to the program's standard
// input and waits for one line on its standard output: see docs/worlds.md.
type program struct {
	opts  ExecOpts
	robot *Robot
	roles []string // the parts, in their order

	process *exec.Cmd
	input   io.WriteCloser
	answers chan answered
	stderr  tail
	failure error
	ended   bool // the process has ended, and what it wrote has arrived

	steps  int64
	values map[string]float64 // the latest readings, by sensor
	latest result
}

// A message goes to the program; see docs/worlds.md. The first one introduces the robot, and begins the first episode.
type message struct {
	Robot    *introduction      `json:"robot,omitempty"`
	Reset    *uint64            `json:"reset,omitempty"` // the seed of a new episode
	Time     float64            `json:"time"`            // seconds since the start of the episode
	Commands map[string]float64 `json:"commands"`
}

// introduction is what a program may want to know of the robot.
type introduction struct {
	Step      float64      `json:"step"` // seconds
	Sensors   []introduced `json:"sensors"`
	Actuators []string     `json:"actuators"`
}

type introduced struct {
	Name   string     `json:"name"`
	Device string     `json:"device"`
	Senses string     `json:"senses,omitempty"`
	Unit   string     `json:"unit"`
	At     [2]float64 `json:"at"`     // metres ahead and to the left
	Facing float64    `json:"facing"` // radians to the left
}

// A result comes from the program.
type result struct {
	Readings map[string]float64 `json:"readings"`
	Over     bool               `json:"over"`
	Reached  bool               `json:"reached"`
	Goal     string             `json:"goal"`
	Text     string             `json:"text"`
	Score    map[string]float64 `json:"score"`
}

type answered struct {
	line []byte
	err  error
}

// mostLine bounds a line of the program, in bytes.
const mostLine = 1 << 20

// External reports whether another process computes a world. Such a world may take long to start.
func External(w World) bool {
	s, is := w.(*stepped)
	if is {
		_, is = s.physics.(*program)
	}
	return is
}

func (p *program) step() time.Duration { return p.opts.Step }

func (p *program) parts() (all []part) {
	for _, role := range p.roles {
		all = append(all, part{Name: role, Doc: "as the program says"})
	}
	return all
}

// quantities implements physics: a program offers whatever it wants.
func (p *program) quantities() []quantity { return nil }

func (p *program) sense(s *Sensor, _ *Mount, _ string) (func() float64, error) {
	name := s.Name
	return func() float64 { return p.values[name] }, nil
}

func (p *program) reset(random *splitmix64.Random) {
	p.steps, p.latest = 0, result{}
	clear(p.values)
	seed := uint64(*random)
	m := message{Reset: &seed, Commands: map[string]float64{}}
	if p.process == nil {
		m.Robot = p.introduce()
		p.failure = p.start()
	}
	if p.exchange(m); p.failure != nil {
		return
	}
	for _, s := range p.needed() {
		if _, there := p.values[s.Name]; !there {
			p.failure = fmt.Errorf("the first answer of an episode: readings: %s is missing: expected a number for each of %s", s.Name,
				strings.Join(namesOf(p.needed()), ", "))
			return
		}
	}
}

// needed returns the sensors that need a reading.
func (p *program) needed() (all []*Sensor) {
	for i := range p.robot.Sensors {
		if s := &p.robot.Sensors[i]; s.Device != "log" && p.robot.senses(s) != "nothing" {
			all = append(all, s)
		}
	}
	return all
}

func (p *program) introduce() *introduction {
	all := &introduction{Step: p.opts.Step.Seconds(), Actuators: p.roles}
	for _, s := range p.needed() {
		m := p.robot.mount(s.Name)
		seen, _ := matched(nil, s, "")
		at := m.place()
		if m.At == nil {
			at = direction(radians(m.Facing)).times(metres(p.robot.Body.Radius))
		}
		all.Sensors = append(all.Sensors, introduced{Name: s.Name, Device: s.Device, Senses: p.robot.senses(s), Unit: seen.Unit,
			At: [2]float64{at.x, at.y}, Facing: radians(m.Facing)})
	}
	return all
}

// start starts the program.
func (p *program) start() error {
	p.process = exec.Command(p.opts.Command[0], p.opts.Command[1:]...)
	p.process.Dir, p.process.Stderr = p.opts.Folder, &p.stderr
	p.process.WaitDelay = 2 * time.Second
	var err error
	if p.input, err = p.process.StdinPipe(); err != nil {
		return err
	}
	output, err := p.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.process.Start(); err != nil {
		return fmt.Errorf("cannot be started: %w", err)
	}
	p.answers = make(chan answered, 1)
	go read(output, p.answers)
	return nil
}

// read passes on the lines of a program.
func read(output io.Reader, answers chan<- answered) {
	defer close(answers)
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		answers <- answered{line: bytes.Clone(lines.Bytes())}
	}
	answers <- answered{err: cmp.Or(lines.Err(), io.EOF)}
}

func (p *program) advance(commands []float64) {
	p.steps++
	m := message{Time: float64(float64(p.steps) * p.opts.Step.Seconds()), Commands: map[string]float64{}}
	for i, role := range p.roles {
		m.Commands[role] = commands[i]
	}
	p.exchange(m)
}

// exchange sends a message and receives the answer.
func (p *program) exchange(m message) {
	if p.failure != nil {
		return
	}
	line, err := json.Marshal(m)
	if err != nil {
		p.failure = err // impossible: commands are finite
		return
	}
	sent := make(chan error, 1)
	go func() { // a program that does not read must not block fluxd
		_, err := p.input.Write(append(line, '\n'))
		sent <- err
	}()
	timeout := time.NewTimer(p.opts.Timeout)
	defer timeout.Stop()
	select {
	case a := <-p.answers:
		p.failure = p.accept(a)
	case <-timeout.C:
		p.failure = fmt.Errorf("no answer within %v", p.opts.Timeout)
	}
	if p.failure == nil {
		if err := <-sent; err != nil { // it answered before it had read
			p.failure = fmt.Errorf("does not read: %w", err)
		}
	}
}

// accept reads an answer.
func (p *program) accept(a answered) error {
	if errors.Is(a.err, io.EOF) || a.line == nil && a.err == nil {
		p.wait()
		return errors.New("ended" + p.stderr.after(": "))
	}
	if a.err != nil {
		return fmt.Errorf("%w: expected lines of at most %d bytes", a.err, mostLine)
	}
	expected := errors.New(`expected one line of JSON, such as {"readings": {"eye": 300}}`)
	var r result
	d := json.NewDecoder(bytes.NewReader(a.line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return fmt.Errorf("answered %s: %s; %w", short(a.line), strings.TrimPrefix(err.Error(), "json: "), expected)
	}
	if d.More() {
		return fmt.Errorf("answered %s: more than one value; %w", short(a.line), expected)
	}
	known := namesOf(p.needed())
	for _, name := range slices.Sorted(maps.Keys(r.Readings)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("readings: the robot has no sensor %q; it has %s", name, strings.Join(known, ", "))
		}
		if v := r.Readings[name]; math.Abs(v) > 1e12 {
			return fmt.Errorf("readings: %s: %g: expected at most 1e12", name, v)
		}
	}
	maps.Copy(p.values, r.Readings)
	r.Score = merged(p.latest.Score, r.Score)
	p.latest = r
	return nil
}

// merged returns the numbers of a score, with those that did not come again.
func merged(before, now map[string]float64) map[string]float64 {
	if before == nil {
		return now
	}
	maps.Copy(before, now)
	return before
}

func short(line []byte) string {
	const most = 60
	if len(line) > most {
		return fmt.Sprintf("%q...", line[:most])
	}
	return fmt.Sprintf("%q", line)
}

func (p *program) over() bool { return p.latest.Over || p.failure != nil }

// failed returns why the program is of no more use.
func (p *program) failed() error {
	if p.failure == nil {
		return nil
	}
	return fmt.Errorf("world exec: %s: %w", strings.Join(p.opts.Command, " "), p.failure)
}

func (p *program) score(steps int64) Score {
	s := Score{Text: p.latest.Text, Goal: p.latest.Goal, Reached: p.latest.Reached}
	for _, name := range slices.Sorted(maps.Keys(p.latest.Score)) {
		s.Values = append(s.Values, Value{name, p.latest.Score[name]})
	}
	if s.Text == "" {
		s.Text = "the program gives no score"
		var parts []string
		for _, v := range s.Values {
			parts = append(parts, fmt.Sprintf("%s %g", v.Name, v.Number))
		}
		if parts != nil {
			s.Text = strings.Join(parts, ", ")
		}
	}
	return s
}

func (p *program) events() []Event                  { return nil }
func (p *program) picture(columns, rows int) string { return "" }

// state returns the readings.
func (p *program) state() map[string]float64 { return maps.Clone(p.values) }

// close ends the program.
func (p *program) close() error {
	if p.process == nil || p.process.Process == nil {
		return nil
	}
	p.wait()
	p.process, p.failure = nil, errors.New("is closed")
	return nil
}

// wait waits for the end of the program: the end of its input asks it to end, and it is killed if it goes on.
func (p *program) wait() {
	if p.ended {
		return
	}
	_ = p.input.Close() // the program may have gone already
	ended := make(chan struct{})
	go func() {
		for range p.answers { // it must not block on its output
		}
		_ = p.process.Wait() // how it ends after the simulation does not matter
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(p.process.WaitDelay):
		_ = p.process.Process.Kill() // an error says that it is gone
		<-ended
	}
	p.ended = true
}

// tail keeps the last bytes that a program writes to its standard error.
type tail struct {
	mutex sync.Mutex
	text  []byte
}

// mostTail is how many bytes a tail keeps: the end of a stack trace.
const mostTail = 2000

// Write implements io.Writer.
func (t *tail) Write(text []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.text = append(t.text, text...)
	if over := len(t.text) - mostTail; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(text), nil
}

// after returns the text behind a separator; "" without a text.
func (t *tail) after(separator string) string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	text := strings.TrimSpace(string(t.text))
	if text == "" {
		return ""
	}
	return separator + text
}
