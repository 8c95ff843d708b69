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

// MaxSize bounds a robot file, and a file of tuned values, in bytes. The YAML library needs up to a hundred times as much memory.
const MaxSize = 4 << 20

// Example is a robot embedded in the binary.
type Example struct {
	Name  string
	About string // the first line of its file
}

// Examples returns the embedded robots, sorted by name.
func Examples() []Example {
	files, err := fs.Glob(embedded, "robots/*.yaml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	var all []Example
	for _, file := range files {
		text, err := embedded.ReadFile(file)
		if err != nil {
			panic(err) // Glob listed it
		}
		first, _, _ := strings.Cut(string(text), "\n")
		all = append(all, Example{Name: strings.TrimSuffix(filepath.Base(file), ".yaml"), About: strings.Trim(first, "# \r")})
	}
	return all
}

// Load reads an example by its name, or a robot file by its path. If the file has mistakes, the error is Errors.
func Load(name string) (*Robot, error) { return LoadWith(name, Changes{}) }

// Changes are what a user changes in a robot file when it is loaded.
type Changes struct {
	Name        string  // takes the place of robot; "": as it is
	Broker      string  // takes the place of mqtt.broker, without what belongs to another kind of broker; "": as it is
	World       string  // puts the robot on the simulated board, into a world that comes with fluxd or that of a file; "": as it is
	NetworkSeed *uint64 // takes the place of network.seed; nil: as it is
}

// LoadWith is Load with changes.
func LoadWith(name string, changes Changes) (*Robot, error) {
	f, err := Read(name)
	if err != nil {
		return nil, err
	}
	return f.Parse(changes)
}

// A File is the text of a robot file.
type File struct {
	Source string // its name in messages
	Text   []byte
	Folder fs.FS // has the data files that it names
}

// Parse reads the text. If it has mistakes, the error is Errors.
func (f File) Parse(changes Changes) (*Robot, error) {
	return parse(f.Source, f.Text, f.Folder, changes)
}

// Read reads the text of an example by its name, or of a robot file by its path. The error is Errors.
func Read(name string) (File, error) {
	if !strings.ContainsAny(name, `./\`) {
		if data, err := embedded.ReadFile("robots/" + name + ".yaml"); err == nil {
			folder, err := fs.Sub(embedded, "robots")
			return File{name, data, folder}, err
		}
	}
	data, err := files.Read(name, MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		var names []string
		for _, e := range Examples() {
			names = append(names, e.Name)
		}
		return File{}, Errors{{Source: name, Message: fmt.Sprintf("%v: expected a YAML file, or one of the examples %s%s",
			reason(err), strings.Join(names, ", "), spelling.Hint(name, names))}}
	}
	if err != nil {
		return File{}, Errors{{Source: name, Message: fmt.Sprintf("%v", reason(err))}}
	}
	return File{name, data, files.Folder(filepath.Dir(name))}, nil
}

// reason returns a path error without the path, which the message names already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Parse reads the text of a robot file. Source is its name in messages. Folder has the data files that it names; nil has none. If
// the text has mistakes, the error is Errors.
func Parse(source string, data []byte, folder fs.FS) (*Robot, error) {
	return parse(source, data, folder, Changes{})
}

func parse(source string, data []byte, folder fs.FS, changes Changes) (*Robot, error) {
	if len(data) > MaxSize {
		return nil, Errors{{Source: source, Message: fmt.Sprintf("expected at most %d MiB", MaxSize>>20)}}
	}
	if folder == nil {
		folder = embed.FS{} // an empty folder
	}
	d, err := strict.NewDecoder(source, data)
	if errors.Is(err, strict.ErrEmpty) {
		return nil, Errors{{Source: source, Message: "empty: expected a robot; fluxd run --list names examples to start from"}}
	}
	if err != nil {
		return nil, err
	}
	if other := circuits.Mistaken(strict.Keys(d.Root())); other != "" {
		return nil, Errors{{Source: source, Line: 1, Column: 1, Message: other + "; expected a robot"}}
	}
	robot := &Robot{Files: folder, Source: source}
	d.Decode(robot, "the robot")
	if changes.NetworkSeed != nil {
		robot.Written.Seed = *changes.NetworkSeed
	}
	if world := changes.World; world != "" {
		robot.Board.Kind, robot.Board.World, robot.Board.given = "sim", world, world
	}
	if changes.Name != "" {
		robot.Name = changes.Name
	}
	if changes.Broker != "" {
		robot.MQTT.Replace(changes.Broker)
	}
	if !d.Exhausted() { // otherwise a part of the file was not read
		expansion := circuits.Expand(d, &robot.Written, robot.Circuits)
		robot.Network, robot.Index, robot.Drawn = expansion.Network, expansion.Index, expansion.Drawn
		validate(d, robot, expansion)
	}
	if err := d.Err(); err != nil {
		return nil, err
	}
	robot.Warnings = d.Warnings()
	robot.places = outline(d.Root())
	if robot.changes = changes; robot.Drawn {
		robot.text = data
	}
	return robot, nil
}

// Redrawn returns the robot with the connections, weights and delays that another seed of its network draws. A robot in which
// nothing is drawn is returned as it is. If another draw has mistakes, such as too many synapses, the error is Errors.
func (r *Robot) Redrawn(seed uint64) (*Robot, error) {
	if !r.Drawn || seed == r.Network.Seed {
		return r, nil
	}
	changes := r.changes
	changes.NetworkSeed = &seed
	again, err := parse(r.Source, r.text, r.Files, changes)
	if err == nil {
		again.Recordings = r.Recordings // what is played is not drawn, and the caller may have chosen it
	}
	return again, err
}
