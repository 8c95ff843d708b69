package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"fluxd/configs"
)

// robotFile says whether there is a robot file that can be used.
func (p *patient) robotFile(context.Context) (all []Finding) {
	var wrong configs.Errors
	switch {
	case p.Robot == "":
		return []Finding{{"robot-file-absent", Warning, "robot", "no robot file: only the machine is examined",
			"fluxd init NAME\nfluxd doctor NAME.yaml"}}
	case p.Mistakes != nil:
		if list, is := p.Mistakes.(configs.Errors); is {
			wrong = list
		}
		for _, one := range wrong {
			all = append(all, Finding{"robot-file-invalid", Problem, "robot", one.Error(), "fluxd check " + p.Robot})
		}
		if all == nil {
			all = []Finding{{"robot-file-invalid", Problem, "robot", p.Mistakes.Error(), "fluxd check " + p.Robot}}
		}
		return all
	}
	all = append(all, Finding{"robot-file", OK, "robot", fmt.Sprintf("%s: valid, robot %s, board %s", p.Robot, p.Config.Name,
		p.Config.Board.Kind), ""})
	for _, one := range p.Warnings {
		all = append(all, Finding{"robot-file-warning", Warning, "robot", one.Error(), ""})
	}
	switch {
	case errors.Is(p.SentErr, fs.ErrPermission):
		all = append(all, Finding{"robot-file-sent-unreadable", Warning, "robot", p.SentErr.Error(),
			"sudo fluxd doctor " + p.Robot})
	case p.SentErr != nil:
		all = append(all, Finding{"robot-file-sent-unreadable", Warning, "robot", p.SentErr.Error(),
			"the robot runs its own file; to send the other one again: fluxctl load-robot FILE"})
	case p.Sent != "":
		all = append(all, Finding{"robot-file-sent", Warning, "robot", p.Sent, "fluxctl load-robot --show"})
	}
	return all
}

// oldestKernel has the version 2 of the GPIO character device. Source: Linux, Documentation/userspace-api/gpio/chardev.rst.
var oldestKernel = [2]int{5, 10}

// machine says what machine it is.
func (p *patient) machine(context.Context) (all []Finding) {
	kind := ""
	if p.Config != nil {
		kind = p.Config.Board.Kind
	}
	switch {
	case p.model != "":
		all = append(all, Finding{"model", OK, "machine", p.model, ""})
		if p.Config != nil && p.Config.Board.Model == "pi5" && !p.needs.Five {
			all = append(all, Finding{"model-differs", Problem, "machine", "the robot file says model: pi5, but this machine is none: " +
				"two of its PWM pins may be one channel here", "write board: {kind: raspberrypi}\nfluxd check " + p.Robot})
		}
	case kind == "raspberrypi":
		all = append(all, Finding{"not-a-raspberry-pi", Problem, "machine",
			"this is no Raspberry Pi, but the robot file has board: {kind: raspberrypi}",
			"run it on the robot; or try it here on the simulated board, with board: {kind: sim}"})
	default:
		all = append(all, Finding{"not-a-raspberry-pi", OK, "machine",
			"no Raspberry Pi, so the pins of one are not here; board: {kind: sim} works on any machine", ""})
	}
	release, err := p.read("/proc/sys/kernel/osrelease")
	if err != nil {
		level := OK
		if p.real {
			level = Problem
		}
		return append(all, Finding{"no-linux", level, "kernel", "this is no Linux, so there is only the simulated board",
			map[Level]string{Problem: "run the robot on a machine with Linux, or write board: {kind: sim}"}[level]})
	}
	version := strings.TrimSpace(string(release))
	text := "Linux " + version
	if arch, err := p.read("/proc/sys/kernel/arch"); err == nil {
		text += ", " + strings.TrimSpace(string(arch))
	}
	var major, minor int
	if n, _ := fmt.Sscanf(version, "%d.%d", &major, &minor); n == 2 &&
		(major < oldestKernel[0] || major == oldestKernel[0] && minor < oldestKernel[1]) {
		level := Warning
		if p.real {
			level = Problem
		}
		return append(all, Finding{"kernel-old", level, "kernel",
			fmt.Sprintf("%s: GPIO needs %d.%d or newer", text, oldestKernel[0], oldestKernel[1]),
			"sudo apt update && sudo apt full-upgrade && sudo reboot"})
	}
	return append(all, Finding{"kernel", OK, "kernel", text, ""})
}

// The bits of get_throttled. Source: Raspberry Pi documentation, "vcgencmd", get_throttled.
const (
	underVoltage     = 1 << 0
	frequencyCapped  = 1 << 1
	throttled        = 1 << 2
	softLimit        = 1 << 3
	sinceStart       = 16 // the same, shifted: has happened since the machine started
	supplyRemedy     = "use the supply of the model (5.1 V) and a short, thick cable; feed motors and servos from another supply"
	temperatureLimit = 80.0 // °C, where the firmware begins to lower the clock (the same, "config.txt", temp_limit is 85)
)

// supply says whether the supply is good enough.
func (p *patient) supply(ctx context.Context) []Finding {
	if p.model == "" {
		return nil
	}
	text, err := p.System.Run(ctx, "vcgencmd", "get_throttled")
	_, number, found := strings.Cut(strings.TrimSpace(text), "throttled=")
	if err == nil && found {
		if bits, err := strconv.ParseUint(number, 0, 32); err == nil {
			return throttling(bits)
		}
	}
	// Linux asks the firmware every two seconds. Source: Linux, drivers/hwmon/raspberrypi-hwmon.c.
	for _, name := range p.find("/sys/class/hwmon/hwmon*/name") {
		if text, err := p.read(name); err != nil || strings.TrimSpace(string(text)) != "rpi_volt" {
			continue
		}
		alarm, err := p.read(strings.TrimSuffix(name, "name") + "in0_lcrit_alarm")
		if err != nil {
			continue
		}
		if strings.TrimSpace(string(alarm)) == "1" {
			return []Finding{{"under-voltage", Problem, "supply", "under-voltage within the last two seconds", supplyRemedy}}
		}
		return []Finding{{"supply", OK, "supply", "no under-voltage now", ""}}
	}
	return []Finding{{"supply-unknown", Warning, "supply",
		"neither vcgencmd nor the kernel reports whether the supply is good enough",
		"sudo apt install raspi-utils, or add your user to the group video"}}
}

// throttling reads the bits of get_throttled.
func throttling(bits uint64) (all []Finding) {
	add := func(code string, level Level, bit uint64, now, before, remedy string) {
		switch {
		case bits&bit != 0:
			all = append(all, Finding{code, level, "supply", now, remedy})
		case bits&(bit<<sinceStart) != 0:
			all = append(all, Finding{code + "-since-start", Warning, "supply", before, remedy})
		}
	}
	const cool = "cool the processor: a heat sink, a fan, a case with openings"
	add("under-voltage", Problem, underVoltage, "under-voltage now: the machine may restart when a motor starts",
		"there was under-voltage since the machine started", supplyRemedy)
	add("throttled", Warning, throttled, "the processor is throttled now", "the processor was throttled since the machine started",
		supplyRemedy+"; or "+cool)
	add("frequency-capped", Warning, frequencyCapped, "the clock of the processor is limited now",
		"the clock of the processor was limited since the machine started", supplyRemedy+"; or "+cool)
	add("temperature-limit", Warning, softLimit, "the temperature limit is reached now",
		"the temperature limit was reached since the machine started", cool)
	if all == nil {
		all = []Finding{{"supply", OK, "supply", "no under-voltage and no throttling since the machine started", ""}}
	}
	return all
}

// temperature is that of thermal zone 0, which is the processor on every Raspberry Pi.
func (p *patient) temperature(context.Context) []Finding {
	text, err := p.read("/sys/class/thermal/thermal_zone0/temp")
	milli, wrong := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || wrong != nil {
		return nil
	}
	if celsius := milli / 1000; celsius >= temperatureLimit {
		return []Finding{{"hot", Warning, "processor", fmt.Sprintf("%.0f °C: from %.0f °C it is slowed down", celsius,
			temperatureLimit),
			"cool it: a heat sink, a fan, a case with openings"}}
	}
	return []Finding{{"temperature", OK, "processor", fmt.Sprintf("%.0f °C", milli/1000), ""}}
}

// firstYear is the earliest year that a clock can show: that of this program.
const firstYear = 2025

// clock says whether the time of day can be right: certificates and logs depend on it. The robot's own times do not.
func (p *patient) clock(context.Context) []Finding {
	now := p.System.Now()
	const remedy = "sudo timedatectl set-ntp true, and give the machine a network; or set it once: sudo date -s '2026-01-31 12:00'"
	if now.Year() < firstYear || now.Year() > firstYear+50 {
		level := Warning
		if p.Config != nil && p.Config.MQTT.TLS != nil {
			level = Problem
		}
		return []Finding{{"clock-implausible", level, "clock", fmt.Sprintf("it shows %s: certificates are not valid then",
			now.Format("2006-01-02 15:04")), remedy}}
	}
	is, known := p.System.Synchronised()
	battery := p.exists("/dev/rtc0") || p.exists("/dev/rtc")
	switch {
	case known && !is && !battery:
		return []Finding{{"clock-unsynchronised", Warning, "clock",
			"it is not synchronised, and this machine has no clock with a battery: " +
				now.Format("2006-01-02 15:04") + " may be wrong", remedy}}
	case known && !is:
		return []Finding{{"clock-unsynchronised", Warning, "clock", "it is not synchronised: " + now.Format("2006-01-02 15:04") +
			" may be wrong", remedy}}
	}
	return []Finding{{"clock", OK, "clock", now.Format("2006-01-02 15:04"), ""}}
}

// leastMemory is what a robot with its broker needs, with some left: a demo has 30 MB.
const leastMemory = 64 << 10 // kB

// memory says whether enough of it is free.
func (p *patient) memory(context.Context) []Finding {
	text, err := p.read("/proc/meminfo")
	if err != nil {
		return nil
	}
	values := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if words := strings.Fields(rest); len(words) > 0 {
			values[name], _ = strconv.ParseUint(words[0], 10, 64)
		}
	}
	free, known := values["MemAvailable"]
	if !known {
		return nil
	}
	if free < leastMemory {
		return []Finding{{"memory-low", Warning, "memory", fmt.Sprintf("%d of %d MB are available: the kernel may end the robot's "+
			"process", free>>10, values["MemTotal"]>>10), "end other programs, such as a desktop: sudo systemctl set-default multi-user"}}
	}
	return []Finding{{"memory", OK, "memory", fmt.Sprintf("%d of %d MB are available", free>>10, values["MemTotal"]>>10), ""}}
}
