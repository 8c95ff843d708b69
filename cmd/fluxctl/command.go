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
		getCommand(&s),
		setCommand(&s),
		resetCommand(&s),
		rewardCommand(&s),
		stimulateCommand(&s),
		spikesCommand(&s),
		loadCommand(&s),
		saveCommand(&s),
		armCommand(&s),
		driveCommand(&s),
		senseCommand(&s),
		zeroCommand(&s),
		disarmCommand(&s),
		estopCommand(&s),
		watchCommand(&s),
	)
	return root
}

// negative is what is said of a negative number that was taken for a flag.
var negative = regexp.MustCompile(`unknown shorthand flag: '[0-9.]'`)
