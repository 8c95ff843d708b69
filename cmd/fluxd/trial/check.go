package trial

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"fluxd/bridge/protocol"
	"fluxd/configs"
	"fluxd/files"
)

// Source is the name of a sent file in messages.
const Source = "robot.yaml"

// A Question is a sent file, with what is needed to find its mistakes. It crosses to another process, so that a file that takes
// all memory, or makes this program panic, does no harm to the robot.
type Question struct {
	Text     []byte          `json:"text"`
	Own      string          `json:"own"`     // the name of the robot's own file, as on its command line
	Name     string          `json:"name"`    // of the robot that runs
	Places   []Place         `json:"places"`  // that its file names
	Folder   string          `json:"folder"`  // of the store
	Changes  configs.Changes `json:"changes"` // from the command line
	Overlays []string        `json:"overlays,omitempty"`
}

// Check finds the mistakes of a sent file: those that fluxd check and fluxd run would find, another name than the robot's, and
// places on the robot's disk that a file from afar may not name. Load makes a robot of the text; an error of it is
// configs.Errors.
func Check(q Question, load func(configs.File) (*configs.Robot, configs.Errors, error)) (Checked, error) {
	var c Checked
	own, err := configs.Read(q.Own)
	if err != nil {
		return c, err
	}
	robot, warnings, err := load(configs.File{Source: Source, Text: q.Text, Folder: own.Folder})
	var mistakes configs.Errors
	if err != nil && !errors.As(err, &mistakes) {
		mistakes = configs.Errors{{Source: Source, Message: err.Error()}}
	}
	if err == nil {
		mistakes = append(q.named(robot), q.placed(robot)...)
	}
	for _, m := range mistakes {
		if m.Source != Source { // of a file that it names
			m = &configs.Error{Message: m.Error()}
		}
		c.Mistakes = append(c.Mistakes, protocol.Mistake{Line: m.Line, Column: m.Column, Path: m.Path, Message: m.Message})
	}
	for _, w := range warnings {
		c.Warnings = append(c.Warnings, w.Error())
	}
	return c, nil
}

// named refuses another name: the robot would leave its topics, and the user who has sent the file would lose it.
func (q Question) named(robot *configs.Robot) configs.Errors {
	if robot.Name == q.Name {
		return nil
	}
	return configs.Errors{robot.Mistake("robot", "%q: expected %s: under another name you could not reach it to confirm the file; "+
		"change the name at the robot itself", robot.Name, q.Name)}
}

// A Place is a file or a variable of the robot's machine that a robot file names.
type Place struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	kind  place
}

type place int

const (
	readable place = iota // is read
	writable              // is written by the robot
	device                // is opened as a watchdog
	variable              // of the environment
)

// Places returns the places that a robot names.
func Places(c *configs.Robot) (all []Place) {
	add := func(kind place, key, value string) {
		if value != "" {
			all = append(all, Place{key, value, kind})
		}
	}
	if c.Learnt != nil {
		add(writable, "learnt.file", c.Learnt.File)
	}
	if c.Tuning != nil {
		add(writable, "tuning.file", c.Tuning.File)
	}
	add(device, "safety.watchdog", c.Safety.Watchdog)
	m := c.MQTT
	add(readable, "mqtt.passwords", m.Passwords)
	add(readable, "mqtt.password_file", m.PasswordFile)
	add(variable, "mqtt.password_env", m.PasswordEnv)
	if t := m.TLS; t != nil {
		add(readable, "mqtt.tls.ca", t.CA)
		add(readable, "mqtt.tls.certificate", t.Certificate)
		add(readable, "mqtt.tls.key", t.Key)
	}
	if f := m.Fleet; f != nil {
		add(readable, "mqtt.fleet.password_file", f.PasswordFile)
		add(readable, "mqtt.fleet.ca", f.CA)
	}
	if t := c.Dashboard.TLS; t != nil {
		add(readable, "dashboard.tls.certificate", t.Certificate)
		add(readable, "dashboard.tls.key", t.Key)
	}
	return all
}

var watchdog = regexp.MustCompile(`^/dev/watchdog[0-9]*$`)

// placed refuses places that a file from afar may not name. It must not give its sender more than the robot: a robot
// writes its weights wherever its file says, sends a password to whichever broker it names, and quotes what it cannot read.
func (q Question) placed(robot *configs.Robot) (mistakes configs.Errors) {
	all := Places(robot)
	for _, p := range all {
		refuse := func(format string, args ...any) {
			mistakes = append(mistakes, robot.Mistake(p.Key, "%q: %s", p.Value, fmt.Sprintf(format, args...)))
		}
		same := slices.ContainsFunc(q.Places, func(o Place) bool { return o.Key == p.Key && o.Value == p.Value })
		switch {
		case p.kind == writable && q.belongs(p, all):
			refuse("the robot needs this file for something else: expected a file for this alone")
		case same:
		case p.kind == device && watchdog.MatchString(p.Value):
		case p.kind == device:
			refuse("expected /dev/watchdog: a file that was sent may name no other device")
		case p.kind == variable:
			refuse("expected the variable that the robot's file names now: a file that was sent may name no other")
		case !filepath.IsLocal(p.Value):
			refuse("expected a path below the robot's working directory, or the one that its file names now: " +
				"a file that was sent may name no other")
			continue
		}
		if p.kind == readable {
			if _, err := files.Read(p.Value, protocol.MaxPEM); err != nil {
				mistakes = append(mistakes, robot.Mistake(p.Key, "%v: expected a file that the robot can read", err))
			}
		}
	}
	return mistakes
}

// belongs reports whether a file that the robot would write is used for something else.
func (q Question) belongs(p Place, all []Place) bool {
	at := absolute(p.Value)
	if inside, err := filepath.Rel(q.Folder, at); err == nil && filepath.IsLocal(inside) {
		return true
	}
	if own, err := filepath.Abs(q.Own); err == nil && at == own {
		return true
	}
	kept := []string{"learnt.file", "tuning.file"}
	for _, o := range slices.Concat(all, q.Places) {
		if !slices.Contains(kept, o.Key) && o.Key != "mqtt.password_env" && absolute(o.Value) == at {
			return true
		}
	}
	return false
}

// absolute returns the absolute path of a file, behind links as far as it is there.
func absolute(name string) string {
	if place, err := filepath.EvalSymlinks(name); err == nil {
		name = place
	}
	if path, err := filepath.Abs(name); err == nil {
		return path
	}
	return name
}
