package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fluxd/configs"
	"fluxd/core"
	"fluxd/files"
)

// A kept file is one that the robot writes.
type kept struct{ what, path string }

// keeps lists the files that the robot writes, with their whole paths.
func (p *patient) keeps() (all []kept) {
	if p.Config == nil {
		return nil
	}
	if c := p.Config.Learnt; c != nil {
		all = append(all, kept{"learnt", p.whole(c.File)})
	}
	if c := p.Config.Tuning; c != nil {
		all = append(all, kept{"tuning", p.whole(c.File)})
	}
	return all
}

// serviceRobot is the robot file of the service, and serviceFolder the folder that it runs in.
const (
	ServiceRobot  = "/etc/fluxd/robot.yaml"
	serviceFolder = "/var/lib/fluxd"
)

// whole returns the path of a file that the robot names: in the folder where it runs.
func (p *patient) whole(name string) string {
	switch {
	case filepath.IsAbs(name):
		return p.at(name)
	case p.Robot == ServiceRobot:
		return filepath.Join(p.at(serviceFolder), name)
	}
	return name
}

// Disk space: below lowSpace a robot soon cannot write, below leastSpace it cannot.
const (
	lowSpace   = 200 << 20
	leastSpace = 4 << 20
)

// disk says whether the robot can write what it keeps.
func (p *patient) disk(context.Context) (all []Finding) {
	folders := map[string]string{} // what is in it, by folder
	for _, k := range p.keeps() {
		folder := filepath.Dir(k.path)
		folders[folder] = strings.TrimPrefix(folders[folder]+", "+k.what, ", ")
	}
	if p.hasService() || p.Robot == ServiceRobot {
		if folder := p.at(serviceFolder); p.exists(serviceFolder) && folders[folder] == "" {
			folders[folder] = "the service"
		}
	}
	names := make([]string, 0, len(folders))
	for folder := range folders {
		names = append(names, folder)
	}
	slices.Sort(names)
	for _, folder := range names {
		all = append(all, p.writable(folder, folders[folder])...)
	}
	if len(names) == 0 {
		names = []string{p.System.Root}
	}
	seen := map[uint64]bool{}
	for _, folder := range names {
		free, total, readOnly, err := p.System.Space(folder)
		switch {
		case err != nil || seen[total]:
		case readOnly:
			all = append(all, Finding{"disk-read-only", Problem, folder, "the disk is mounted read-only: after an error of the card the " +
				"kernel does that", "dmesg | grep -i 'mmc\\|ext4'; sudo reboot; if it comes back, replace the card"})
		case free < leastSpace:
			all = append(all, Finding{"disk-full", Problem, folder, fmt.Sprintf("the disk is full: %d kB are free", free>>10),
				"sudo apt clean && sudo journalctl --vacuum-size=50M; then see what is large: sudo du -xh / | sort -h | tail"})
		case free < lowSpace:
			all = append(all, Finding{"disk-low", Warning, folder, fmt.Sprintf("only %d MB are free", free>>20),
				"sudo apt clean && sudo journalctl --vacuum-size=50M"})
		default:
			all = append(all, Finding{"disk", OK, folder, fmt.Sprintf("%d of %d MB are free", free>>20, total>>20), ""})
		}
		seen[total] = true
	}
	return all
}

// writable says whether a folder can be written by the user that runs the robot: that of the service for the service's folder,
// else this one.
func (p *patient) writable(folder, what string) []Finding {
	mode, uid, gid, err := p.System.Owner(folder)
	if err != nil {
		remedy := "mkdir -p " + folder
		if strings.HasPrefix(folder, p.at(serviceFolder)) {
			remedy = "sudo install -d -o " + serviceUser + " " + folder
		}
		return []Finding{{"folder-missing", Problem, folder, fmt.Sprintf("the folder of %s: %v", what, err), remedy}}
	}
	u := p.users[0]
	for _, other := range p.users {
		if other.service && strings.HasPrefix(folder, p.at(serviceFolder)) {
			u = other
		}
	}
	bits := mode.Perm()
	switch {
	case u.uid == 0 || uid < 0:
		return nil
	case u.uid == uid:
		bits >>= 6
	case slices.Contains(u.groups, gid):
		bits >>= 3
	}
	if bits&3 != 3 { // to write a file whole, a new one is made beside it
		return []Finding{{"folder-not-writable", Problem, folder, fmt.Sprintf("user %s may not write there (%s)", u.name, what),
			fmt.Sprintf("sudo chown %s %s", u.name, folder)}}
	}
	return nil
}

// keptFiles says whether this version can read the files that the robot has kept.
func (p *patient) keptFiles(context.Context) (all []Finding) {
	for _, k := range p.keeps() {
		most := int64(configs.MaxSize)
		if k.what == "learnt" {
			most = core.MaxSnapshot
		}
		data, err := files.Read(k.path, most)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			all = append(all, Finding{"kept-file", OK, k.what, k.path + ": there is none yet", ""})
			continue
		case errors.Is(err, fs.ErrPermission):
			all = append(all, Finding{"kept-file-unreadable", Warning, k.what, err.Error(), "sudo fluxd doctor " + p.Robot})
			continue
		}
		if err == nil && k.what == "tuning" {
			_, err = configs.ParseOverlay(k.path, data)
		} else if err == nil {
			var network *core.Network
			if network, err = core.Build(p.Config.Network); err == nil {
				_, err = network.Restore(data)
			}
		}
		if err != nil {
			all = append(all, Finding{"kept-file-unusable", Warning, k.what, fmt.Sprintf("%s cannot be used: %v", k.path, err),
				"at the next start fluxd keeps it under another name, and begins again; go back to the version and the robot file that " +
					"wrote it to use it"})
			continue
		}
		all = append(all, Finding{"kept-file", OK, k.what, k.path + " can be used", ""})
	}
	return all
}

// versions says which programs are here.
func (p *patient) versions(ctx context.Context) (all []Finding) {
	all = append(all, Finding{"version", OK, "fluxd", p.Version + ", " + p.System.Program, ""})
	name := filepath.Join(filepath.Dir(p.System.Program), "fluxctl")
	text, err := p.System.Run(ctx, name, "--version")
	if missing(err) {
		name = "fluxctl"
		text, err = p.System.Run(ctx, name, "--version")
	}
	version := strings.TrimSpace(text)
	if words := strings.Fields(version); len(words) > 0 {
		version = words[len(words)-1]
	}
	const remedy = "install both programs of one version"
	switch {
	case missing(err):
		all = append(all, Finding{"fluxctl-missing", Warning, "fluxctl", "it is neither beside fluxd nor on the PATH", remedy})
	case err != nil:
		all = append(all, Finding{"fluxctl-fails", Warning, name, fmt.Sprintf("fluxctl --version: %v", err), remedy})
	case version != p.Version:
		all = append(all, Finding{"fluxctl-version", Warning, name, fmt.Sprintf("it is version %s, fluxd is %s", version, p.Version),
			remedy})
	default:
		all = append(all, Finding{"version", OK, "fluxctl", version + ", " + name, ""})
	}
	return all
}

// State returns the folder that keeps the files which are sent to a robot, by its own file, if that is the service's; else "".
func State(root, robot string) string {
	if robot == filepath.Join(root, ServiceRobot) {
		return filepath.Join(root, serviceFolder)
	}
	return ""
}

// Service returns the robot file of the service, "" if there is none.
func Service(root string) string {
	if _, err := os.Stat(filepath.Join(root, ServiceRobot)); err == nil {
		return filepath.Join(root, ServiceRobot)
	}
	return ""
}
