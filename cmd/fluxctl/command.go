package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/configs/amounts"
)

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

// negative is what is said of a negative number that was taken for a flag.
var negative = regexp.MustCompile(`unknown shorthand flag: '[0-9.]'`)
