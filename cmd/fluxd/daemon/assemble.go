package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"periph.io/x/conn/v3/i2c"

	"fluxd/actuators"
	"fluxd/boards/linux"
	"fluxd/boards/raspberrypi"
	"fluxd/boards/sim"
	"fluxd/boards/sim/worlds"
	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"
	"fluxd/sensors"
)

// BoardOptions say where the board is.
type BoardOptions struct {
	Seed uint64 // of the simulated world
	Root string // where /dev, /sys and /proc of a real one are found; "" is /
	Log  *slog.Logger

	exclusive bool // nobody else may command what this board does
}

// newBody makes a robot that has nothing yet.
func newBody(config *configs.Robot, opts BoardOptions, clock func() time.Duration, patient bool) *robot {
	return &robot{config: config, at: opts, clock: clock, patient: patient, log: opts.Log, since: never, buses: map[string]i2c.Bus{}, chips: map[string]any{},
		event: func(protocol.EventKind, string) {}}
}

// assemble makes all parts of a robot and brings its actuators to failsafe, before anything that may fail is opened: an earlier life
// may have left them moving. When it fails itself, it lets go of all that it opened. Actuators are disarmed. In real time it is
// patient: nobody waits for a bus for ever.
func assemble(config *configs.Robot, opts BoardOptions, clock func() time.Duration, patient bool) (*robot, error) {
	opts.exclusive = true
	r := newBody(config, opts, clock, patient)
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.halt())
	}
	return r, nil
}

// Halt brings the actuators of a robot to failsafe, whose own process did not: every one is tried, also when others fail. Nothing else
// of the robot is touched. It does so beside a process that still has them too: that may be suspended.
func Halt(config *configs.Robot, opts BoardOptions) error {
	start := time.Now()
	r := newBody(config, opts, func() time.Duration { return time.Since(start) }, true)
	if err := attempt(r.openBoard); err != nil {
		return err
	}
	var errs []error
	for _, a := range config.Actuators {
		line := &outputLine{name: a.Name, wake: make(chan struct{}, 1)}
		if err := attempt(func() error { return r.openGuard(a, line) }); err != nil {
			errs = append(errs, fmt.Errorf("actuator %s: %w", a.Name, err))
			continue
		}
		r.outputs = append(r.outputs, line)
	}
	return errors.Join(append(errs, r.halt())...)
}

func (r *robot) open() error {
	if err := r.buildNetwork(); err != nil {
		return err
	}
	if err := attempt(r.openBoard); err != nil {
		return err
	}
	for _, a := range r.config.Actuators {
		if err := attempt(func() error { return r.addOutput(a) }); err != nil {
			return r.refused("actuators."+a.Name, "actuator "+a.Name, err)
		}
	}
	for _, s := range r.config.Sensors {
		if err := attempt(func() error { return r.addSensor(s) }); err != nil {
			return r.refused("sensors."+s.Name, "sensor "+s.Name, err)
		}
	}
	for _, w := range r.config.Rewards {
		r.addReward(w)
	}
	r.findNeeds()
	return nil
}

// bus gives a bus by its name, the same to all who ask.
func (r *robot) bus(name string) (i2c.Bus, error) {
	var opened i2c.Bus
	err := attempt(func() (err error) {
		opened, err = r.board.Bus(configs.CanonicalBus(name))
		return err
	})
	if err != nil {
		return nil, err
	}
	if !r.patient {
		return opened, nil
	}
	if r.buses[opened.String()] == nil {
		r.buses[opened.String()] = newPatientBus(opened)
	}
	return r.buses[opened.String()], nil
}

func (r *robot) buildNetwork() error {
	var err error
	if r.network, err = core.Build(r.config.Network); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	r.neurons = r.config.Index
	r.routes = make([][]route, r.network.Neurons())
	return nil
}

func (r *robot) openBoard() error {
	switch r.config.Board.Kind {
	case "sim":
		b := sim.New(r.clock)
		r.board = b
		t, err := newTable(b, r)
		if err != nil {
			return err
		}
		switch r.config.Board.World {
		case "bench":
			return t.layOut()
		case "arena":
			r.arena = worlds.NewArena(b, worlds.ArenaOpts{Seed: r.at.Seed, Relight: r.config.Board.Relight})
		}
	case "raspberrypi", "linux", "auto":
		return r.openMachine()
	default:
		return fmt.Errorf("board %q: expected sim, raspberrypi, linux or auto", r.config.Board.Kind)
	}
	return nil
}

// openMachine makes the board of this machine.
func (r *robot) openMachine() error {
	root := r.at.Root
	if root == "" {
		root = "/"
	}
	kind := r.config.Board.Kind
	if kind == "auto" {
		model, err := raspberrypi.Model(root)
		if err != nil {
			return err
		}
		if kind = "linux"; model != "" {
			kind = "raspberrypi"
		}
	}
	b := linux.New(r.log, r.clock, &linux.Opts{Root: root})
	if kind == "raspberrypi" {
		var err error
		if b, err = raspberrypi.New(r.log, r.clock, root); err != nil {
			return err
		}
	}
	if r.at.exclusive {
		b.Exclusive()
	}
	r.board = b
	return nil
}

// recording loads a data file once for all that read it.
func (r *robot) recording(file string) (*sensors.Recording, error) {
	if rec, ok := r.chips["file "+file].(*sensors.Recording); ok {
		return rec, nil
	}
	f, err := r.config.Files.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w: data files are looked for beside the configuration", err)
	}
	defer f.Close()
	rec, err := sensors.ReadRecording(file, f)
	if err != nil {
		return nil, err
	}
	r.chips["file "+file] = rec
	return rec, nil
}

func (r *robot) addSensor(s configs.Named[configs.Sensor]) error {
	c := s.Value
	line := &sensorLine{name: s.Name, neurons: r.neurons[c.Encode.To], electric: c.Encode.Weight == nil, nudge: make(chan struct{}, 1)}
	line.every.set(c.Every)
	line.patience.set(c.Stale)
	var err error
	if err = r.openSensor(c, line); err != nil {
		return err
	}
	if edges, ok := line.sensor.(sensors.EdgeSensor); ok && (c.Every == 0 || c.Device != "button" && c.Device != "pir") {
		line.edges = edges // a switch that is read at a rate is on a pin without edges
	}
	if _, simulated := r.board.(*sim.Board); simulated {
		line.feigned = &feigned{Sensor: line.sensor}
		line.sensor = line.feigned
	}
	if line.encoder, err = newEncoder(c.Encode, c.Every); err != nil {
		return err
	}
	if !line.electric {
		if line.water, err = r.network.PourWater(line.neurons[0], *c.Encode.Weight); err != nil {
			return at("encode.weight", err)
		}
	}
	r.sensors = append(r.sensors, line)
	return nil
}

// newEncoder makes the code of a sensor that is read every so often.
func newEncoder(c configs.Encode, every time.Duration) (encoders.Encoder, error) {
	switch c.Kind {
	case "rate":
		rate, err := encoders.NewRate(c.Range[0].Micro, c.Range[1].Micro, int64(c.Max), every)
		if err != nil {
			return nil, at("encode.max", err)
		}
		return rate, nil
	case "latency":
		return encoders.NewLatency(c.Range[0].Micro, c.Range[1].Micro, c.Window)
	case "edge":
		return encoders.NewEdge(c.On != "release", c.On != "press")
	case "delta":
		return encoders.NewDelta(c.Step.Micro, c.Change != "fall", c.Change != "rise")
	case "threshold":
		opts := encoders.ThresholdOpts{Hysteresis: c.Hysteresis.Micro, Repeat: c.Repeat}
		if c.Below != nil {
			opts.Limit, opts.Below = c.Below.Micro, true
		} else {
			opts.Limit = c.Above.Micro
		}
		return encoders.NewThreshold(opts)
	}
	return nil, fmt.Errorf("encoder %q: expected rate, latency, edge, threshold or delta", c.Kind)
}

func (r *robot) addOutput(a configs.Named[configs.Actuator]) error {
	line := &outputLine{name: a.Name, wake: make(chan struct{}, 1)}
	if err := r.openGuard(a, line); err != nil {
		return err
	}
	inputs, err := line.listen(a.Value.Decode)
	if err != nil {
		return at("decode.window", err)
	}
	line.guard.Hold(actuators.Disarmed)
	if err := line.guard.Start(r.clock()); err != nil {
		return err
	}
	r.outputs = append(r.outputs, line)
	for input, neuron := range inputs {
		for _, i := range r.neurons[neuron] {
			r.routes[i] = append(r.routes[i], route{output: len(r.outputs) - 1, input: input})
		}
	}
	return nil
}

// openGuard makes an actuator's device and the guard before it. It writes nothing.
func (r *robot) openGuard(a configs.Named[configs.Actuator], line *outputLine) (err error) {
	c := a.Value
	device, err := r.openActuator(a, line)
	if err != nil {
		return err
	}
	if r.onExpander(c) {
		line.refresh = refresh
	}
	opts := line.guardOpts(c)
	line.device, line.failsafe = device, opts.Failsafe
	line.timeout.set(opts.Timeout)
	line.guard, err = actuators.NewGuard(device, opts)
	return err
}

// guardOpts are what an actuator is held to.
func (o *outputLine) guardOpts(c configs.Actuator) actuators.GuardOpts {
	if o.label != nil {
		return actuators.GuardOpts{Min: -1, Max: actuators.Command(max(0, len(c.Decode.Choices)-1)), Failsafe: -1, Timeout: c.Timeout, Refresh: o.refresh}
	}
	return actuators.GuardOpts{Min: command(c.Range[0]), Max: command(c.Range[1]), Slew: actuators.Slew(*c.Slew), Failsafe: command(c.Failsafe), Timeout: c.Timeout, Refresh: o.refresh}
}

// command converts full scales of a configuration to millionths.
func command(fullScales float64) actuators.Command {
	return actuators.Command(math.Round(fullScales * float64(actuators.Full)))
}

// listen makes the decoder of an output and returns the names of its neurons by input.
func (o *outputLine) listen(c configs.Decode) (inputs []string, err error) {
	switch c.Kind {
	case "push-pull":
		o.decoder, err = encoders.NewPushPull(int64(c.Full), c.Window)
		return []string{encoders.Forward: c.Forward, encoders.Backward: c.Backward}, err
	case "count":
		o.decoder, err = encoders.NewCount(int64(c.Full), c.Window)
		return []string{c.Neuron}, err
	case "winner-take-all":
		var choices []int64
		for i, choice := range c.Choices {
			inputs = append(inputs, choice.Name)
			if o.label != nil {
				choices = append(choices, int64(i))
			} else {
				choices = append(choices, int64(command(choice.Value.Number)))
			}
		}
		o.decoder, err = encoders.NewWinnerTakeAll(choices, c.Window)
		return inputs, err
	}
	return nil, fmt.Errorf("decoder %q: expected push-pull, count or winner-take-all", c.Kind)
}
