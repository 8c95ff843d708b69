package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A file is one in a package.
type file struct {
	name string // from the root of the package, with slashes
	mode fs.FileMode
	data []byte
}

// read reads a file of fluxd's source.
func (s *stage) read(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.source, filepath.FromSlash(name)))
}

// tree returns the files of a folder, and of those in it, in the order of their names.
func tree(root, to string, has func(name string) bool) (all []file, err error) {
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !has(entry.Name()) {
			return err
		}
		below, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		all = append(all, file{path.Join(to, filepath.ToSlash(below)), 0o644, data})
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s: expected files for the packages, there are none", root)
	}
	return all, err
}

// documentation returns README, licences, the pages, the example robots, and what Prometheus and Grafana need. Pages link to each
// other and to these as in the source.
func (s *stage) documentation(t target) (all []file, err error) {
	readme, err := s.read("README.md")
	if err != nil {
		return nil, err
	}
	others, err := s.licences(t)
	if err != nil {
		return nil, err
	}
	all = append(all, file{"README.md", 0o644, readme}, file{"THIRD-PARTY-LICENSES", 0o644, others})
	pages, err := tree(filepath.Join(s.source, "docs"), "docs", func(name string) bool {
		return slices.Contains([]string{".md", ".svg", ".png", ".yaml", ".json", ".csv"}, path.Ext(name))
	})
	if err != nil {
		return nil, err
	}
	whole := func(string) bool { return true }
	return gather(append(all, pages...),
		func() ([]file, error) { return tree(filepath.Join(s.source, "configs/robots"), "examples", whole) },
		func() ([]file, error) {
			return tree(filepath.Join(s.source, "deploy/grafana"), "deploy/grafana", whole)
		},
		func() ([]file, error) {
			return tree(filepath.Join(s.source, "deploy/prometheus"), "deploy/prometheus", whole)
		})
}

// manual returns the manual pages.
func (s *stage) manual(to string) ([]file, error) {
	return tree(filepath.Join(s.folder, "manual/man1"), to, func(string) bool { return true })
}

// completions returns the completions of the programs for one shell, in a folder, with the names that the shell looks for.
func (s *stage) completions(shell, to, name string) (all []file, err error) {
	for _, program := range programs {
		data, err := os.ReadFile(filepath.Join(s.folder, "manual", program+"."+shell))
		if err != nil {
			return nil, err
		}
		all = append(all, file{path.Join(to, strings.ReplaceAll(name, "*", program)), 0o644, data})
	}
	return all, nil
}

// binaries returns the programs of a target.
func (s *stage) binaries(t target, to string) (all []file, err error) {
	for _, program := range programs {
		data, err := os.ReadFile(s.path(t, program))
		if err != nil {
			return nil, err
		}
		all = append(all, file{path.Join(to, t.program(program)), 0o755, data})
	}
	return all, nil
}

// deployment returns the files of folder deploy with other names: the unit for systemd and the rules for udev.
func (s *stage) deployment(unit, rules string) (all []file, err error) {
	for _, one := range []struct{ from, to string }{{"deploy/fluxd.service", unit}, {"deploy/60-fluxd.rules", rules}} {
		data, err := s.read(one.from)
		if err != nil {
			return nil, err
		}
		all = append(all, file{one.to, 0o644, data})
	}
	return all, nil
}

// compressed returns a file compressed with gzip, as "gzip -9n" would: without a name and a time.
func compressed(f file) (file, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return f, err
	}
	if _, err := w.Write(f.data); err != nil {
		return f, err
	}
	err = w.Close()
	return file{f.name + ".gz", f.mode, b.Bytes()}, err
}

// gather adds up files from several places, until one fails.
func gather(all []file, more ...func() ([]file, error)) ([]file, error) {
	for _, each := range more {
		some, err := each()
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}
