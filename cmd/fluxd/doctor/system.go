package doctor

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"fluxd/boards/linux"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
)

// A System is the machine: its files, and what is not in files. Tests have a fake one.
type System struct {
	Root string // folder with /proc, /sys, /dev, /boot and /etc
	// Owner returns the mode and the owners of a file.
	Owner func(path string) (mode fs.FileMode, uid, gid int, err error)
	// Who returns this process's user and its groups.
	Who func() (name string, uid int, groups []int)
	// Space returns what a disk has free for ordinary users and in all, in bytes, and whether it is mounted read-only.
	Space func(path string) (free, total uint64, readOnly bool, err error)
	// Now returns the time of day; Synchronised whether the kernel knows that it is right.
	Now          func() time.Time
	Synchronised func() (is, known bool)
	// Run runs a program and returns what it prints; the error is exec.ErrNotFound without the program.
	Run func(ctx context.Context, name string, args ...string) (string, error)
	// Consumers returns who has the GPIO lines, by the chip's label and the offset.
	Consumers func() (map[string]map[int]string, error)
	// Answers returns the addresses of a bus that answer.
	Answers func(config *configs.Robot, buses []string) ([]hardware.BusAnswers, error)
	// Connect opens a TCP connection and closes it again.
	Connect func(ctx context.Context, address string) error
	// Addresses lists the IP addresses of this machine.
	Addresses func() []string
	// Program is the path of this program.
	Program string
	// Self is the number of this process.
	Self int
}

// ThisMachine returns the machine that the program runs on. The root is / but for tests.
func ThisMachine(root string) System {
	program, _ := os.Executable()
	return System{
		Root: root, Owner: owner, Who: who, Space: space, Now: time.Now, Synchronised: synchronised,
		Run: run, Consumers: linux.Consumers, Program: program, Self: os.Getpid(),
		Answers: func(config *configs.Robot, buses []string) ([]hardware.BusAnswers, error) {
			return hardware.ProbeBuses(config, hardware.Options{Root: root, Seed: 1, Log: quiet}, buses)
		},
		Connect: func(ctx context.Context, address string) error {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if err != nil {
				return err
			}
			return c.Close()
		},
		Addresses: func() (all []string) {
			found, _ := net.InterfaceAddrs()
			for _, a := range found {
				if n, is := a.(*net.IPNet); is {
					all = append(all, n.IP.String())
				}
			}
			return all
		},
	}
}

// run runs a program with an end.
func run(ctx context.Context, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = time.Second
	out, err := c.Output()
	return string(out), err
}

// mostRead bounds what is read of a file of the system.
const mostRead = 1 << 20

// read reads a file of the system, at most mostRead of it.
func (p *patient) read(path string) ([]byte, error) {
	f, err := os.Open(p.at(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostRead))
}

// at returns the path of a file of the system.
func (p *patient) at(path string) string { return filepath.Join(p.System.Root, path) }

// exists reports whether a file is there.
func (p *patient) exists(path string) bool {
	_, err := os.Lstat(p.at(path))
	return err == nil
}

// find lists the files that match a pattern, without the root.
func (p *patient) find(pattern string) (all []string) {
	found, _ := filepath.Glob(p.at(pattern)) // fails only for a wrong pattern
	for _, path := range found {
		if name, err := filepath.Rel(p.System.Root, path); err == nil {
			all = append(all, "/"+filepath.ToSlash(name))
		}
	}
	return all
}

// missing reports whether an error says that a program or a file is not there.
func missing(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}
