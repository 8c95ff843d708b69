package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A component is somebody else's work in the programs.
type component struct {
	name, version string
	kind          string // "golang" or "npm", as package URLs have it
	sum           string // go.sum's hash of a Go module; "" where there is none
	folder        string // where its licence is
}

// url returns the package URL: https://github.com/package-url/purl-spec.
func (c component) url() string {
	return "pkg:" + c.kind + "/" + strings.ReplaceAll(c.name, "@", "%40") + "@" + strings.ReplaceAll(c.version, "+", "%2B")
}

// linked returns the components of a program, as it says itself, in the order of their names: Go, and the modules.
func (s *stage) linked(t target, program string) (all []component, err error) {
	info, err := s.inside(s.path(t, program))
	if err != nil {
		return nil, err
	}
	root, err := output(s.source, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	all = append(all, component{"std", strings.TrimPrefix(info.GoVersion, "go"), "golang", "", strings.TrimSpace(root)})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, component{m.Path, m.Version, "golang", m.Sum, s.modules[m.Path]})
	}
	return all, nil
}

// moduleFolders returns where the source of each Go module is that a folder's module needs.
func moduleFolders(source string) (map[string]string, error) {
	list, err := output(source, "go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}", "all")
	if err != nil {
		return nil, err
	}
	folders := map[string]string{}
	for line := range strings.Lines(list) {
		name, folder, _ := strings.Cut(strings.TrimSpace(line), "\t")
		folders[name] = folder
	}
	return folders, nil
}

// output runs a command and returns what it prints.
func output(folder, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Dir = folder
	out, err := c.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return string(out), nil
}

// page returns the npm packages in the page that fluxd serves.
func (s *stage) page() (all []component, err error) {
	sources := filepath.Join(s.source, "ui/sources")
	err = filepath.WalkDir(sources, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "package.json" {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var npm struct{ Name, Version string }
		if err := json.Unmarshal(data, &npm); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if npm.Version != "" { // otherwise it is a part of a package
			all = append(all, component{npm.Name, npm.Version, "npm", "", filepath.Dir(name)})
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s: expected the page's npm packages, there are none", sources)
	}
	return all, err
}

// isLicence matches the names of files with a licence, or with what a licence wants to be passed on.
var isLicence = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|edl|epl|about)([-._].*)?$`)

// licences returns the licences of all that is in the programs of a target, as their authors want it to be passed on.
func (s *stage) licences(t target) ([]byte, error) {
	all, err := s.page()
	if err != nil {
		return nil, err
	}
	for _, program := range programs {
		some, err := s.linked(t, program)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	byURL := map[string]component{}
	for _, c := range all {
		byURL[c.url()] = c
	}
	b := bytes.NewBufferString("fluxd contains the work of others, under these licences.\n")
	for _, url := range slices.Sorted(maps.Keys(byURL)) {
		c := byURL[url]
		entries, err := os.ReadDir(c.folder)
		if err != nil {
			return nil, fmt.Errorf("the licence of %s: %w", c.name, err)
		}
		found := false
		for _, entry := range entries {
			if !isLicence.MatchString(entry.Name()) || !entry.Type().IsRegular() {
				continue
			}
			text, err := os.ReadFile(filepath.Join(c.folder, entry.Name()))
			if err != nil {
				return nil, err
			}
			found = true
			fmt.Fprintf(b, "\n%s\n%s %s: %s\n\n%s\n", strings.Repeat("=", 80), c.name, c.version, entry.Name(), bytes.TrimSpace(text))
		}
		if !found {
			return nil, fmt.Errorf("%s %s has no licence in %s: expected a file LICENSE, COPYING or the like", c.name, c.version, c.folder)
		}
	}
	return b.Bytes(), nil
}
