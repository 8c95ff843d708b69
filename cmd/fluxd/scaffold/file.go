package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"fluxd/boards/header"
	"fluxd/configs"
)

//go:embed parts/*.tmpl
var parts embed.FS

var helpers = template.FuncMap{
	"at": position,
	"positions": func(pins []string) string {
		var all []string
		for _, pin := range pins {
			all = append(all, strings.TrimPrefix(position(pin), "header pin "))
		}
		return strings.Join(all, ", ")
	},
	"join": func(words []string) string { return strings.Join(words, ", ") },
	"pad":  func(width int, text string) string { return fmt.Sprintf("%-*s", width, text) },
}

// position returns where a pin of the board is, such as "header pin 11"; "" for one that is not on the header.
func position(pin string) string {
	if p, found := header.Find(pin); found {
		return "header pin " + strconv.Itoa(p.Position)
	}
	return ""
}

// A plan is all that the templates need.
type plan struct {
	Choices
	File, Line, Does       string
	World, WorldIs         string
	Pi, Network            bool
	Bumper, Retreat        bool
	HasSensors             bool
	Driver                 driver
	Full, Window, TopSpeed string
	Eyes, EyePins          []string // of line sensors, from left to right
	Passwords, Certificate string   // files that fluxd pair makes, beside the robot file
}

// behaviours has what depends on the behaviour and is no part of its template.
var behaviours = map[string]struct{ does, world, worldIs, full, window, speed string }{
	"line": {"follows a black line",
		"line", "a black line in the shape of an eight", "200 Hz", "100ms", "0.6 m/s"},
	"light": {"drives to a lamp",
		"arena", "a room with a lamp, which moves on when the robot is there", "60 Hz", "200ms", "0.5 m/s"},
	"obstacles": {"drives around and turns away from what is near",
		"boxes", "a room with boxes and barrels", "100 Hz", "200ms", "0.5 m/s"},
	"wander": {"drives around and turns now and then",
		"boxes", "a room with boxes and barrels", "150 Hz", "200ms", "0.5 m/s"},
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./-]*$`)

// Plain reports whether a shell takes the path of a file as it is.
func Plain(path string) bool { return plain.MatchString(path) }

// File returns the text of the robot file. Its comments name the file by its path, which fluxd run is given. No choice may be
// open. The text has been read as fluxd check reads it; an error is a mistake of this package.
func (c *Choices) File(path string) ([]byte, error) {
	is := behaviours[c.Behaviour]
	p := plan{
		Choices: *c, File: path, Line: c.Line(), Does: is.does, World: is.world, WorldIs: is.worldIs,
		Full: is.full, Window: is.window, TopSpeed: is.speed,
		Pi: c.Board == "raspberrypi", Network: c.Reach == "network", Bumper: c.Bumper == "yes",
	}
	folder := filepath.Dir(path)
	if !Plain(path) {
		p.File, folder = "FILE", "."
	}
	p.Passwords, p.Certificate = filepath.Join(folder, "passwords"), filepath.Join(folder, "robot.pem")
	p.Retreat = p.Bumper || c.Behaviour == "obstacles"
	p.HasSensors = c.Sensors != "none" || p.Bumper
	p.Driver = drivers[slices.IndexFunc(drivers, func(d driver) bool { return d.Name == c.Motors })]
	switch c.Sensors {
	case "line2":
		p.Eyes, p.EyePins = []string{"l", "r"}, []string{"GPIO17", "GPIO27"}
	case "line5":
		p.Eyes, p.EyePins = []string{"1", "2", "3", "4", "5"}, []string{"GPIO17", "GPIO27", "GPIO23", "GPIO5", "GPIO6"}
	}
	made, err := template.New("robot.tmpl").Funcs(helpers).ParseFS(parts, "parts/robot.tmpl", "parts/shared.tmpl",
		"parts/"+c.Behaviour+".tmpl")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := made.Execute(&text, &p); err != nil {
		return nil, err
	}
	if _, err := configs.Parse(path, text.Bytes(), nil); err != nil {
		return nil, fmt.Errorf("the file that fluxd init makes of %s has mistakes, please report them: %w", c.Line(), err)
	}
	return text.Bytes(), nil
}
