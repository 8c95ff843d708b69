package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fluxd/boards/raspberrypi"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/fluxd/scaffold"
	"fluxd/cmd/internal/terminal"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"
	"fluxd/files"
)

func initCommand(log func(io.Writer) *slog.Logger) *cobra.Command {
	var choices scaffold.Choices
	var file, root string
	var yes, force, probe bool
	c := &cobra.Command{
		Use:   "init NAME",
		Short: "Write a first robot file, with comments",
		Long: `Write the file of a robot with two wheels that does something at once: a valid
file with comments, pins and a network. On a terminal init asks what the robot
is to be; Enter takes the default. A choice that is a flag is not asked for.
Without a terminal, and with --yes, the defaults are taken.

On a Raspberry Pi the defaults follow what answers on its I2C bus. init then
reads one byte from each address, as fluxd probe does: not while a robot runs.

An existing file is not overwritten.`,
		Example: `  fluxd init rover                       # asks, and writes rover.yaml
  fluxd init rover --yes                 # all defaults
  fluxd init rover --behaviour light --motors servos --board sim
  sudo fluxd init rover --output /etc/fluxd/robot.yaml`,
		Args: usage.Args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			choices.Name = args[0]
			if file == "" {
				file = choices.Name + ".yaml"
			}
			if err := choices.Check(); err != nil {
				return fmt.Errorf("%w: %v", errUsage, err)
			}
			if file != standardOutput && !force {
				if _, err := os.Lstat(file); err == nil {
					return fmt.Errorf("%s: it exists already, and may have your work in it: name another file with --output, "+
						"or say --force to overwrite it", file)
				}
			}
			asks := !yes && terminal.Of(os.Stdin) != nil && terminal.Of(os.Stderr) != nil
			to := cmd.ErrOrStderr()
			found, err := lookAround(to, &choices, probe, hardware.Options{Root: root, Seed: 1, Log: log(to)})
			if err != nil {
				return err
			}
			if asks {
				fmt.Fprintf(to, "A first robot file for %s. Enter takes what is in brackets; ctrl-C ends, and writes nothing.\n",
					choices.Name)
				_, err = robotfile.Await(cmd.Context(), func() (any, error) {
					return nil, choices.Ask(os.Stdin, to, found)
				})
			} else {
				err = choices.Complete(found)
			}
			if errors.Is(err, scaffold.ErrChoice) {
				return fmt.Errorf("%w: %v", errUsage, err)
			} else if err != nil {
				return err
			}
			text, err := choices.File(file)
			if err != nil {
				return err
			}
			if err := works(file, text); err != nil {
				return fmt.Errorf("the file that fluxd init made of %s is wrong, please report it: %w", choices.Line(), err)
			}
			if file == standardOutput {
				_, err := cmd.OutOrStdout().Write(text)
				return err
			}
			if err := files.Publish(file, text); errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w: make the folder first: mkdir -p %s", err, filepath.Dir(file))
			} else if err != nil {
				return err
			}
			return nextSteps(cmd.OutOrStdout(), file, &choices)
		},
	}
	for i := range scaffold.Questions {
		q := &scaffold.Questions[i]
		c.Flags().StringVar(q.Value(&choices), q.Flag, "", q.Text+" "+strings.Join(q.Names(), ", "))
		complete := cobra.FixedCompletions(q.Names(), cobra.ShellCompDirectiveNoFileComp)
		if err := c.RegisterFlagCompletionFunc(q.Flag, complete); err != nil {
			panic(err) // impossible: the flag was defined a line above
		}
	}
	c.Flags().StringVarP(&file, "output", "o", "", "`file` to write, or - for the standard output (default: NAME.yaml)")
	c.Flags().BoolVar(&yes, "yes", false, "ask nothing: take the defaults")
	c.Flags().BoolVar(&force, "force", false, "overwrite an existing file")
	c.Flags().BoolVar(&probe, "probe", true,
		"on a Raspberry Pi, look which devices answer on its I2C bus; --probe=false while a robot runs")
	rootFlag(c, &root)
	return c
}

// standardOutput is the name of the output that is no file.
const standardOutput = "-"

// lookAround finds out what the defaults depend on: whether this machine is a Raspberry Pi, and what answers on its I2C bus. A
// bus that cannot be read is reported, and the defaults are then those of one where nothing answers.
func lookAround(to io.Writer, c *scaffold.Choices, probe bool, opts hardware.Options) (found scaffold.Found, err error) {
	model, err := raspberrypi.Model(opts.Root)
	if err != nil || model == "" {
		return found, err
	}
	found.Pi = true
	if !probe || c.Board == "sim" || c.Sensors != "" && c.Motors != "" {
		return found, nil
	}
	fmt.Fprintf(to, "This machine is a %s.\n", model)
	_, buses, err := hardware.Probe(opts)
	if err != nil {
		fmt.Fprintf(to, "Its I2C buses cannot be read: %v\n", err)
		return found, nil
	}
	found.Answers = answers(to, buses)
	return found, nil
}

// answers reports and returns what answers on the bus of the header.
func answers(to io.Writer, buses []hardware.BusAnswers) []uint16 {
	at := slices.IndexFunc(buses, func(b hardware.BusAnswers) bool { return b.Name == scaffold.Bus })
	if at < 0 {
		fmt.Fprintf(to, "It has no bus %s. If the robot has devices on it: sudo raspi-config nonint do_i2c 0\n", scaffold.Bus)
		return nil
	}
	bus := buses[at]
	switch {
	case bus.Err != nil:
		fmt.Fprintf(to, "%s: %v\n", bus.Name, bus.Err)
	case len(bus.Addresses) == 0:
		fmt.Fprintf(to, "%s: nothing answers\n", bus.Name)
	}
	for _, address := range bus.Addresses {
		what := "no device that fluxd knows"
		if known := configs.DevicesAt(address); len(known) > 0 {
			what = strings.Join(known, " or ")
		}
		fmt.Fprintf(to, "%s 0x%02x answers: %s\n", bus.Name, address, what)
	}
	return bus.Addresses
}

// works reads a file as fluxd check does.
func works(file string, text []byte) error {
	config, err := configs.Parse(file, text, files.Folder(filepath.Dir(file)))
	if err != nil {
		return err
	}
	if mistakes, _ := hardware.CheckRanges(config); len(mistakes) > 0 {
		return mistakes
	}
	_, err = daemon.Check(config)
	return err
}

// nextSteps says what was written and what to do with it.
func nextSteps(w io.Writer, file string, c *scaffold.Choices) error {
	quoted := file
	if !scaffold.Plain(file) {
		quoted = "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
	}
	world := ""
	if c.Board == "raspberrypi" {
		world = " --world " + c.World()
	}
	_, err := fmt.Fprintf(w, `%s: %s, which %s
next:
  fluxd check %s   # every wire, or every mistake
  fluxd sim %s%s   # a simulated minute
  fluxd run %s   # the robot itself
`, file, c.Name, c.Does(), quoted, quoted, world, quoted)
	return err
}
