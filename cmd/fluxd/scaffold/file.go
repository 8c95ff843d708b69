package scaffold

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"fluxd/configs"
)

// A plan is all that the text depends on.
type plan struct {
	Choices
	behaviour behaviour
	driver    driver

	file                   string // the path of the robot file, or FILE
	passwords, certificate string // files that fluxd pair makes, beside the robot file

	onPi      bool
	onNetwork bool // other machines reach it
	hasBumper bool
	backsOff  bool // it has the reflex in bumper.go
}

// A behaviour is what a robot does, with what depends on it.
type behaviour struct {
	does           string // after the robot's name
	world, worldIs string // the simulated world that fits it
	full, window   string // of the decoders of both motors
	speed          string // of the body, at full power

	// Parts of the text: the section sensors without the bumper; the section network without the reflex; and where the
	// sensors are mounted, which belongs to the body.
	sensors, network, mounts func(*strings.Builder, *plan)
}

// behaviours are all, by the names of the choice. Their texts are in the files of the same names.
var behaviours = map[string]behaviour{
	"line": {
		"follows a black line",
		"line", "a black line in the shape of an eight", "200 Hz", "100ms", "0.6 m/s",
		lineSensors, lineNetwork, lineMounts,
	},
	"light": {
		"drives to a lamp",
		"arena", "a room with a lamp, which moves on when the robot is there", "60 Hz", "200ms", "0.5 m/s",
		lightSensors, lightNetwork, lightMounts,
	},
	"obstacles": {
		"drives around and turns away from what is near",
		"boxes", "a room with boxes and barrels", "100 Hz", "200ms", "0.5 m/s",
		obstacleSensors, obstacleNetwork, obstacleMounts,
	},
	"wander": {
		"drives around and turns now and then",
		"boxes", "a room with boxes and barrels", "150 Hz", "200ms", "0.5 m/s",
		wanderSensors, wanderNetwork, func(*strings.Builder, *plan) {}, // no sensors to mount
	},
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./-]*$`)

// Plain reports whether a shell takes the path of a file as it is.
func Plain(path string) bool { return plain.MatchString(path) }

// File returns the text of the robot file. Its comments name the file by its path, which fluxd run is given. No choice may be
// open. The text has been read as fluxd check reads it; an error is a mistake of this package.
func (c *Choices) File(path string) ([]byte, error) {
	p := plan{
		Choices: *c, behaviour: behaviours[c.Behaviour], file: path,
		driver: drivers[slices.IndexFunc(drivers, func(d driver) bool { return d.Name == c.Motors })],
		onPi:   c.Board == "raspberrypi", onNetwork: c.Reach == "network", hasBumper: c.Bumper == "yes",
		backsOff: c.Bumper == "yes" || c.Behaviour == "obstacles",
	}
	folder := filepath.Dir(path)
	if !Plain(path) {
		p.file, folder = "FILE", "."
	}
	p.passwords, p.certificate = filepath.Join(folder, "passwords"), filepath.Join(folder, "robot.pem")
	text := []byte(p.text())
	if _, err := configs.Parse(path, text, nil); err != nil {
		return nil, fmt.Errorf("the file that fluxd init makes of %s has mistakes, please report them: %w", c.Line(), err)
	}
	return text, nil
}
