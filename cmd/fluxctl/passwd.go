package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fluxd/bridge"
)

func passwdCommand() *cobra.Command {
	var role string
	var remove bool
	c := &cobra.Command{
		Use:   "passwd file user",
		Short: "make or change a user of a robot's embedded broker",
		Long: `passwd writes a user into the file that mqtt.passwords of a robot file names,
with a role: a viewer reads and watches, a tuner sets, rewards and saves too,
an operator arms and disarms too; a robot is another robot that shares the
broker. Each of them may stop the robot.

It asks for the password, or reads a line of standard input. The file keeps a
hash of it alone (bcrypt). A robot that runs takes the change at once.`,
		Example: `  fluxctl passwd passwords ann --role operator
  fluxctl passwd passwords bob --role viewer < bobs-password
  fluxctl passwd passwords bob --delete`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if remove {
				if text, err = bridge.DeleteUser(text, args[1]); err != nil {
					return err
				}
			} else {
				secret, err := askPassword(c.InOrStdin(), c.ErrOrStderr())
				if err != nil {
					return err
				}
				if text, err = bridge.SetUser(text, args[1], secret, bridge.Role(role)); err != nil {
					return err
				}
			}
			return replaceFile(args[0], text)
		},
	}
	c.Flags().StringVar(&role, "role", string(bridge.Viewer), "viewer, tuner, operator or robot")
	c.Flags().BoolVar(&remove, "delete", false, "take the user out")
	return c
}

// askPassword asks twice on a terminal, without showing what is typed; else it reads a line.
func askPassword(in io.Reader, prompt io.Writer) (string, error) {
	file, isFile := in.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
		if err != nil && err != io.EOF {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	for i, text := range []string{"password: ", "again: "} {
		fmt.Fprint(prompt, text)
		secret, err := term.ReadPassword(int(file.Fd()))
		fmt.Fprintln(prompt)
		if err != nil {
			return "", err
		}
		typed[i] = string(secret)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same")
	}
	return typed[0], nil
}

// replaceFile writes a file that only its owner may read, whole or not at all.
func replaceFile(name string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
