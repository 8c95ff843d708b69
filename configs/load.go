package configs

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"fluxd/configs/circuits"
	"fluxd/configs/spelling"
	"fluxd/configs/strict"
	"fluxd/files"
)

//go:embed robots/*.yaml robots/*.csv.gz
var embedded embed.FS

// MaxSize bounds a configuration file, and one of values that were tuned. The YAML library needs up to a hundred times as much
// memory.
const MaxSize = 4 << 20

// Example is a robot embedded in the binary.
type Example struct {
	Name  string
	About string // one line
}

// Examples lists the embedded robots.
func Examples() []Example {
	files, err := fs.Glob(embedded, "robots/*.yaml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	var all []Example
	for _, file := range files {
		text, err := embedded.ReadFile(file)
		if err != nil {
			panic(err) // it was listed
		}
		first, _, _ := strings.Cut(string(text), "\n")
		all = append(all, Example{Name: strings.TrimSuffix(filepath.Base(file), ".yaml"), About: strings.Trim(first, "# \r")})
	}
	return all
}

// Load reads an example by its name, or a file by its path. The error of a configuration with mistakes is Errors.
func Load(name string) (*Robot, error) {
	if !strings.ContainsAny(name, `./\`) {
		if data, err := embedded.ReadFile("robots/" + name + ".yaml"); err == nil {
			folder, err := fs.Sub(embedded, "robots")
			if err != nil {
				return nil, err
			}
			return Parse(name, data, folder)
		}
	}
	data, err := files.Read(name, MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		var names []string
		for _, e := range Examples() {
			names = append(names, e.Name)
		}
		return nil, Errors{{Source: name, Message: fmt.Sprintf("%v: expected a YAML file, or one of the examples %s%s", reason(err), strings.Join(names, ", "), spelling.Hint(name, names))}}
	}
	if err != nil {
		return nil, Errors{{Source: name, Message: fmt.Sprintf("%v", reason(err))}}
	}
	return Parse(name, data, files.Folder(filepath.Dir(name)))
}

// reason strips a path error of the path, which the message names already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Parse reads a configuration; source is its name in messages, folder is where the data files it names are found (nil: nowhere).
// The error of a configuration with mistakes is Errors.
func Parse(source string, data []byte, folder fs.FS) (*Robot, error) {
	if len(data) > MaxSize {
		return nil, Errors{{Source: source, Message: fmt.Sprintf("expected at most %d MiB", MaxSize>>20)}}
	}
	if folder == nil {
		folder = embed.FS{} // none are found
	}
	d, err := strict.NewDecoder(source, data)
	if errors.Is(err, strict.ErrEmpty) {
		return nil, Errors{{Source: source, Message: "empty: expected a robot; fluxd run --list names examples to start from"}}
	}
	if err != nil {
		return nil, err
	}
	if what := circuits.Mistaken(strict.Keys(d.Root())); what != "" {
		return nil, Errors{{Source: source, Line: 1, Column: 1, Message: what + "; expected a robot"}}
	}
	robot := &Robot{Files: folder, Source: source}
	d.Decode(robot, "the robot")
	if !d.Exhausted() { // else the rest was not read
		expansion := circuits.Expand(d, &robot.Written, robot.Circuits)
		robot.Network, robot.Index = expansion.Network, expansion.Index
		validate(d, robot, expansion)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	robot.Warnings = d.Warnings()
	robot.places = outline(d.Root())
	return robot, nil
}
