package main

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A target is what programs are built for.
type target struct {
	os, arch string // as Go names them
	deb      string // as Debian names the processor; "" for no .deb
}

// targets are all of them. armhf is also the name of the 32-bit Raspberry Pi OS, whose programs run on ARMv6: from the Zero on.
var targets = []target{
	{"linux", "amd64", "amd64"},
	{"linux", "arm64", "arm64"},
	{"linux", "arm", "armhf"},
	{"darwin", "amd64", ""},
	{"darwin", "arm64", ""},
	{"windows", "amd64", ""},
}

// name is the target's name in names of files: linux_armv6, macos_arm64.
func (t target) name() string {
	name := t.os + "_" + t.arch
	name = strings.Replace(name, "darwin", "macos", 1)
	if t.arch == "arm" {
		name += "v6"
	}
	return name
}

// program is the name of a program's file.
func (t target) program(name string) string {
	if t.os == "windows" {
		return name + ".exe"
	}
	return name
}

// programs are what is built for each target.
var programs = []string{"fluxd", "fluxctl"}

// A stage is the folder in which packages are made.
type stage struct {
	source  string // fluxd's source
	folder  string
	release release
	built   []target
	modules map[string]string // where the source of each Go module is, by its path
	inside  func(program string) (*buildinfo.BuildInfo, error)
}

// newStage makes the manual pages and the completions, which are the same for all targets.
func newStage(source, folder string, r release) (*stage, error) {
	modules, err := moduleFolders(source)
	if err != nil {
		return nil, err
	}
	s := &stage{source: source, folder: folder, release: r, modules: modules, inside: buildinfo.ReadFile}
	for _, program := range programs {
		err := s.goCommand(nil, "run", "-trimpath", "-buildvcs=false", "-tags", "manual", "./cmd/"+program, "manual",
			filepath.Join(folder, "manual"), "--date", r.time.Format("2006-01-02"), "--of", r.version)
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// goCommand runs Go in fluxd's source. What the environment says about how to build does not count: it would change the bytes.
func (s *stage) goCommand(settings []string, args ...string) error {
	c := exec.Command("go", args...)
	c.Dir = s.source
	for _, one := range os.Environ() {
		switch name, _, _ := strings.Cut(one, "="); name {
		case "GOFLAGS", "GOEXPERIMENT", "GOOS", "GOARCH", "GOWORK", "GO386", "GOAMD64", "GOARM", "GOARM64", "GOFIPS140", "CGO_ENABLED":
		default:
			c.Env = append(c.Env, one)
		}
	}
	c.Env = append(append(c.Env, "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly"), settings...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// path is where a program of a target is.
func (s *stage) path(t target, program string) string {
	return filepath.Join(s.folder, "bin", t.name(), t.program(program))
}

// build builds the programs for a target.
func (s *stage) build(t target) error {
	settings := []string{"GOOS=" + t.os, "GOARCH=" + t.arch, "GOARM=6", "GOAMD64=v1", "GOARM64=v8.0"}
	for _, program := range programs {
		err := s.goCommand(settings, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+s.release.described,
			"-o", s.path(t, program), "./cmd/"+program)
		if err != nil {
			return err
		}
	}
	s.built = append(s.built, t)
	return nil
}
