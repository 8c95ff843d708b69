package configs

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"fluxd/files"
)

//go:embed robots/*.yaml robots/*.csv.gz
var embedded embed.FS

// MaxSize bounds a configuration file, and one of values that were tuned. The YAML library needs up to a hundred times as much memory.
const MaxSize = 4 << 20

// MaxJSON bounds a file of a network as JSON.
const MaxJSON = 128 << 20

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
		return nil, Errors{{Source: name, Message: fmt.Sprintf("%v: expected a YAML file, or one of the examples %s%s", reason(err), strings.Join(names, ", "), nearest(name, names))}}
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
	d := newDecoder(source, len(data))
	var tree yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(data))
	if err := decodeYAML(reader, &tree); err != nil {
		return nil, Errors{syntaxError(source, data, err)}
	}
	if what := mistaken(keysOf(&tree)); what != "" {
		return nil, Errors{{Source: source, Line: 1, Column: 1, Message: what + "; expected a robot"}}
	}
	var more yaml.Node
	switch err := decodeYAML(reader, &more); {
	case err == nil:
		d.fail(&more, "", "expected one document, got another behind ---")
	case !errors.Is(err, io.EOF):
		d.errors = append(d.errors, syntaxError(source, data, err))
	}
	robot := &Robot{Files: folder, Source: source}
	d.structure(tree.Content[0], reflect.ValueOf(robot).Elem(), "", 0)
	if d.nodes <= d.most && !d.more { // else the rest was not read
		expand(d, robot, tree.Content[0])
		validate(d, robot, tree.Content[0])
	}
	if len(d.errors) > 0 {
		last := lastLine(data)
		for _, e := range d.errors {
			e.Line = min(e.Line, last) // yaml.v3 puts the nothing behind a --- into the line after it
		}
		all := d.errors.sorted()
		if d.more {
			all = append(all, &Error{Source: source, Message: fmt.Sprintf("more than %d mistakes: the rest shows when these are mended", maxErrors)})
		}
		return nil, all
	}
	robot.Warnings = robot.Warnings.sorted()
	robot.places = outline(tree.Content[0])
	return robot, nil
}

// decodeYAML reads a document; the library answers some malformed input with a panic.
func decodeYAML(reader *yaml.Decoder, tree *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	err = reader.Decode(tree)
	if err == nil && len(tree.Content) == 0 {
		return io.EOF
	}
	return err
}

// yamlBreak ends a line of YAML.
var yamlBreak = regexp.MustCompile(`\r\n|[\n\r\x{85}\x{2028}\x{2029}]`)

// lastLine returns the number of the last line; a break at the very end begins no further one.
func lastLine(data []byte) int {
	breaks := yamlBreak.FindAllIndex(data, -1)
	if n := len(breaks); n > 0 && breaks[n-1][1] == len(data) {
		return n
	}
	return len(breaks) + 1
}
