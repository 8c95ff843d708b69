package configs

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

//go:embed robots/*.yaml robots/*.csv.gz
var embedded embed.FS

// maxSize bounds a configuration file.
const maxSize = 16 << 20

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
		all = append(all, Example{Name: strings.TrimSuffix(filepath.Base(file), ".yaml"), About: strings.TrimLeft(first, "# ")})
	}
	return all
}

// Load reads an example by its name, or a file by its path. The error of a configuration with mistakes is Errors.
func Load(name string) (*Robot, error) {
	if !strings.ContainsAny(name, `./\`) {
		if data, err := embedded.ReadFile("robots/" + name + ".yaml"); err == nil {
			files, err := fs.Sub(embedded, "robots")
			if err != nil {
				return nil, err
			}
			return Parse(name, data, files)
		}
	}
	f, err := os.Open(name)
	if err != nil {
		var names []string
		for _, e := range Examples() {
			names = append(names, e.Name)
		}
		return nil, Errors{{Source: name, Message: fmt.Sprintf("%v: expected a YAML file, or one of the examples %s%s", reason(err), strings.Join(names, ", "), nearest(name, names))}}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, Errors{{Source: name, Message: fmt.Sprintf("%v", reason(err))}}
	}
	return Parse(name, data, os.DirFS(filepath.Dir(name)))
}

// reason strips a path error of the path, which the message names already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Parse reads a configuration; source is its name in messages, files is where the data files it names are found.
func Parse(source string, data []byte, files fs.FS) (*Robot, error) {
	if len(data) > maxSize {
		return nil, Errors{{Source: source, Message: fmt.Sprintf("expected at most %d MB", maxSize>>20)}}
	}
	d := &decoder{source: source}
	var tree yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(data))
	if err := decodeYAML(reader, &tree); err != nil {
		return nil, Errors{syntaxError(source, err)}
	}
	var more yaml.Node
	if err := decodeYAML(reader, &more); err == nil {
		d.fail(&more, "", "expected one document, got another behind ---")
	}
	robot := &Robot{Files: files, Source: source}
	d.structure(tree.Content[0], reflect.ValueOf(robot).Elem(), "", 0)
	expand(d, robot, tree.Content[0])
	validate(d, robot, tree.Content[0])
	if len(d.errors) > 0 {
		return nil, d.errors.sorted()
	}
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

var yamlLine = regexp.MustCompile(`line (\d+): `)

// syntaxError finds the line in the library's message.
func syntaxError(source string, err error) *Error {
	if errors.Is(err, io.EOF) {
		return &Error{Source: source, Message: "empty: expected a robot; fluxd run --list names examples to start from"}
	}
	e := &Error{Source: source, Message: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Column = 1
		e.Message = "not YAML: " + strings.TrimPrefix(strings.Replace(err.Error(), m[0], "", 1), "yaml: ")
	}
	return e
}
