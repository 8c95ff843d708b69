package configs

import "fmt"

// A configuration does not know what devices can measure: their drivers do. So it remembers where its amounts stand in the file, for a check
// that asks the drivers.

// place is where something stands in a file.
type place struct{ line, column int }

// Mistake makes an error at a path of a sensor or reward, with its line in the file. It is for limits that only the driver of a device knows.
func (r *Robot) Mistake(path, format string, args ...any) *Error {
	at := r.places[path]
	return &Error{Source: r.Source, Line: at.line, Column: at.column, Path: path, Message: fmt.Sprintf(format, args...)}
}

// remember notes the places of what is measured.
func (v *validator) remember() {
	v.robot.places = map[string]place{}
	note := func(path string) {
		n := find(v.root, path)
		v.robot.places[path] = place{n.Line, n.Column}
	}
	for _, s := range v.robot.Sensors {
		path := "sensors." + s.Name
		for _, key := range []string{"", ".curve", ".encode.above", ".encode.below", ".encode.hysteresis", ".encode.range", ".encode.step"} {
			note(path + key)
		}
	}
	for _, w := range v.robot.Rewards {
		note("rewards." + w.Name + ".threshold")
	}
}
