package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"fluxd/configs"
)

// A process is a robot that runs.
type process struct {
	pid   int
	robot string // its file, as on its command line; "" for the demo
	world bool   // it is in a simulated world, whatever its file says
	old   bool   // its program has been replaced since
}

// processes lists the robots that run, by the command lines of all processes. It leaves out the parents that watch over a robot.
func (p *patient) processes() (all []process) {
	parents := map[int]bool{}
	for _, file := range p.find("/proc/[0-9]*/cmdline") {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || pid == p.System.Self {
			continue
		}
		text, err := p.read(file)
		if err != nil {
			continue
		}
		words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		if len(words) < 2 || strings.TrimSuffix(filepath.Base(words[0]), ".exe") != "fluxd" || words[1] != "run" {
			continue
		}
		one := process{pid: pid}
		for i, word := range words[2:] {
			one.world = one.world || word == "--world" || strings.HasPrefix(word, "--world=")
			if !strings.HasPrefix(word, "-") && (i == 0 || !takesValue(words[i+1])) {
				one.robot = word
			}
		}
		if program, err := os.Readlink(p.at(fmt.Sprintf("/proc/%d/exe", pid))); err == nil {
			one.old = strings.HasSuffix(program, " (deleted)")
		}
		if text, err := p.read(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
			if end := strings.LastIndexByte(string(text), ')'); end >= 0 {
				if f := strings.Fields(string(text)[end+1:]); len(f) > 1 {
					parent, _ := strconv.Atoi(f[1])
					parents[parent] = true
				}
			}
		}
		all = append(all, one)
	}
	return slices.DeleteFunc(all, func(one process) bool { return parents[one.pid] })
}

// takesValue reports whether a flag of fluxd run takes the next word.
func takesValue(flag string) bool {
	return slices.Contains([]string{"--broker", "--for", "--name", "--overlay", "--seed", "--state", "--supervise", "--world",
		"--root",
		"--log", "--log-format"}, flag)
}

// onBoard reports whether a robot may use the hardware: all but the demo, the examples, and those in a simulated world.
func (o *process) onBoard() bool {
	if o.robot == "" || o.world {
		return false
	}
	return !slices.ContainsFunc(configs.Examples(), func(e configs.Example) bool { return e.Name == o.robot })
}

// claims reports whether another process has claimed an output of this robot: a byte of a bus, or of a PWM channel; or has one of
// its pins. It only reads who has which lock.
func (p *patient) claims() bool {
	if p.Config == nil || !p.real {
		return false
	}
	locks := p.locks()
	for _, wire := range p.Config.Wiring() {
		if wire.Bus != "" && !strings.Contains(wire.Bus, "/") && locks[p.inode("/dev/i2c-"+strings.TrimPrefix(wire.Bus, "I2C"))] {
			return true
		}
		if wire.Position != 0 && p.consumer(wire.Pin) == "fluxd" {
			return true
		}
	}
	for _, channel := range p.find("/sys/class/pwm/pwmchip*/pwm[0-9]*/duty_cycle") {
		if locks[p.inode(channel)] && len(p.needs.PWM) > 0 {
			return true
		}
	}
	return false
}

// locks lists the files that are locked, by device and inode, as inodeOf returns them. Source: proc(5), /proc/locks.
func (p *patient) locks() map[string]bool {
	all := map[string]bool{}
	text, _ := p.read("/proc/locks")
	for line := range strings.Lines(string(text)) {
		for _, word := range strings.Fields(line) { // major:minor:inode
			if strings.Count(word, ":") == 2 {
				all[word] = true
			}
		}
	}
	delete(all, "")
	return all
}

// inode returns the device and inode of a file, "" if it is not there.
func (p *patient) inode(path string) string {
	info, err := os.Stat(p.at(path))
	if err != nil {
		return ""
	}
	return inodeOf(info)
}

// whoRuns says which robots run.
func (p *patient) whoRuns(context.Context) (all []Finding) {
	for _, one := range p.running {
		name := one.robot
		if name == "" {
			name = "the demo"
		}
		where := fmt.Sprintf("process %d", one.pid)
		if one.old {
			all = append(all, Finding{"restart-needed", Warning, where, name + " runs with a program that has been replaced since",
				"fluxctl disarm, then restart it: sudo systemctl restart fluxd"})
			continue
		}
		all = append(all, Finding{"running", OK, where, name + " runs", ""})
	}
	if p.claimed && all == nil {
		all = append(all, Finding{"running", OK, "outputs", "a robot that runs has outputs of this wiring", ""})
	}
	return all
}

// uses reports whether a robot runs that may use the buses, and says which one.
func (p *patient) uses() (string, bool) {
	for _, one := range p.running {
		if one.onBoard() {
			return fmt.Sprintf("%s, process %d", one.robot, one.pid), true
		}
	}
	return "a robot", p.claimed
}
