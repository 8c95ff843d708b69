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
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/loadrobot"
	"fluxd/cmd/internal/manual"
	"fluxd/cmd/internal/usage"
)

// settings are the flags of all commands.
type settings struct {
	broker  string
	named   bool // broker was, by a flag or the environment: robots that are paired do not count
	robot   string
	all     bool   // every robot
	match   string // every robot whose name fits this pattern; "": all is set, or one robot is meant
	timeout time.Duration
	json    bool
	tls     protocol.TLS

	ask bool // before many robots get the request

	in       io.Reader // of the command
	warnings io.Writer
}

// command returns the command line's root. Warnings are written to a separate writer, so that they never mix with results.
func command(warnings io.Writer) *cobra.Command {
	s := settings{warnings: warnings}
	root := &cobra.Command{
		Use:   "fluxctl",
		Short: "Read, tune and watch a robot that runs fluxd",
		Long: `fluxctl reads, tunes and watches a robot that runs fluxd. It needs only the
MQTT broker that the robot is connected to.

With --json, results are JSON on stdout, and errors are JSON on stderr:
{"exit": 1, "error": {"code": ...}}.

Exit codes:
  0  done
  1  the robot refused
  2  wrong command line
  3  no broker, no robot or no answer
  4  the output could not be written`,
		Example: `  fluxctl get                                      # all parameters
  fluxctl set network.neurons.eye_l.threshold=90   # change one
  fluxctl watch                                    # sensors, actuators, health
  fluxctl --broker tcp://robot.local:1883 --robot lightseeker get --json
  fluxctl list                                     # all robots
  fluxctl --all estop                              # stop all robots`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	flags := root.PersistentFlags()
	// Environment variables are read here and are no flag defaults: --help would print the password in FLUX_BROKER.
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		for name, value := range map[string]*string{
			"broker": &s.broker, "ca": &s.tls.CA, "cert": &s.tls.Certificate, "key": &s.tls.Key,
		} {
			if named := os.Getenv("FLUX_" + strings.ToUpper(name)); named != "" && !flags.Changed(name) {
				*value = named
			}
		}
		s.named = flags.Changed("broker") || os.Getenv("FLUX_BROKER") != ""
		return s.checkMany(c)
	}
	flags.StringVar(&s.broker, "broker", link.DefaultURL,
		"`URL` of the MQTT broker, such as ssl://user:password@host:8883 (environment: FLUX_BROKER)")
	flags.StringVar(&s.robot, "robot", "", "`name` of the robot; needed when several are online")
	flags.BoolVar(&s.all, "all", false, "every robot, for commands that can be meant for many")
	flags.StringVar(&s.match, "match", "", "every robot whose name fits a `pattern`, such as 'rover*' or 'rover[1-3]'")
	flags.DurationVar(&s.timeout, "timeout", 5*time.Second, "how long to wait for the broker and for each answer")
	flags.BoolVar(&s.json, "json", false, "print JSON")
	flags.StringVar(&s.tls.CA, "ca", "", "PEM `file` with the CA certificate of the broker (environment: FLUX_CA)")
	flags.StringVar(&s.tls.Certificate, "cert", "", "PEM `file` with a client certificate for the broker (environment: FLUX_CERT)")
	flags.StringVar(&s.tls.Key, "key", "", "PEM `file` with the key of --cert (environment: FLUX_KEY)")

	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if negative.MatchString(err.Error()) {
			return fmt.Errorf("%w: write -- before a negative number, as in %s ... -- -1", err, c.CommandPath())
		}
		return usage.FlagError(c, err)
	})
	root.AddCommand(
		passwdCommand(&s), pairCommand(&s),
		getCommand(&s),
		setCommand(&s),
		resetCommand(&s),
		rewardCommand(&s),
		stimulateCommand(&s),
		spikesCommand(&s),
		loadCommand(&s),
		saveCommand(&s),
		loadrobot.Command(func(c *cobra.Command, r protocol.Request, out io.Writer, text func(protocol.Response) string) error {
			patient := s
			patient.timeout = max(s.timeout, loadrobot.Patience)
			return ask(c.Context(), patient, loadrobot.Verb, r, out, text)
		}),
		armCommand(&s), disarmCommand(&s), estopCommand(&s),
		driveCommand(&s), senseCommand(&s), zeroCommand(&s),
		placeCommand(&s),
		worldCommand(&s),
		networkCommand(&s),
		watchCommand(&s),
		listCommand(&s),
	)
	manual.Add(root)
	return root
}

// negative matches the parser's error about a negative number that it took for a flag.
var negative = regexp.MustCompile(`unknown shorthand flag: '[0-9.]'`)
