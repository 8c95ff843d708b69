package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// An account may run the robot.
type account struct {
	name    string
	uid     int
	groups  []int
	named   []int // groups in /etc/group, which count from the next login on
	service bool  // it is the user of the service
}

// serviceUser is the user that the systemd unit runs as.
const serviceUser = "fluxd"

// units are where the systemd unit is, if it is installed.
var units = []string{"/etc/systemd/system/fluxd.service", "/usr/lib/systemd/system/fluxd.service",
	"/lib/systemd/system/fluxd.service"}

// hasService reports whether the unit is installed.
func (p *patient) hasService() bool { return slices.ContainsFunc(units, p.exists) }

// whoMayRun returns this user, and the user of the service if that is there.
func (p *patient) whoMayRun() []account {
	name, uid, groups := p.System.Who()
	all := []account{{name: name, uid: uid, groups: groups, named: p.groupsOf(name, -1)}}
	if uid, gid, found := p.entry(serviceUser); found && name != serviceUser {
		groups := p.groupsOf(serviceUser, gid)
		all = append(all, account{serviceUser, uid, groups, groups, true})
	}
	return all
}

// entry finds a user in /etc/passwd.
func (p *patient) entry(name string) (uid, gid int, found bool) {
	text, err := p.read("/etc/passwd")
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) >= 4 && f[0] == name {
			uid, wrong := strconv.Atoi(f[2])
			gid, also := strconv.Atoi(f[3])
			return uid, gid, wrong == nil && also == nil
		}
	}
	return 0, 0, false
}

// groupsOf lists the groups of a user in /etc/group, and its own.
func (p *patient) groupsOf(name string, own int) (all []int) {
	if own >= 0 {
		all = append(all, own)
	}
	text, err := p.read("/etc/group")
	if err != nil {
		return all
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) == 4 && slices.Contains(strings.Split(f[3], ","), name) {
			if gid, err := strconv.Atoi(f[2]); err == nil {
				all = append(all, gid)
			}
		}
	}
	return all
}

// may reports whether a user may read and write a file with a mode and owners; to the second result its groups in /etc/group
// count.
func (u *account) may(mode fs.FileMode, uid, gid int) (now, nextLogin bool) {
	can := func(shift int) bool { return mode.Perm()>>shift&6 == 6 }
	if u.uid == 0 {
		return true, true
	}
	if u.uid == uid {
		return can(6), can(6)
	}
	if slices.Contains(u.groups, gid) {
		return can(3), can(3)
	}
	return can(0), slices.Contains(u.named, gid) && can(3)
}

// rights says whether the users may use what the wiring needs.
func (p *patient) rights(context.Context) (all []Finding) {
	if p.Config == nil || !p.real {
		return nil
	}
	if p.hasService() && !slices.ContainsFunc(p.users, func(u account) bool { return u.service || u.name == serviceUser }) {
		all = append(all, Finding{"service-user-missing", Problem, serviceUser, "the service runs as a user that does not exist",
			"sudo useradd --system --groups gpio,i2c --shell /usr/sbin/nologin " + serviceUser})
	}
	if !p.anyDevice() {
		return all // what is missing is said elsewhere
	}
	good := map[string]bool{} // users that may use everything
	var found []Finding
	for _, u := range p.users {
		wrong := p.lacks(&u)
		good[u.name] = len(wrong) == 0
		if len(wrong) == 0 {
			found = append(found, Finding{"permissions", OK, "user " + u.name, "may use what this wiring needs", ""})
		}
		found = append(found, wrong...)
	}
	for i := range found { // it is enough when the service may
		if found[i].Level == Problem && p.hasService() && good[serviceUser] && found[i].Where != "user "+serviceUser {
			found[i].Level = Warning
		}
	}
	return append(all, found...)
}

// anyDevice reports whether the machine has any pins, buses or PWM.
func (p *patient) anyDevice() bool {
	return len(p.find("/dev/gpiochip[0-9]*"))+len(p.find("/dev/i2c-*"))+len(p.find("/sys/class/pwm/pwmchip*")) > 0
}

// lacks returns what a user must not use, but needs.
func (p *patient) lacks(u *account) (all []Finding) {
	login := map[string]bool{}
	check := func(code, file, group, rules string) {
		mode, uid, gid, err := p.System.Owner(p.at(file))
		if err != nil {
			return // missing: another look says so
		}
		now, next := u.may(mode, uid, gid)
		if now {
			return
		}
		f := Finding{code, Problem, "user " + u.name, fmt.Sprintf("may not use %s, of group %s", file, p.groupName(gid)),
			fmt.Sprintf("sudo usermod -aG %s %s, then log in again", group, u.name)}
		switch {
		case next:
			f.Code, f.Text = "login-again", fmt.Sprintf("is in group %s, but logged in before that", p.groupName(gid))
			f.Remedy = "log in again; over ssh too"
			if login[p.groupName(gid)] {
				return
			}
			login[p.groupName(gid)] = true
		case p.groupName(gid) != group:
			f.Remedy = rules + "; then " + f.Remedy
		case u.service:
			f.Remedy = fmt.Sprintf("sudo usermod -aG %s %s && sudo systemctl restart fluxd", group, u.name)
		}
		all = append(all, f)
	}
	const rules = "install the udev rules of fluxd: sudo install -m 644 deploy/60-fluxd.rules /etc/udev/rules.d/ && " +
		"sudo udevadm control --reload && sudo udevadm trigger"
	pins, channels := false, len(p.needs.PWM) > 0
	for _, wire := range p.Config.Wiring() {
		pins = pins || wire.Bus == "" && wire.Direction != "pwm" && !strings.Contains(wire.Pin, "/")
		channels = channels || strings.HasPrefix(wire.Pin, "pwmchip")
	}
	if pins {
		for _, file := range p.find("/dev/gpiochip[0-9]*") {
			if before := len(all); before == 0 || all[before-1].Code != "permission-gpio" { // one says it
				check("permission-gpio", file, "gpio", rules)
			}
		}
	}
	buses := slices.Clone(p.needs.Buses)
	slices.Sort(buses)
	for _, bus := range slices.Compact(buses) {
		check("permission-i2c", "/dev/i2c-"+strings.TrimPrefix(bus, "I2C"), "i2c", rules)
	}
	if !channels {
		return all
	}
	for _, chip := range p.find("/sys/class/pwm/pwmchip*") {
		if name, _ := p.pwmChip(); name != "" && path.Base(chip) != name {
			continue
		}
		check("permission-pwm", chip+"/export", "gpio", rules)
		for _, channel := range p.find(chip + "/pwm[0-9]*/duty_cycle") {
			check("permission-pwm", channel, "gpio", rules)
		}
	}
	return all
}

// groupName returns the name of a group.
func (p *patient) groupName(gid int) string {
	text, _ := p.read("/etc/group")
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(line, ":"); len(f) >= 3 && f[2] == strconv.Itoa(gid) {
			return f[0]
		}
	}
	return strconv.Itoa(gid)
}
