package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

//go:embed scripts/postinst scripts/prerm scripts/postrm debian/copyright debian/lintian-overrides
var ours embed.FS

// description is the package's, as Debian wants it: a line, then paragraphs.
const description = `nervous system for robots
fluxd gives a robot a nervous system: sensors become spikes, a spiking
neural network decides, and the spikes of motor neurons become PWM. It is
one daemon and one YAML file, for a Raspberry Pi or a simulated world.
.
fluxctl is its remote control: it watches, tunes, teaches and stops robots.
.
The package installs the robot's service and starts nothing.`

// changelog says which commit the package is of. Debian wants the file; what changed is in the repository's history.
func (r release) changelog() []byte {
	of := "Packages of this version."
	if r.commit != "" {
		of = "Made from commit " + r.commit + "."
	}
	return fmt.Appendf(nil, "fluxd (%s) stable; urgency=medium\n\n  * %s\n\n -- %s  %s\n", r.version, of, r.maintainer,
		r.time.Format(time.RFC1123Z))
}

// debContents returns the files of a .deb.
func (s *stage) debContents(t target) ([]file, error) {
	var all []file
	for name, to := range map[string]string{"copyright": "usr/share/doc/fluxd/copyright",
		"lintian-overrides": "usr/share/lintian/overrides/fluxd"} {
		data, err := ours.ReadFile("debian/" + name)
		if err != nil {
			return nil, err
		}
		all = append(all, file{to, 0o644, data})
	}
	pages, err := s.manual("usr/share/man/man1")
	if err != nil {
		return nil, err
	}
	for _, one := range append(pages, file{"usr/share/doc/fluxd/changelog", 0o644, s.release.changelog()}) {
		small, err := compressed(one)
		if err != nil {
			return nil, err
		}
		all = append(all, small)
	}
	all, err = gather(all,
		func() ([]file, error) { return s.binaries(t, "usr/bin") },
		func() ([]file, error) {
			return s.deployment("usr/lib/systemd/system/fluxd.service", "usr/lib/udev/rules.d/60-fluxd.rules")
		},
		func() ([]file, error) { return s.completions("bash", "usr/share/bash-completion/completions", "*") },
		func() ([]file, error) { return s.completions("zsh", "usr/share/zsh/vendor-completions", "_*") },
		func() ([]file, error) { return s.completions("fish", "usr/share/fish/vendor_completions.d", "*.fish") })
	if err != nil {
		return nil, err
	}
	documents, err := s.documentation(t)
	for _, f := range documents {
		f.name = "usr/share/doc/fluxd/" + f.name
		if strings.HasSuffix(f.name, "/THIRD-PARTY-LICENSES") && err == nil {
			f, err = compressed(f)
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return all, err
}

// deb makes the .deb of a target.
func (s *stage) deb(t target, to string) error {
	all, err := s.debContents(t)
	if err != nil {
		return err
	}
	// The library reads files by their names.
	folder := filepath.Join(s.folder, "deb", t.name())
	info := &nfpm.Info{Name: "fluxd", Version: s.release.version, VersionSchema: "none", Platform: "linux", Arch: t.deb,
		Section: "electronics", Priority: "optional", Maintainer: s.release.maintainer, Description: description,
		MTime: s.release.time, DisableGlobbing: true}
	info.Depends = []string{"adduser"}
	info.Deb.Compression = "xz"
	info.Contents = files.Contents{{Destination: "/etc/fluxd", Type: files.TypeDir, FileInfo: &files.ContentFileInfo{
		Mode: 0o755, Owner: "root", Group: "root", MTime: s.release.time}}}
	for _, f := range all {
		place := filepath.Join(folder, "data", filepath.FromSlash(f.name))
		if err := write(place, f.data); err != nil {
			return err
		}
		info.Contents = append(info.Contents, &files.Content{Source: place, Destination: "/" + f.name, Type: files.TypeFile,
			FileInfo: &files.ContentFileInfo{Mode: f.mode, Owner: "root", Group: "root", MTime: s.release.time}})
	}
	for name, at := range map[string]*string{"postinst": &info.Scripts.PostInstall, "prerm": &info.Scripts.PreRemove,
		"postrm": &info.Scripts.PostRemove} {
		data, err := ours.ReadFile("scripts/" + name)
		if err != nil {
			return err
		}
		*at = filepath.Join(folder, name)
		if err := write(*at, data); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := deb.Default.Package(info, &b); err != nil {
		return err
	}
	return os.WriteFile(to, b.Bytes(), 0o644)
}

// write writes a file and makes its folder.
func write(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}
