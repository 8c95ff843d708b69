package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
	"fluxd/configs/amounts"
)

// What fluxctl ends with.
const (
	exitOK      = 0
	exitRefused = 1 // by the robot
	exitUsage   = 2
	exitAbsent  = 3 // no broker, no robot or no answer
	exitUnsaid  = 4 // what it had to print could not be written
)

// failure is an error with what fluxctl ends with. Every other error is one of usage.
type failure struct {
	code int
	error
}

func (f failure) Unwrap() error { return f.error }

func absent(format string, args ...any) error {
	return failure{exitAbsent, fmt.Errorf(format, args...)}
}

const defaultBroker = "tcp://127.0.0.1:1883"

// settings are the flags that every command has.
type settings struct {
	broker  string
	robot   string
	timeout time.Duration
	json    bool
	tls     protocol.TLS

	warnings io.Writer
}

// run executes a command line and returns what the process ends with.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	stderr = filter{stderr}
	root := command(stderr)
	root.SetArgs(args)
	said := &checked{Writer: stdout}
	root.SetOut(said)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case errors.Is(said.failed, syscall.EPIPE):
		return exitOK // whoever reads no more knows it
	case said.failed != nil && err != nil && !errors.Is(err, said.failed): // it was not done, and that is what counts
		err = fmt.Errorf("%w; nor can the output be written: %v", err, said.failed)
	case said.failed != nil:
		err = failure{exitUnsaid, fmt.Errorf("it was done, but what there is to say of it cannot be written: %w", said.failed)}
	}
	if err == nil {
		return exitOK
	}
	code := exitUsage
	var f failure
	if errors.As(err, &f) {
		code = f.code
	}
	asJSON, _ := root.PersistentFlags().GetBool("json")
	if asJSON || slices.Contains(args, "--json") { // a line that cannot be understood may not have been read so far
		_ = printJSON(stderr, shown(code, err)) // a program that does not read it has the code
		return code
	}
	fmt.Fprintln(stderr, "fluxctl:", err)
	if code == exitUsage {
		fmt.Fprintln(stderr, "try: fluxctl --help")
	}
	return code
}

// shownError is an error as --json prints it on the standard error output.
type shownError struct {
	Exit  int             `json:"exit"`
	Error *protocol.Error `json:"error"`
}

// shown gives errors that are not the robot's own a code as well.
func shown(code int, err error) shownError {
	var e *protocol.Error
	if !errors.As(err, &e) {
		e = &protocol.Error{Code: map[int]protocol.Code{exitUsage: "usage", exitAbsent: "absent", exitUnsaid: "unsaid", exitRefused: protocol.Internal}[code], Message: err.Error()}
	}
	return shownError{Exit: code, Error: e}
}

// command is the command line; warnings go beside what it prints.
func command(warnings io.Writer) *cobra.Command {
	s := settings{warnings: warnings}
	root := &cobra.Command{
		Use:   "fluxctl",
		Short: "read, tune and watch a robot that runs fluxd",
		Long: `fluxctl reads, tunes and watches a robot that runs fluxd, over MQTT alone.

It ends with 0 when done, 1 when the robot refused, 2 when it was called
wrongly, 3 without a broker, a robot or an answer, 4 when its own output cannot
be written. With --json errors are JSON too, on the standard error output:
{"exit": 1, "error": {"code": ...}}.`,
		Example: `  fluxctl get
  fluxctl set network.neurons.eye_l.threshold=90
  fluxctl watch
  fluxctl --broker tcp://robot.local:1883 --robot lightseeker get --json`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := root.PersistentFlags()
	// The environment is asked later, not for the default: --help would show its password.
	root.PersistentPreRun = func(*cobra.Command, []string) {
		for name, value := range map[string]*string{"broker": &s.broker, "ca": &s.tls.CA, "cert": &s.tls.Certificate, "key": &s.tls.Key} {
			if named := os.Getenv("FLUX_" + strings.ToUpper(name)); named != "" && !flags.Changed(name) {
				*value = named
			}
		}
	}
	flags.StringVar(&s.broker, "broker", defaultBroker, "URL of the MQTT broker, such as ssl://user:password@host:8883; environment: FLUX_BROKER")
	flags.StringVar(&s.robot, "robot", "", "name of the robot; needed when several are online")
	flags.DurationVar(&s.timeout, "timeout", 5*time.Second, "how long to wait for the broker, and for an answer")
	flags.BoolVar(&s.json, "json", false, "print JSON")
	flags.StringVar(&s.tls.CA, "ca", "", "file of the authority that the broker's certificate is of, PEM-encoded; environment: FLUX_CA")
	flags.StringVar(&s.tls.Certificate, "cert", "", "file of a certificate to show the broker; environment: FLUX_CERT")
	flags.StringVar(&s.tls.Key, "key", "", "file of its key; environment: FLUX_KEY")

	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if negative.MatchString(err.Error()) {
			return fmt.Errorf("%w: a number below 0 stands behind --, as in fluxctl reward praise -- -1", err)
		}
		return err
	})
	root.AddCommand(
		passwdCommand(&s),
		&cobra.Command{
			Use:   "get [path...]",
			Short: "print parameters: value, unit, range",
			Long: `get prints parameters with value, unit, range and who set them last. Without a
path it prints all; in a path, * stands for any characters but a dot. The first
names of a path may be left out where the rest is enough.`,
			Example: `  fluxctl get
  fluxctl get eye_l.threshold
  fluxctl get 'network.neurons.*.threshold'
  fluxctl get network.neurons.eye_l.threshold --json`,
			ValidArgsFunction: complete(&s, paths),
			RunE:              func(c *cobra.Command, paths []string) error { return get(c.Context(), s, paths, c.OutOrStdout()) },
		},
		withRevision(&cobra.Command{
			Use:   "set path=value... | path value",
			Short: "change parameters in one transaction",
			Long: `set changes parameters. Several are one transaction: all are checked first,
then all take effect at once, or none does. It prints what was and what is.

A value is written as in the robot file: 5ms, 200 Hz, 12 cm, 4/s, or a number
alone where the file has one. The first names of a path may be left out where
the rest is enough.`,
			Example: `  fluxctl set eye_l.threshold=90
  fluxctl set eye_l.refractory=5ms sensors.left_eye.encode.max='150 Hz'
  fluxctl set network.neurons.eye_l.threshold=90
  fluxctl set network.neurons.eye_l.threshold 90
  fluxctl set network.neurons.eye_l.threshold=90 network.neurons.eye_l.leak=1500
  fluxctl set 'network.neurons.wall[*].threshold=120'
  fluxctl set --if-rev 17 network.neurons.eye_l.threshold=90
  fluxctl set -- network.neurons.eye_l.floor -20`,
			Args:              cobra.MinimumNArgs(1),
			ValidArgsFunction: complete(&s, paths),
			RunE: func(c *cobra.Command, args []string) error {
				changes, err := parseChanges(args)
				if err != nil {
					return err
				}
				return set(c.Context(), s, changes, ifRevision(c), c.OutOrStdout())
			},
		}),
		withRevision(&cobra.Command{
			Use:   "reset [path...]",
			Short: "give parameters the values of the configuration again",
			Long:  "reset takes back what was tuned, in one transaction: of the paths, or of all parameters without one.",
			Example: `  fluxctl reset
  fluxctl reset 'network.neurons.wall[*].threshold'`,
			ValidArgsFunction: complete(&s, paths),
			RunE: func(c *cobra.Command, paths []string) error {
				return reset(c.Context(), s, protocol.Request{Paths: paths, IfRevision: ifRevision(c)}, c.OutOrStdout())
			},
		}),
		&cobra.Command{
			Use:   "reward name value",
			Short: "reward or punish the robot",
			Long: `reward brings spikes into the modulator neurons of a reward that the
configuration names: as many as the value times its gain, a negative one into
those against it.`,
			Example: `  fluxctl reward praise 3
  fluxctl reward praise -- -1`,
			Args:              cobra.ExactArgs(2),
			ValidArgsFunction: complete(&s, rewards),
			RunE: func(c *cobra.Command, args []string) error {
				value, err := amounts.Parse(args[1], "")
				if err != nil {
					return err
				}
				return spiking(c.Context(), s, "reward", protocol.Request{Reward: args[0], Value: &value}, c.OutOrStdout())
			},
		},
		&cobra.Command{
			Use:   "stimulate neuron[=count[@every]]...",
			Short: "make neurons spike",
			Long: `stimulate brings spikes into neurons by name, as if something outside had fired
them: one, or so many, and then so far apart.`,
			Example: `  fluxctl stimulate bump
  fluxctl stimulate eye_l=20@5ms eye_r=10@10ms`,
			Args:              cobra.MinimumNArgs(1),
			ValidArgsFunction: complete(&s, neurons),
			RunE: func(c *cobra.Command, args []string) error {
				trains, err := parseTrains(args)
				if err != nil {
					return err
				}
				return spiking(c.Context(), s, "stimulate", protocol.Request{Stimulate: trains}, c.OutOrStdout())
			},
		},
		&cobra.Command{
			Use:   "spikes",
			Short: "show the spikes, live",
			Long: `spikes shows who spikes when until ctrl-C. On a terminal it draws a raster; into
a pipe it prints a line for each spike, the time since the robot's start and
the neuron. The robot publishes its spikes only while somebody looks.`,
			Example: `  fluxctl spikes
  fluxctl spikes --json > spikes.jsonl`,
			Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return spikes(c.Context(), s, c.OutOrStdout()) },
		},
		&cobra.Command{
			Use:   "load",
			Short: "go back to what was last saved",
			Long: `load makes the robot forget what it has learnt since its weights were last
saved, and go on with those.`,
			Example: "  fluxctl load",
			Args:    cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return order(c.Context(), s, "load", "loaded", c.OutOrStdout())
			},
		},
		&cobra.Command{
			Use:   "save",
			Short: "keep what the robot has learnt, and what was tuned",
			Long: `save makes the robot write the weights that it has learnt to the file that its
configuration names (learnt), which it does by itself from time to time and at
its end too; and what was tuned to another (tuning), which fluxd run --overlay
takes.`,
			Example: "  fluxctl save",
			Args:    cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return order(c.Context(), s, "save", "saved", c.OutOrStdout())
			},
		},
		armCommand(&s),
		driveCommand(&s),
		senseCommand(&s),
		&cobra.Command{
			Use:   "disarm",
			Short: "bring the actuators to failsafe",
			Long: `disarm brings the actuators to failsafe and keeps them there until fluxctl arm.
After an emergency stop it says that you have seen it.`,
			Example: "  fluxctl disarm",
			Args:    cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return order(c.Context(), s, "disarm", "disarmed", c.OutOrStdout())
			},
		},
		&cobra.Command{
			Use:   "estop",
			Short: "emergency stop",
			Long: `estop brings the actuators to failsafe at once, whatever the robot is busy with.
It goes on after fluxctl disarm and fluxctl arm. Do not rely on it alone: a
network can be down. A switch on a pin (safety.emergency_stop) and one in the
power line cannot.`,
			Example: "  fluxctl estop",
			Args:    cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				return order(c.Context(), s, stop, "stopped", c.OutOrStdout())
			},
		},
		&cobra.Command{
			Use:   "watch",
			Short: "show sensors, actuators and health, live",
			Long: `watch shows sensors, actuators, health, the latest changes of parameters and
events until ctrl-C. On a terminal it draws a table; into a pipe or with --json
it prints a line for each message.`,
			Example: `  fluxctl watch
  fluxctl watch --json | grep tele/sensors`,
			Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return watch(c.Context(), s, c.OutOrStdout()) },
		},
	)
	return root
}

// withRevision adds a flag by which two who tune at once notice each other.
func withRevision(c *cobra.Command) *cobra.Command {
	c.Flags().Uint64(revisionFlag, 0, "only if nobody has tuned since this revision, which set, reset and get --json print")
	return c
}

func ifRevision(c *cobra.Command) *protocol.Revision {
	if !c.Flags().Changed(revisionFlag) {
		return nil
	}
	n, _ := c.Flags().GetUint64(revisionFlag) // it is there, and was parsed
	revision := protocol.Revision(n)
	return &revision
}

// parseChanges reads path=value arguments, or a path and a value. What the values are depends on the robot's units; here they have to begin with
// a number.
func parseChanges(args []string) (map[string]string, error) {
	if len(args) == 2 && !strings.Contains(args[0], "=") {
		args = []string{args[0] + "=" + args[1]}
	}
	changes := map[string]string{}
	for _, arg := range args {
		path, text, found := strings.Cut(arg, "=")
		if !found || path == "" {
			return nil, fmt.Errorf("%q: expected path=value", arg)
		}
		text = strings.TrimSpace(text)
		if value, err := strconv.ParseFloat(begins.FindString(text), 64); err != nil || math.IsInf(value, 0) {
			return nil, fmt.Errorf("%s: expected a number, with its unit as the robot file writes it, such as 5ms, got %q", path, text)
		}
		if _, twice := changes[path]; twice {
			return nil, fmt.Errorf("%s: given twice", path)
		}
		changes[path] = text
	}
	return changes, nil
}

// begins is the number that an amount begins with.
var begins = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?`)

// converse connects to the robot for as long as a conversation about a verb takes.
func converse(ctx context.Context, s settings, verb string, about func(*remote) error) error {
	r, err := connect(ctx, s, verb == stop)
	if err != nil {
		return err
	}
	defer r.close()
	return about(r)
}

// shownValues are parameters as get --json prints them.
type shownValues struct {
	Revision protocol.Revision     `json:"rev"`
	Values   map[string]shownValue `json:"values"`
}

type shownValue struct {
	protocol.Reading
	Count   int     `json:"count,omitempty"`
	Unit    string  `json:"unit"`
	Default float64 `json:"default"`
}

// get prints parameters.
func get(ctx context.Context, s settings, paths []string, out io.Writer) error {
	return converse(ctx, s, "get", func(r *remote) error {
		if err := r.learn(ctx); err != nil {
			return err
		}
		paths, err := r.resolve(paths)
		if err != nil {
			return err
		}
		response, err := r.request(ctx, "get", protocol.Request{Paths: paths})
		if err != nil {
			return err
		}
		all := shownValues{Revision: response.Rev, Values: map[string]shownValue{}}
		for path, v := range response.Values {
			p := r.parameter(path)
			all.Values[path] = shownValue{Reading: v, Count: p.Count, Unit: p.Unit, Default: p.Default}
		}
		if s.json {
			return printJSON(out, all)
		}
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PARAMETER\tVALUE\tRANGE\tDEFAULT\tSET BY")
		for _, path := range inOrder(all.Values) {
			v := all.Values[path]
			shown := span(v.Value, v.Unit)
			if v.Learnt != nil {
				shown += ", learnt " + span(effective(v.Reading), v.Unit)
			}
			fmt.Fprintf(table, "%s\t%s\t%s to %s\t%s\t%s\n", path, shown, amounts.Format(v.Min, v.Unit), amounts.Format(v.Max, v.Unit), amounts.Format(v.Default, v.Unit), v.Src)
		}
		return table.Flush()
	})
}

// shownChange is a change as set and reset print it with --json. What several had before is a number, or the least and the largest.
type shownChange struct {
	Revision protocol.Revision  `json:"rev"`
	Before   map[string]any     `json:"before,omitempty"` // what reset does not say
	Applied  map[string]float64 `json:"applied"`
	Units    map[string]string  `json:"units"` // of the numbers
	Warning  string             `json:"warning,omitempty"`
}

// changed makes a change of an answer to set or reset.
func (r *remote) changed(a protocol.Response) shownChange {
	c := shownChange{Revision: a.Rev, Applied: a.Applied, Units: map[string]string{}, Warning: a.Warning}
	for path := range a.Applied {
		c.Units[path] = r.parameter(path).Unit
	}
	return c
}

// ask makes a request and prints what came of it: the answer as JSON, or what told makes of it.
func ask(ctx context.Context, s settings, verb string, request protocol.Request, out io.Writer, told func(protocol.Response) string) error {
	return converse(ctx, s, verb, func(r *remote) error {
		response, err := r.request(ctx, verb, request)
		if err != nil {
			return err
		}
		if s.json {
			return printJSON(out, response)
		}
		_, err = fmt.Fprintln(out, told(response))
		return err
	})
}

// order asks for something that has no answer but that it was done.
func order(ctx context.Context, s settings, verb, done string, out io.Writer) error {
	return ask(ctx, s, verb, protocol.Request{}, out, func(protocol.Response) string { return done })
}

// spiking asks for spikes and prints how many came of it.
func spiking(ctx context.Context, s settings, verb string, request protocol.Request, out io.Writer) error {
	return ask(ctx, s, verb, request, out, func(a protocol.Response) string { return fmt.Sprintf("%d spikes", a.Spikes) })
}

// set changes parameters and prints what was and what is.
func set(ctx context.Context, s settings, texts map[string]string, ifRevision *protocol.Revision, out io.Writer) error {
	return converse(ctx, s, "set", func(r *remote) error {
		if err := r.learn(ctx); err != nil {
			return err
		}
		typed := slices.Sorted(maps.Keys(texts))
		paths, err := r.resolve(typed)
		if err != nil {
			return err
		}
		request := protocol.Request{Set: map[string]float64{}, IfRevision: ifRevision}
		before, err := r.request(ctx, "get", protocol.Request{Paths: paths})
		if err != nil {
			return err
		}
		for i, path := range paths {
			if _, twice := request.Set[path]; twice {
				return fmt.Errorf("%s: given twice", path)
			}
			unit, err := r.unitOf(path, before.Values)
			if err == nil {
				request.Set[path], err = amounts.Parse(texts[typed[i]], unit)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		response, err := r.request(ctx, "set", request)
		if err != nil {
			return err
		}
		was := previous(before.Values)
		if s.json {
			shown := r.changed(response)
			shown.Before = map[string]any{}
			for path := range response.Applied {
				if v := was[path]; v.To == nil {
					shown.Before[path] = v.V
				} else {
					shown.Before[path] = [2]float64{v.V, *v.To}
				}
			}
			return printJSON(out, shown)
		}
		for _, path := range inOrder(response.Applied) {
			unit := r.parameter(path).Unit
			fmt.Fprintf(out, "%s: %s -> %s\n", path, span(was[path], unit), amounts.Format(response.Applied[path], unit))
		}
		_, err = fmt.Fprintf(out, "revision %d\n", response.Rev)
		return err
	})
}

// previous are values before a change, those of members also under the path that stands for all of them.
func previous(values map[string]protocol.Reading) map[string]protocol.Value {
	all := map[string]protocol.Value{}
	for path, reading := range values {
		v := effective(reading)
		all[path] = v
		together := protocol.Together(path)
		if _, told := values[together]; told {
			continue
		}
		low, high := v.V, v.V
		if known, seen := all[together]; seen {
			low, high = min(low, known.V), max(high, known.V)
			if known.To != nil {
				high = max(high, *known.To)
			}
		}
		merged := protocol.Value{V: low}
		if high != low {
			merged.To = &high
		}
		all[together] = merged
	}
	return all
}

// effective is the value that acts: of a weight that learns, what it has learnt.
func effective(r protocol.Reading) protocol.Value {
	if r.Learnt == nil {
		return r.Value
	}
	return protocol.Value{V: *r.Learnt, To: r.LearntTo, Rev: r.Rev, Src: r.Src}
}

// reset gives parameters their configured values and prints what is.
func reset(ctx context.Context, s settings, request protocol.Request, out io.Writer) error {
	return converse(ctx, s, "reset", func(r *remote) error {
		if err := r.learn(ctx); err != nil {
			return err
		}
		var err error
		if request.Paths, err = r.resolve(request.Paths); err != nil {
			return err
		}
		response, err := r.request(ctx, "reset", request)
		if err != nil {
			return err
		}
		if s.json {
			return printJSON(out, r.changed(response))
		}
		for _, path := range inOrder(response.Applied) {
			fmt.Fprintf(out, "%s: %s\n", path, amounts.Format(response.Applied[path], r.parameter(path).Unit))
		}
		_, err = fmt.Fprintf(out, "revision %d\n", response.Rev)
		return err
	})
}

// parseTrains reads neuron, neuron=count and neuron=count@every.
func parseTrains(args []string) (map[string]protocol.Train, error) {
	trains := map[string]protocol.Train{}
	for _, arg := range args {
		neuron, many, several := strings.Cut(arg, "=")
		train := protocol.Train{Count: 1, Every: 10_000}
		if several {
			count, every, apart := strings.Cut(many, "@")
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 || n > protocol.MaxTrain {
				return nil, fmt.Errorf("%s: expected neuron=count@every, such as %s=5@10ms, with a count of 1 to %d", arg, neuron, protocol.MaxTrain)
			}
			train.Count = n
			if apart {
				d, err := time.ParseDuration(every)
				if err != nil || d < time.Microsecond || d > time.Second {
					return nil, fmt.Errorf("%s: expected neuron=count@every, such as %s=5@10ms, with 1us to 1s between two spikes", arg, neuron)
				}
				train.Every = d.Microseconds()
			}
		}
		if _, twice := trains[neuron]; twice || neuron == "" {
			return nil, fmt.Errorf("%q: expected each neuron once", arg)
		}
		trains[neuron] = train
	}
	return trains, nil
}

// Names that the shell completes.
func paths(r *remote) []string   { return inOrder(r.known) }
func neurons(r *remote) []string { return r.neurons }
func rewards(r *remote) []string { return r.rewards }

func actuators(r *remote) []string { return r.actuators }

func sensors(r *remote) (names []string) {
	for _, s := range r.sensors {
		names = append(names, s.Name)
	}
	return names
}

// completionPatience is how long a shell that waits for names may be kept waiting.
const completionPatience = time.Second

// complete asks the robot for the names that fit.
func complete(s *settings, names func(*remote) []string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(c *cobra.Command, _ []string, typed string) (fits []string, _ cobra.ShellCompDirective) {
		const neither = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		c.Root().PersistentPreRun(c, nil)
		quick := *s
		quick.timeout = min(quick.timeout, completionPatience)
		r, err := connect(c.Context(), quick, false)
		if err != nil {
			return nil, neither
		}
		defer r.close()
		if err := r.learn(c.Context()); err != nil {
			return nil, neither
		}
		for _, name := range names(r) {
			if strings.HasPrefix(name, typed) {
				fits = append(fits, name)
			}
		}
		return fits, neither
	}
}

// refused is the error of a request that the robot refused, with the allowed range.
func refused(e *protocol.Error, unit string) error { return failure{exitRefused, refusal{e, unit}} }

// refusal is the robot's error as people read it, in the parameter's unit.
type refusal struct {
	of   *protocol.Error
	unit string
}

func (r refusal) Error() string {
	message := strings.TrimPrefix(r.of.Path+": "+r.of.Message, ": ")
	if r.of.Min != nil && r.of.Max != nil {
		message += fmt.Sprintf(" (allowed: %s to %s)", amounts.Format(*r.of.Min, r.unit), amounts.Format(*r.of.Max, r.unit))
	}
	return message
}

func (r refusal) Unwrap() error { return r.of }

// inOrder are the keys of a map as people count them: wall[2] before wall[10].
func inOrder[V any](of map[string]V) []string {
	return slices.SortedFunc(maps.Keys(of), picture.Natural)
}

// span writes a value, or the least and the largest of several.
func span(v protocol.Value, unit string) string {
	if v.To == nil {
		return amounts.Format(v.V, unit)
	}
	return amounts.Format(v.V, unit) + " to " + amounts.Format(*v.To, unit)
}

// checked remembers the first error of what is printed: nobody else looks at it.
type checked struct {
	io.Writer
	failed error
}

// Write writes what a terminal shows and does not obey. After an error it writes no more, and returns the same: else the error of a later print
// would pass for that of the command.
func (c *checked) Write(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	n, err := filter{c.Writer}.Write(p)
	c.failed = err
	return n, err
}

// terminal returns the terminal that is printed on; nil if it is none.
func terminal(out io.Writer) *os.File {
	if c, wrapped := out.(*checked); wrapped {
		out = c.Writer
	}
	if file, isFile := out.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
