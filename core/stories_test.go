package core

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// The stories in testdata show what each mechanism does. testdata/README.md says how to read and write them. Each runs on the
// engine and on the naive model, which must agree; -rewrite writes what they say into the files.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d stories, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &story{file: file, lines: strings.Split(string(text), "\n")}
			datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
				t.Helper()
				number, err := strconv.Atoi(d.Pos[strings.LastIndexByte(d.Pos, ':')+1:])
				if err != nil {
					t.Fatal(err)
				}
				output, err := s.command(number)
				if err != nil {
					t.Fatal(err)
				}
				return output
			})
		})
	}
}

// A story is a script that is being played.
type story struct {
	file     string
	lines    []string
	engine   *Network
	model    *naive
	neurons  []Neuron
	synapses []Synapse
}

// mistake is an error at a line of the script, counted from 1.
func (s *story) mistake(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", s.file, line, fmt.Errorf(format, args...))
}

// statement is a line of a command, with the indented lines that continue it.
type statement struct {
	line  int
	words []string
}

// command runs the command at a line and returns its output.
func (s *story) command(line int) (string, error) {
	words := strings.Fields(s.lines[line-1])
	var statements []statement
	end := line
	for ; end < len(s.lines) && s.lines[end] != "----"; end++ {
		text, _, _ := strings.Cut(s.lines[end], "#")
		switch fields := strings.Fields(text); {
		case len(fields) == 0:
		case strings.TrimLeft(text, " \t") != text && len(statements) > 0:
			last := &statements[len(statements)-1]
			last.words = append(last.words, fields...)
		default:
			statements = append(statements, statement{line: end + 1, words: fields})
		}
	}
	if end == len(s.lines) {
		return "", s.mistake(line, "%s: expected a line ---- after the command, and its output below", words[0])
	}
	switch words[0] {
	case "network":
		if len(words) > 1 {
			return "", s.mistake(line, "network: expected the neurons and synapses on the lines below, got %q", words[1])
		}
		return s.build(statements)
	case "play":
		if len(words) != 3 || words[1] != "until" {
			return "", s.mistake(line, `play: expected "play until TIME", such as "play until 50ms"`)
		}
		until, err := moment(words[2])
		if err != nil {
			return "", s.mistake(line, "play: %w", err)
		}
		if s.engine == nil {
			return "", s.mistake(line, "play: expected a network before")
		}
		if until <= s.engine.Now() {
			return "", s.mistake(line, "play: expected a time after %s, which the story has reached, got %s", clock(s.engine.Now()),
				words[2])
		}
		return s.play(statements, until)
	}
	return "", s.mistake(line, "%q: expected network or play", words[0])
}

// build makes the network of a story.
func (s *story) build(statements []statement) (string, error) {
	s.neurons, s.synapses = nil, nil
	d := Description{Seed: 1} // the default of a robot file
	var linesOfNeurons, linesOfSynapses []int
	for _, st := range statements {
		switch {
		case st.words[0] == "neuron" && len(st.words) > 1:
			name := st.words[1]
			if strings.Contains(name, "=") {
				return "", s.mistake(st.line, "neuron: expected a name before %q", name)
			}
			if s.neuron(name) >= 0 {
				return "", s.mistake(st.line, "neuron %s: there is one of this name", name)
			}
			n := Neuron{Name: name, Threshold: 100, Leak: 1000, Refractory: 1000} // the defaults of a robot file
			if err := assign(&n, neuronKeys, st.words[2:]); err != nil {
				return "", s.mistake(st.line, "neuron %s: %w", name, err)
			}
			s.neurons, linesOfNeurons = append(s.neurons, n), append(linesOfNeurons, st.line)
		case st.words[0] == "synapse" && len(st.words) > 3 && st.words[2] == "->":
			way := strings.Join(st.words[1:4], " ")
			one := Synapse{From: s.neuron(st.words[1]), To: s.neuron(st.words[3]), Delay: 1000}
			if one.From < 0 || one.To < 0 {
				return "", s.mistake(st.line, "synapse %s: expected two of the neurons above: %s", way, s.names())
			}
			if err := assign(&one, synapseKeys, st.words[4:]); err != nil {
				return "", s.mistake(st.line, "synapse %s: %w", way, err)
			}
			s.synapses, linesOfSynapses = append(s.synapses, one), append(linesOfSynapses, st.line)
		case st.words[0] == "seed" && len(st.words) == 2:
			var err error
			if d.Seed, err = strconv.ParseUint(st.words[1], 10, 64); err != nil {
				return "", s.mistake(st.line, "seed %q: expected a whole number of at least 0", st.words[1])
			}
		default:
			return "", s.mistake(st.line, `%q: expected "neuron NAME key=value ..." or "synapse FROM -> TO key=value ..."`,
				strings.Join(st.words, " "))
		}
	}
	d.Neurons, d.Synapses = s.neurons, s.synapses
	engine, err := Build(d)
	if fault := (*Fault)(nil); errors.As(err, &fault) {
		if fault.Synapse >= 0 {
			return "", s.mistake(linesOfSynapses[fault.Synapse], "%w", err)
		}
		return "", s.mistake(linesOfNeurons[fault.Neuron], "%w", err)
	}
	if err != nil {
		return "", err
	}
	s.engine, s.model = engine, newNaive(d)
	return fmt.Sprintf("neurons: %d, synapses: %d", len(s.neurons), len(s.synapses)), nil
}

// The order of events of one time.
const (
	shows = iota
	tunes
	stimulates
)

// event is a statement at one of its times.
type event struct {
	at    Tick
	order int
	line  int
	// What is shown or tuned: the index of one of them; the other is -1.
	neuron, synapse int
	keys            []string // what is tuned, as key=value
	stimulus        stimulus
}

// play runs both models until a time and returns what is seen.
func (s *story) play(statements []statement, until Tick) (string, error) {
	var events []event
	for _, st := range statements {
		times, e, err := s.event(st.words)
		if err != nil {
			return "", s.mistake(st.line, "%w", err)
		}
		for _, at := range times {
			if at < s.engine.Now() || at > until || at == until && e.order != shows {
				return "", s.mistake(st.line, "at %s: expected a time from %s to before %s", clock(at), clock(s.engine.Now()), clock(until))
			}
			e.at, e.line, e.stimulus.at = at, st.line, at
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order)) })
	var engine, model []string
	advance := func(to Tick) {
		engine = append(engine, s.spikes(s.engine.Advance(to, nil))...)
		model = append(model, s.spikes(s.model.run(int64(to)))...)
		s.model.pass()
	}
	for i := 0; i < len(events); i++ {
		e := &events[i]
		advance(e.at)
		switch e.order {
		case shows:
			seen, expected := s.show(e)
			engine, model = append(engine, seen), append(model, expected)
		case tunes:
			last := i
			for last+1 < len(events) && events[last+1].at == e.at && events[last+1].order == tunes {
				last++
			}
			outcome, err := s.tune(events[i : last+1])
			if err != nil {
				return "", err
			}
			engine, model = append(engine, outcome), append(model, outcome)
			i = last
		case stimulates:
			var err fatal
			stimulate(&err, s.engine, []stimulus{e.stimulus})
			if err.err != nil {
				return "", s.mistake(e.line, "%w", err.err)
			}
			s.model.input([]stimulus{e.stimulus})
		}
	}
	advance(until)
	if !slices.Equal(engine, model) {
		return "", fmt.Errorf("%s: the engine and the naive model disagree.\nThe engine:\n%s\nThe naive model:\n%s", s.file,
			strings.Join(engine, "\n"), strings.Join(model, "\n"))
	}
	if len(engine) == 0 {
		return "no spikes", nil
	}
	return strings.Join(engine, "\n"), nil
}

// fatal keeps the error of a call that would end a test.
type fatal struct{ err error }

func (f *fatal) Fatal(args ...any) { f.err = errors.New(fmt.Sprint(args...)) }

// event reads a statement of play. It returns its times, and the event that happens at each.
func (s *story) event(words []string) (times []Tick, e event, err error) {
	before := slices.Index(words, "at")
	if before < 0 || before == len(words)-1 {
		return nil, e, fmt.Errorf("%q: expected a time at the end, such as at 10ms", strings.Join(words, " "))
	}
	if times, err = moments(words[before+1:]); err != nil {
		return nil, e, err
	}
	e = event{neuron: -1, synapse: -1}
	verb, rest := words[0], words[1:max(1, before)]
	switch {
	case verb == "spike" && len(rest) == 1:
		e.order, e.stimulus = stimulates, stimulus{electric: true}
		e.stimulus.neuron, err = s.find(rest[0])
	case verb == "pour" && len(rest) == 3 && rest[1] == "into":
		e.order = stimulates
		if e.stimulus.neuron, err = s.find(rest[2]); err == nil {
			if e.stimulus.units, err = strconv.ParseFloat(rest[0], 64); err != nil {
				err = fmt.Errorf("pour %q: expected a number of units, such as 60", rest[0])
			}
		}
	case (verb == "show" || verb == "tune") && len(rest) > 0:
		if verb == "tune" {
			e.order = tunes
		}
		if len(rest) > 2 && rest[1] == "->" {
			e.synapse, err = s.findSynapse(rest[0], rest[2])
			e.keys = rest[3:]
		} else {
			e.neuron, err = s.find(rest[0])
			e.keys = rest[1:]
		}
		if err == nil && (len(e.keys) > 0) != (verb == "tune") {
			err = fmt.Errorf("%s: expected key=value after what is tuned, and nothing after what is shown",
				strings.Join(words[:before], " "))
		}
		if err == nil && verb == "show" && e.synapse >= 0 && s.synapses[e.synapse].Plastic == nil {
			err = fmt.Errorf("show %s: the synapse is not plastic: its weight stays", strings.Join(rest, " "))
		}
	default:
		err = fmt.Errorf("%q: expected spike NEURON, pour UNITS into NEURON, show NEURON, show FROM -> TO, tune NEURON key=value, or "+
			"tune FROM -> TO key=value, and then at TIME", strings.Join(words, " "))
	}
	return times, e, err
}

// tune makes one request of all changes of one time.
func (s *story) tune(events []event) (string, error) {
	d := s.engine.Description()
	change := Tuning{Neurons: map[int]Neuron{}, Synapses: map[int]Synapse{}}
	for _, e := range events {
		var err error
		if e.synapse >= 0 {
			err = assign(&d.Synapses[e.synapse], synapseKeys, e.keys)
			change.Synapses[e.synapse] = d.Synapses[e.synapse]
		} else {
			err = assign(&d.Neurons[e.neuron], neuronKeys, e.keys)
			change.Neurons[e.neuron] = d.Neurons[e.neuron]
		}
		if err != nil {
			return "", s.mistake(e.line, "tune: %w", err)
		}
	}
	at := events[0].at
	if err := s.engine.Tune(change); err != nil {
		return seen(at, "refused: "+err.Error()), nil
	}
	s.model.tune(change)
	return seen(at, "tuned"), nil
}

// show says how a neuron or a synapse stands just before what happens at a time, in the engine and in the naive model.
func (s *story) show(e *event) (engine, model string) {
	if e.synapse >= 0 {
		one := s.synapses[e.synapse]
		text := func(long, short float64) string {
			return seen(e.at, fmt.Sprintf("%s -> %s: long-term weight %g, short-term part %g", s.neurons[one.From].Name,
				s.neurons[one.To].Name, long, short))
		}
		long, short, err := s.engine.Weight(e.synapse)
		if err != nil {
			panic(err) // event has checked it
		}
		return text(long, short), text(s.model.weight(e.synapse))
	}
	return s.observation(e, observed(s.engine, e.neuron)), s.observation(e, s.model.observed(e.neuron))
}

func (s *story) observation(e *event, o observation) string {
	text := fmt.Sprintf("%s: level %g, threshold %g", s.neurons[e.neuron].Name, o.level, o.threshold)
	if slices.ContainsFunc(s.synapses, func(one Synapse) bool { return one.Kind == Modulator && one.To == e.neuron }) {
		text += fmt.Sprintf(", modulation %d", o.modulation)
	}
	if o.refractoryUntil > 0 {
		text += ", refractory until " + clock(o.refractoryUntil)
	}
	return seen(e.at, text)
}

func (s *story) spikes(spikes []Spike) (all []string) {
	for _, spike := range spikes {
		all = append(all, seen(spike.At, s.neurons[spike.Neuron].Name+" spikes"))
	}
	return all
}

func seen(at Tick, what string) string { return fmt.Sprintf("%-9s %s", clock(at), what) }

func (s *story) neuron(name string) int {
	return slices.IndexFunc(s.neurons, func(n Neuron) bool { return n.Name == name })
}

func (s *story) names() string {
	var all []string
	for _, n := range s.neurons {
		all = append(all, n.Name)
	}
	return strings.Join(all, ", ")
}

func (s *story) find(name string) (int, error) {
	i := s.neuron(name)
	if i < 0 {
		return i, fmt.Errorf("neuron %s: the network has none of this name: expected %s", name, s.names())
	}
	return i, nil
}

func (s *story) findSynapse(from, to string) (found int, err error) {
	found = -1
	for i, one := range s.synapses {
		if s.neurons[one.From].Name != from || s.neurons[one.To].Name != to {
			continue
		}
		if found >= 0 {
			return -1, fmt.Errorf("%s -> %s: the network has two such synapses: give it one, or put a neuron between", from, to)
		}
		found = i
	}
	if found < 0 {
		return found, fmt.Errorf("%s -> %s: the network has no such synapse", from, to)
	}
	return found, nil
}

// setters set the properties of a T, by the keys of a robot file.
type setters[T any] map[string]func(*T, string) error

// assign sets properties by texts such as threshold=100.
func assign[T any](to *T, keys setters[T], texts []string) error {
	for _, text := range texts {
		key, value, found := strings.Cut(text, "=")
		if !found {
			return fmt.Errorf("%q: expected key=value", text)
		}
		set, known := keys[key]
		if !known {
			return fmt.Errorf("unknown key %q: expected %s", key, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
		}
		if err := set(to, value); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

var neuronKeys = setters[Neuron]{
	"threshold":  inUnits(func(n *Neuron) *float64 { return &n.Threshold }),
	"leak":       perSecond(func(n *Neuron) *float64 { return &n.Leak }),
	"floor":      inUnits(func(n *Neuron) *float64 { return &n.Floor }),
	"refractory": duration(func(n *Neuron) *Tick { return &n.Refractory }),
	"pacemaker":  duration(func(n *Neuron) *Tick { return &n.Pacemaker }),
	"noise.rate": perSecond(func(n *Neuron) *float64 { return &there(&n.Noise).Rate }),
	"noise.spikes": between(strconv.Atoi, func(n *Neuron) (least, most *int) {
		return &there(&n.Noise).SpikesMin, &there(&n.Noise).SpikesMax
	}),
	"noise.interval": between(moment, func(n *Neuron) (least, most *Tick) {
		return &there(&n.Noise).IntervalMin, &there(&n.Noise).IntervalMax
	}),
	"pattern.period": duration(func(n *Neuron) *Tick { return &there(&n.Pattern).Period }),
	"pattern.times": func(n *Neuron, text string) (err error) {
		there(&n.Pattern).Times, err = moments(strings.Split(text, ","))
		return err
	},
	"adaptation.rate":       inUnits(func(n *Neuron) *float64 { return &there(&n.Adaptation).Rate }),
	"adaptation.tolerance":  whole(func(n *Neuron) *int { return &there(&n.Adaptation).Tolerance }),
	"adaptation.max":        inUnits(func(n *Neuron) *float64 { return &there(&n.Adaptation).Max }),
	"adaptation.recovery":   perSecond(func(n *Neuron) *float64 { return &there(&n.Adaptation).Recovery }),
	"habituation.rate":      inUnits(func(n *Neuron) *float64 { return &there(&n.Habituation).Rate }),
	"habituation.max":       inUnits(func(n *Neuron) *float64 { return &there(&n.Habituation).Max }),
	"habituation.recovery":  perSecond(func(n *Neuron) *float64 { return &there(&n.Habituation).Recovery }),
	"burst.overshoot":       inUnits(func(n *Neuron) *float64 { return &there(&n.Burst).Overshoot }),
	"burst.interval":        duration(func(n *Neuron) *Tick { return &there(&n.Burst).Interval }),
	"burst.max":             whole(func(n *Neuron) *int { return &there(&n.Burst).Max }),
	"modulation.leak":       perSecond(func(n *Neuron) *float64 { return &n.ModulationLeak }),
	"receptors.threshold":   inUnits(func(n *Neuron) *float64 { return &n.Receptors.Threshold }),
	"receptors.adaptation":  inUnits(func(n *Neuron) *float64 { return &n.Receptors.Adaptation }),
	"receptors.habituation": inUnits(func(n *Neuron) *float64 { return &n.Receptors.Habituation }),
	"receptors.stp":         inUnits(func(n *Neuron) *float64 { return &n.Receptors.ShortTerm }),
	"receptors.ltp":         inUnits(func(n *Neuron) *float64 { return &n.Receptors.LongTerm }),
	"receptors.pacemaker": func(n *Neuron, text string) error {
		shift, err := moment(text)
		n.Receptors.Pacemaker = float64(shift)
		return err
	},
}

var synapseKeys = setters[Synapse]{
	"kind": func(s *Synapse, text string) error {
		for _, kind := range []Kind{Direct, Electric, Modulator} {
			if kind.String() == text {
				s.Kind = kind
				return nil
			}
		}
		return fmt.Errorf("expected %v, %v or %v", Direct, Electric, Modulator)
	},
	"weight":                    inUnits(func(s *Synapse) *float64 { return &s.Weight }),
	"delay":                     duration(func(s *Synapse) *Tick { return &s.Delay }),
	"plastic.window":            duration(func(s *Synapse) *Tick { return &there(&s.Plastic).Window }),
	"plastic.min":               inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).Min }),
	"plastic.max":               inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).Max }),
	"plastic.stp.rate":          inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).ShortTerm.Rate }),
	"plastic.stp.depression":    inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).ShortTerm.Depression }),
	"plastic.stp.unpaired":      inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).ShortTerm.Unpaired }),
	"plastic.stp.recovery":      perSecond(func(s *Synapse) *float64 { return &there(&s.Plastic).ShortTerm.Recovery }),
	"plastic.stp.max":           inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).ShortTerm.Max }),
	"plastic.ltp.rate":          inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).LongTerm.Rate }),
	"plastic.ltp.depression":    inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).LongTerm.Depression }),
	"plastic.ltp.consolidation": inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).LongTerm.Consolidation }),
	"plastic.ltp.share":         inUnits(func(s *Synapse) *float64 { return &there(&s.Plastic).LongTerm.Share }),
}

// there returns what a pointer points to. It makes it if the pointer is nil.
func there[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

// inUnits reads an amount in units.
func inUnits[T any](field func(*T) *float64) func(*T, string) error {
	return func(to *T, text string) (err error) {
		if *field(to), err = strconv.ParseFloat(text, 64); err != nil {
			return errors.New("expected a number of units, such as 60")
		}
		return nil
	}
}

// perSecond reads a rate such as 2000/s.
func perSecond[T any](field func(*T) *float64) func(*T, string) error {
	return func(to *T, text string) (err error) {
		number, unit := strings.CutSuffix(text, "/s")
		if *field(to), err = strconv.ParseFloat(number, 64); err != nil || !unit && text != "0" {
			return errors.New("expected a number a second, such as 2000/s")
		}
		return nil
	}
}

// duration reads a time such as 5ms.
func duration[T any](field func(*T) *Tick) func(*T, string) error {
	return func(to *T, text string) (err error) {
		*field(to), err = moment(text)
		return err
	}
}

// between reads one value, or a range such as 20..40.
func between[T, V any](read func(string) (V, error), fields func(*T) (least, most *V)) func(*T, string) error {
	return func(to *T, text string) (err error) {
		least, most := fields(to)
		low, high, ranged := strings.Cut(text, "..")
		if *least, err = read(low); err != nil {
			return fmt.Errorf("expected one value, or a range such as 20..40: %w", err)
		}
		if *most = *least; ranged {
			*most, err = read(high)
		}
		return err
	}
}

func whole[T any](field func(*T) *int) func(*T, string) error {
	return func(to *T, text string) (err error) {
		if *field(to), err = strconv.Atoi(text); err != nil {
			return errors.New("expected a whole number, such as 2")
		}
		return nil
	}
}

// moment reads a time: 5ms, 250us, 1.5s.
func moment(text string) (Tick, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Microsecond != 0 {
		return 0, fmt.Errorf("%q: expected a time of whole microseconds, such as 5ms, 250us or 1.5s", text)
	}
	return Tick(d / time.Microsecond), nil
}

// moments reads times such as "10ms", "10ms, 20ms" and "0ms, 4ms ... 76ms".
func moments(words []string) (times []Tick, err error) {
	for i, word := range words {
		if word == "..." {
			if i < 2 || i != len(words)-2 {
				return nil, errors.New(`"...": expected two times before it and one behind, such as 0ms, 4ms ... 20ms`)
			}
			continue
		}
		t, err := moment(strings.TrimSuffix(word, ","))
		if err != nil {
			return nil, err
		}
		times = append(times, t)
	}
	if slices.Contains(words, "...") {
		first, second, last := times[len(times)-3], times[len(times)-2], times[len(times)-1]
		if second <= first || last < second || (last-first)%(second-first) != 0 {
			return nil, fmt.Errorf("%s: expected rising times with even steps", strings.Join(words, " "))
		}
		times = times[:len(times)-1]
		for t := second + (second - first); t <= last; t += second - first {
			times = append(times, t)
		}
	}
	return times, nil
}

// clock writes a time in milliseconds.
func clock(t Tick) string { return strconv.FormatFloat(float64(t)/1000, 'f', -1, 64) + "ms" }

// A mistake in a story is reported with its line, and with what was expected.
func TestStoryMistakes(t *testing.T) {
	const network = "network\nneuron eye\nneuron motor\nsynapse eye -> motor weight=60\n----\n"
	for _, c := range []struct{ script, want string }{
		{"net\n----\n", `s.txt:1: "net": expected network or play`},
		{"network\nneuron eye\n", "s.txt:1: network: expected a line ---- after the command, and its output below"},
		{"network eye\n----\n", `s.txt:1: network: expected the neurons and synapses on the lines below, got "eye"`},
		{"network\nneuron eye\n\nneuron eye\n----\n", "s.txt:4: neuron eye: there is one of this name"},
		{"network\nneuron threshold=5\n----\n", `s.txt:2: neuron: expected a name before "threshold=5"`},
		{"network\nneuron eye treshold=5\n----\n",
			`s.txt:2: neuron eye: unknown key "treshold": expected adaptation.max, adaptation.rate, `},
		{"network\nneuron eye\n  leak=5\n----\n", "s.txt:2: neuron eye: leak=5: expected a number a second, such as 2000/s"},
		{"network\nneuron eye refractory=5\n----\n",
			`s.txt:2: neuron eye: refractory=5: "5": expected a time of whole microseconds, such as 5ms, 250us or 1.5s`},
		{"network\nneuron eye threshold=-1\n----\n", "s.txt:2: eye: threshold: -1 units: expected at least 0"},
		{"network\nneuron eye\n# a comment\nsynapse eye -> motor weight=60\n----\n",
			"s.txt:4: synapse eye -> motor: expected two of the neurons above: eye"},
		{"network\nneuron eye\nsynapse eye -> eye\n----\n",
			"s.txt:3: synapse 0: eye -> eye: weight: 0 does nothing: expected a weight, or no synapse"},
		{"network\nneuron eye\nsynapse eye -> eye kind=gap\n----\n",
			"s.txt:3: synapse eye -> eye: kind=gap: expected direct, electric or modulator"},
		{"network\nneurone eye\n----\n",
			`s.txt:2: "neurone eye": expected "neuron NAME key=value ..." or "synapse FROM -> TO key=value ..."`},
		{"play until 5ms\n----\n", "s.txt:1: play: expected a network before"},
		{network + "play to 5ms\n----\n", `s.txt:6: play: expected "play until TIME", such as "play until 50ms"`},
		{network + "play until 0ms\n----\n", "s.txt:6: play: expected a time after 0ms, which the story has reached, got 0ms"},
		{network + "play until 9ms\nspike ear at 1ms\n----\n",
			"s.txt:7: neuron ear: the network has none of this name: expected eye, motor"},
		{network + "play until 9ms\nspike eye at 1ms\nspike eye at 9ms\n----\n",
			"s.txt:8: at 9ms: expected a time from 0ms to before 9ms"},
		{network + "play until 9ms\nspike eye\n----\n", `s.txt:7: "spike eye": expected a time at the end, such as at 10ms`},
		{network + "play until 9ms\nspike eye at 1ms ... 5ms\n----\n",
			`s.txt:7: "...": expected two times before it and one behind, such as 0ms, 4ms ... 20ms`},
		{network + "play until 9ms\nspike eye at 1ms, 3ms ... 6ms\n----\n",
			"s.txt:7: 1ms, 3ms ... 6ms: expected rising times with even steps"},
		{network + "play until 9ms\npour water into eye at 1ms\n----\n",
			`s.txt:7: pour "water": expected a number of units, such as 60`},
		{network + "play until 9ms\npush eye at 1ms\n----\n",
			`s.txt:7: "push eye at 1ms": expected spike NEURON, pour UNITS into NEURON, show`},
		{network + "play until 9ms\nshow eye -> motor at 1ms\n----\n",
			"s.txt:7: show eye -> motor: the synapse is not plastic: its weight stays"},
		{network + "play until 9ms\nshow motor -> eye at 1ms\n----\n", "s.txt:7: motor -> eye: the network has no such synapse"},
		{network + "play until 9ms\ntune eye at 1ms\n----\n",
			"s.txt:7: tune eye: expected key=value after what is tuned, and nothing after what is shown"},
		{network + "play until 9ms\ntune eye leak=fast at 1ms\n----\n",
			"s.txt:7: tune: leak=fast: expected a number a second, such as 2000/s"},
		{network + "play until 9ms\npour 1e9 into eye at 1ms\n----\n",
			"s.txt:7: 1e+09 units need more than 2^31 microseconds to leak out at 1000 units/s"},
	} {
		s := &story{file: "s.txt", lines: strings.Split(c.script, "\n")}
		err := error(nil)
		for i, line := range s.lines {
			if word, _, _ := strings.Cut(line, " "); err == nil && (i == 0 || slices.Contains([]string{"network", "play"}, word)) {
				_, err = s.command(i + 1)
			}
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.script, err, c.want)
		}
	}
}
