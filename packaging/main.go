// Command packaging makes the packages that people install: .deb, .tar.gz and .zip, their checksums, and a list of what is in
// them (SBOM). It needs Go and git, nothing else. It is a module by itself, so that fluxd depends on none of its libraries.
//
//	go run .                      all of them, into ../dist
//	go run . -only armhf.deb      those whose names contain this
//	go run . -source DIR -out DIR from another folder, into another folder
//
// The same commit gives the same bytes, in any folder and on any machine with the same version of Go: times are the commit's,
// names and order are fixed, and the programs are built with -trimpath.
package main

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.source, "source", "..", "the `folder` of fluxd's source")
	flag.StringVar(&o.out, "out", "../dist", "the `folder` for the packages")
	flag.StringVar(&o.only, "only", "", "make only the packages whose names contain this `text`")
	flag.StringVar(&o.version, "version", "", "the `version`, as Debian writes it; needed with -date where there is no git")
	flag.StringVar(&o.date, "date", "", "the `time` of everything in the packages, such as 2026-11-27T10:00:00Z")
	flag.StringVar(&o.maintainer, "maintainer", "", "who answers for the packages: `name <address>`; the commit's author if not given")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "packaging: %q: expected flags alone, see -help\n", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct{ source, out, only, version, date, maintainer string }

// A release is what all packages of a run have in common.
type release struct {
	version    string    // as Debian writes it: 1.2.0, 1.2.0+3.g0123456789ab
	described  string    // as git describes it, for fluxd --version: v1.2.0-3-g0123456789ab
	commit     string    // its hash; "" where there is no git
	time       time.Time // of the commit
	maintainer string
}

// run makes the packages and prints their names and sizes.
func run(o options, out io.Writer) error {
	source, err := filepath.Abs(o.source)
	if err != nil {
		return err
	}
	r, err := releaseOf(source, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "fluxd %s, of %s\n", r.version, r.time.Format(time.RFC3339))
	if strings.HasSuffix(r.version, dirty) {
		fmt.Fprintln(out, "some files are not as they are committed: these packages can be made from this folder alone")
	}
	wanted := chosen(r, o.only)
	if len(wanted) == 0 {
		return fmt.Errorf("-only %q: expected a part of one of these names: %s", o.only, strings.Join(names(r), ", "))
	}
	// Everything is made in a folder of its own first, so that a run that fails leaves the packages of the run before.
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(o.out, ".making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	s, err := newStage(source, work, r)
	if err != nil {
		return err
	}
	var made []string
	for _, t := range targets {
		kinds := wanted[t.name()]
		if len(kinds) == 0 {
			continue
		}
		fmt.Fprintf(out, "building for %s\n", t.name())
		if err := s.build(t); err != nil {
			return err
		}
		for _, k := range kinds {
			name := k.name(r, t)
			if err := k.make(s, t, filepath.Join(work, name)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			made = append(made, name)
		}
	}
	list := fmt.Sprintf("fluxd_%s.cdx.json", r.version)
	text, err := s.bill()
	if err == nil {
		err = os.WriteFile(filepath.Join(work, list), text, 0o644)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", list, err)
	}
	return publish(work, o.out, append(made, list), out)
}

// publish moves the files to where they belong, and lists them with their checksums in SHA256SUMS.
func publish(from, to string, files []string, out io.Writer) error {
	var sums strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), name)
		fmt.Fprintf(out, "%9d bytes  %s\n", len(data), name)
	}
	const list = "SHA256SUMS"
	if err := os.WriteFile(filepath.Join(from, list), []byte(sums.String()), 0o644); err != nil {
		return err
	}
	for _, name := range append(files, list) {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}
