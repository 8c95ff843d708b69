package daemon

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"fluxd/actuators"
	"fluxd/boards/raspberrypi"
	"fluxd/boards/sim"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/encoders"
	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
)

// board is where pins and buses come from; a driver cannot tell the simulated one from a Raspberry Pi.
type board interface {
	String() string
	Pin(name string) (gpio.PinIO, error)
	Bus(name string) (i2c.BusCloser, error)
	Halt() error
}

// A robot is a configuration made real: parts that are wired but not yet moving. Its drivers decide who calls what and when.
type robot struct {
	config  *configs.Robot
	log     *slog.Logger
	clock   func() time.Duration // since the start; virtual or real
	board   board
	arena   *sim.Arena // nil without one
	network *core.Network
	neurons map[string]int
	sensors []*sensorLine
	outputs []*outputLine
	routes  [][]route // by neuron: the decoders that listen to it
	spikes  []core.Spike
	arrival []core.Tick
	late    uint64 // arrivals that came for a tick already past, and were delivered at the next
}

// sensorLine is one sensor with its encoder and the neuron that it feeds.
type sensorLine struct {
	name     string
	sensor   sensors.Sensor
	edges    sensors.EdgeSensor // the same sensor, where it reports edges instead of being read at a rate
	every    time.Duration
	encoder  encoders.Encoder
	neuron   int
	electric bool
	units    float64 // of a direct arrival
	water    int32   // the same in the neuron's water
	ended    bool    // a recording is over

	mutex  sync.Mutex // guards what telemetry reads
	value  int64
	at     time.Duration
	seen   bool
	faults int
	err    error
}

// outputLine is one actuator with its decoder.
type outputLine struct {
	name     string
	guard    *actuators.Guard
	label    *actuators.Label // set when the actuator names a command instead of moving something
	decoder  encoders.Decoder
	failsafe actuators.Command // what silence of the decoder commands
	wish     actuators.Command // last handed on
	wished   bool

	mailbox atomic.Int64  // real time only: the latest wish
	wake    chan struct{} // real time only: the mailbox has been filled
}

type route struct{ output, input int }

// edgeStep is how often edge sensors are looked at in virtual time: the integration step of the simulated worlds.
const edgeStep = time.Millisecond

// assemble makes all parts of a robot. Whatever was opened is closed again when it fails.
func assemble(config *configs.Robot, seed uint64, clock func() time.Duration, log *slog.Logger) (r *robot, err error) {
	r = &robot{config: config, clock: clock, log: log, neurons: map[string]int{}}
	defer func() {
		if err != nil {
			r.halt()
		}
	}()
	if err := r.buildNetwork(); err != nil {
		return nil, err
	}
	if err := r.openBoard(seed); err != nil {
		return nil, err
	}
	recordings := map[string]*sensors.Recording{}
	for _, s := range config.Sensors {
		if err := r.addSensor(s, recordings); err != nil {
			return nil, fmt.Errorf("sensor %s: %w", s.Name, err)
		}
	}
	for _, a := range config.Actuators {
		if err := r.addOutput(a); err != nil {
			return nil, fmt.Errorf("actuator %s: %w", a.Name, err)
		}
	}
	return r, nil
}

func (r *robot) buildNetwork() error {
	var d core.Description
	for i, n := range r.config.Network.Neurons {
		r.neurons[n.Name] = i
		d.Neurons = append(d.Neurons, core.Neuron{Name: n.Name, Threshold: n.Value.Threshold, Leak: n.Value.Leak, Floor: n.Value.Floor,
			Refractory: core.Tick(n.Value.Refractory.Microseconds())})
	}
	for _, s := range r.config.Network.Synapses {
		kind := core.Direct
		if s.Kind == "electric" {
			kind = core.Electric
		}
		d.Synapses = append(d.Synapses, core.Synapse{From: r.neurons[s.From], To: r.neurons[s.To], Kind: kind, Weight: s.Weight,
			Delay: core.Tick(s.Delay.Microseconds())})
	}
	var err error
	if r.network, err = core.Build(d); err != nil {
		return fmt.Errorf("network: %w", err)
	}
	r.routes = make([][]route, len(d.Neurons))
	return nil
}

func (r *robot) openBoard(seed uint64) error {
	switch r.config.Board.Kind {
	case "sim":
		b := sim.New(r.clock)
		r.board = b
		if r.config.Board.World == "arena" {
			r.arena = sim.NewArena(b, sim.ArenaOpts{Seed: seed, Relight: r.config.Board.Relight})
		}
	case "raspberrypi":
		b, err := raspberrypi.New(r.log)
		if err != nil {
			return fmt.Errorf("board raspberrypi: %w", err)
		}
		r.board = b
	default:
		return fmt.Errorf("board %q: expected sim or raspberrypi", r.config.Board.Kind)
	}
	return nil
}

// recording loads a data file once for all that read it.
func (r *robot) recording(file string, known map[string]*sensors.Recording) (*sensors.Recording, error) {
	if rec := known[file]; rec != nil {
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
	known[file] = rec
	return rec, nil
}

func (r *robot) addSensor(s configs.Named[configs.Sensor], recordings map[string]*sensors.Recording) error {
	c := s.Value
	line := &sensorLine{name: s.Name, every: c.Every, neuron: r.neurons[c.Encode.To], electric: c.Encode.Weight == nil}
	var err error
	switch c.Device {
	case "bh1750":
		line.sensor, err = r.openBH1750(c)
	case "button":
		line.edges, err = r.openButton(c)
		line.sensor = line.edges
	case "log":
		var rec *sensors.Recording
		if rec, err = r.recording(c.File, recordings); err == nil {
			line.sensor, err = sensors.NewLog(rec, sensors.LogOpts{Column: c.Column, Unit: c.Unit, Every: c.Every, Loop: c.Loop})
		}
	default:
		err = fmt.Errorf("device %q: unknown", c.Device)
	}
	if err != nil {
		return err
	}
	if line.encoder, err = newEncoder(c.Encode, line.every); err != nil {
		return err
	}
	if !line.electric {
		line.units = *c.Encode.Weight
		if line.water, err = r.network.PourWater(line.neuron, line.units); err != nil {
			return fmt.Errorf("encode: weight: %w", err)
		}
	}
	r.sensors = append(r.sensors, line)
	return nil
}

func (r *robot) openBH1750(c configs.Sensor) (sensors.Sensor, error) {
	bus, err := r.board.Bus(c.Bus)
	if err != nil {
		return nil, err
	}
	opts := sensors.DefaultBH1750Opts
	switch c.Resolution {
	case "high":
		opts.Resolution = sensors.BH1750High
	case "high2":
		opts.Resolution = sensors.BH1750High2
	default:
		opts.Resolution = sensors.BH1750Low
	}
	return sensors.NewBH1750(bus, c.Address, &opts)
}

func (r *robot) openButton(c configs.Sensor) (sensors.EdgeSensor, error) {
	pin, err := r.board.Pin(c.Pin)
	if err != nil {
		return nil, err
	}
	pull := map[string]gpio.Pull{"up": gpio.PullUp, "down": gpio.PullDown, "none": gpio.Float}[c.Pull]
	return sensors.NewButton(pin, &sensors.ButtonOpts{Pull: pull, ActiveLow: pull == gpio.PullUp, Debounce: c.Debounce})
}

func newEncoder(c configs.Encode, every time.Duration) (encoders.Encoder, error) {
	switch c.Kind {
	case "rate":
		return encoders.NewRate(c.Range[0].Micro, c.Range[1].Micro, int64(c.Max), every)
	case "latency":
		return encoders.NewLatency(c.Range[0].Micro, c.Range[1].Micro, c.Window)
	case "edge":
		return encoders.NewEdge(c.On != "release", c.On != "press")
	case "threshold":
		opts := encoders.ThresholdOpts{Hysteresis: c.Hysteresis.Micro, Repeat: c.Repeat}
		if c.Below != nil {
			opts.Limit, opts.Below = c.Below.Micro, true
		} else {
			opts.Limit = c.Above.Micro
		}
		return encoders.NewThreshold(opts)
	}
	return nil, fmt.Errorf("encoder %q: expected rate, latency, edge or threshold", c.Kind)
}

func (r *robot) addOutput(a configs.Named[configs.Actuator]) error {
	c := a.Value
	line := &outputLine{name: a.Name, wake: make(chan struct{}, 1), failsafe: command(c.Failsafe)}
	device, err := r.openActuator(a, line)
	if err != nil {
		return err
	}
	opts := actuators.GuardOpts{Min: command(c.Range[0]), Max: command(c.Range[1]), Slew: actuators.Command(c.Slew), Failsafe: line.failsafe}
	if line.label != nil {
		line.failsafe = -1
		opts = actuators.GuardOpts{Min: -1, Max: actuators.Command(max(0, len(c.Decode.Choices)-1)), Failsafe: -1}
	}
	if line.guard, err = actuators.NewGuard(device, opts); err != nil {
		return err
	}
	inputs, err := line.listen(c.Decode)
	if err != nil {
		return err
	}
	r.outputs = append(r.outputs, line)
	for input, neuron := range inputs {
		if neuron != "" {
			i := r.neurons[neuron]
			r.routes[i] = append(r.routes[i], route{output: len(r.outputs) - 1, input: input})
		}
	}
	return nil
}

// command converts full scales of a configuration to millionths.
func command(fullScales float64) actuators.Command {
	return actuators.Command(math.Round(fullScales * float64(actuators.Full)))
}

func (r *robot) openActuator(a configs.Named[configs.Actuator], line *outputLine) (actuators.Device, error) {
	c := a.Value
	if c.Device == "label" {
		var names []string
		for _, choice := range c.Decode.Choices {
			names = append(names, choice.Value.Word)
		}
		line.label = actuators.NewLabel(a.Name, names)
		return line.label, nil
	}
	pwm, err := r.board.Pin(c.PWM)
	if err != nil {
		return nil, err
	}
	switch c.Device {
	case "hbridge":
		direction, err := r.board.Pin(c.Direction)
		if err != nil {
			return nil, err
		}
		opts := actuators.DefaultHBridgeOpts
		opts.Inverted = c.Inverted
		if c.Frequency != 0 {
			opts.Frequency = c.Frequency.Physic()
		}
		return actuators.NewHBridge(pwm, direction, &opts)
	case "servo":
		opts := actuators.DefaultServoOpts
		opts.Min, opts.Max = c.MinPulse, c.MaxPulse
		if c.Frequency != 0 {
			opts.Frequency = c.Frequency.Physic()
		}
		return actuators.NewServo(pwm, &opts)
	}
	return nil, fmt.Errorf("device %q: expected hbridge, servo or label", c.Device)
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

// sense reads one sensor. It reports false when there is no reading: the sensor failed (counted, told once) or its recording is
// over.
func (r *robot) sense(line *sensorLine, at time.Duration) (int64, bool) {
	value, err := line.sensor.Sample(at)
	line.mutex.Lock()
	failed, recovered := err != nil && line.err == nil, err == nil && line.err != nil
	line.err = err
	if err == nil {
		line.value, line.at, line.seen = value, at, true
	} else if !errors.Is(err, io.EOF) {
		line.faults++
	}
	line.mutex.Unlock()
	switch {
	case errors.Is(err, io.EOF):
		if !line.ended {
			line.ended = true
			r.log.Debug("recording is over", "sensor", line.name)
		}
	case failed:
		r.log.Warn("sensor does not answer; trying again", "sensor", line.name, "error", err)
	case recovered:
		r.log.Info("sensor answers again", "sensor", line.name)
	}
	return value, err == nil
}

// feed encodes a reading into spikes and hands them to the network.
func (r *robot) feed(line *sensorLine, at core.Tick, value int64) {
	r.arrival = line.encoder.Encode(at, value, r.arrival[:0])
	for _, t := range r.arrival {
		if now := r.network.Now(); t < now {
			t = now
			r.late++
		}
		var err error
		if line.electric {
			err = r.network.Excite(t, line.neuron)
		} else {
			err = r.network.Pour(t, line.neuron, line.water)
		}
		if err != nil { // neither past nor unknown: a mistake of ours
			panic(fmt.Sprintf("sensor %s: spike at %d: %v", line.name, t, err))
		}
	}
}

// think advances the network past a tick and shows its spikes to the decoders.
func (r *robot) think(at core.Tick) {
	r.spikes = r.network.Advance(at+1, r.spikes[:0])
	for _, s := range r.spikes {
		for _, to := range r.routes[s.Neuron] {
			r.outputs[to.output].decoder.Spike(s.At, to.input)
		}
	}
	for _, o := range r.outputs {
		o.decoder.Expire(at)
	}
}

// decide reads a decoder; it reports false while the command is the one that was handed on last.
func (o *outputLine) decide() (actuators.Command, bool) {
	c := o.failsafe
	if value, ok := o.decoder.Command(); ok {
		c = actuators.Command(value)
	}
	if o.wished && c == o.wish {
		return c, false
	}
	o.wish, o.wished = c, true
	return c, true
}

// next returns when the network or a decoder wants attention, and false when neither does.
func (r *robot) next() (core.Tick, bool) {
	next, waiting := r.network.Next()
	for _, o := range r.outputs {
		if t, ok := o.decoder.Next(); ok && (!waiting || t < next) {
			next, waiting = t, true
		}
	}
	return next, waiting
}

// start writes the failsafe value to every actuator, before anything else may.
func (r *robot) start(at time.Duration) error {
	for _, o := range r.outputs {
		if err := o.guard.Start(at); err != nil {
			return fmt.Errorf("actuator %s: %w", o.name, err)
		}
	}
	return nil
}

// failsafe brings every actuator to its failsafe value for good. It may be called from any goroutine, any number of times.
func (r *robot) failsafe() error {
	var errs []error
	for _, o := range r.outputs {
		if o.guard == nil {
			continue
		}
		if err := o.guard.Failsafe(); err != nil {
			errs = append(errs, fmt.Errorf("actuator %s: %w", o.name, err))
		}
	}
	return errors.Join(errs...)
}

// halt brings the actuators to failsafe and lets go of sensors and board.
func (r *robot) halt() error {
	errs := []error{r.failsafe()}
	for _, s := range r.sensors {
		if err := s.sensor.Halt(); err != nil {
			errs = append(errs, fmt.Errorf("sensor %s: %w", s.name, err))
		}
	}
	if r.board != nil {
		errs = append(errs, r.board.Halt())
	}
	return errors.Join(errs...)
}

// protect is deferred by every goroutine that a robot lives on: a panic anywhere brings the actuators to failsafe before it ends
// the process.
func (r *robot) protect() {
	if p := recover(); p != nil {
		r.log.Error("panic: actuators go to failsafe", "panic", p)
		if err := r.failsafe(); err != nil {
			r.log.Error("failsafe", "error", err)
		}
		panic(p)
	}
}
