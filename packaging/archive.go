package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// A kind is a kind of package.
type kind struct {
	name func(r release, t target) string
	fits func(t target) bool
	make func(s *stage, t target, to string) error
}

// kinds are all of them.
var kinds = []kind{
	{
		func(r release, t target) string { return fmt.Sprintf("fluxd_%s_%s.deb", r.version, t.deb) },
		func(t target) bool { return t.deb != "" },
		(*stage).deb,
	},
	{
		func(r release, t target) string { return fmt.Sprintf("fluxd_%s_%s.tar.gz", r.version, t.name()) },
		func(t target) bool { return t.os != "windows" },
		archived(writeTar),
	},
	{
		func(r release, t target) string { return fmt.Sprintf("fluxd_%s_%s.zip", r.version, t.name()) },
		func(t target) bool { return t.os == "windows" },
		archived(writeZip),
	},
}

// chosen returns the kinds to make for each target, by its name: those whose packages' names contain a text.
func chosen(r release, text string) map[string][]kind {
	all := map[string][]kind{}
	for _, t := range targets {
		for _, k := range kinds {
			if k.fits(t) && strings.Contains(k.name(r, t), text) {
				all[t.name()] = append(all[t.name()], k)
			}
		}
	}
	return all
}

// names returns the names of all packages.
func names(r release) (all []string) {
	for _, t := range targets {
		for _, k := range kinds {
			if k.fits(t) {
				all = append(all, k.name(r, t))
			}
		}
	}
	return all
}

// archived returns what makes an archive: one folder, named as the archive is, with all that is needed to use fluxd.
func archived(write func(w io.Writer, r release, files []file) error) func(*stage, target, string) error {
	return func(s *stage, t target, to string) error {
		license, err := s.read("LICENSE")
		if err != nil {
			return err
		}
		files, err := gather([]file{{"LICENSE", 0o644, license}},
			func() ([]file, error) { return s.binaries(t, "") },
			func() ([]file, error) { return s.documentation(t) })
		if t.os != "windows" && err == nil {
			files, err = gather(files,
				func() ([]file, error) { return s.manual("man/man1") },
				func() ([]file, error) { return s.completions("bash", "completions/bash", "*") },
				func() ([]file, error) { return s.completions("zsh", "completions/zsh", "_*") },
				func() ([]file, error) { return s.completions("fish", "completions/fish", "*.fish") })
		}
		if t.os == "linux" && err == nil {
			files, err = gather(files, func() ([]file, error) {
				return s.deployment("deploy/fluxd.service", "deploy/60-fluxd.rules")
			})
		}
		if err != nil {
			return err
		}
		for i := range files {
			files[i].name = fmt.Sprintf("fluxd_%s_%s/%s", s.release.version, t.name(), files[i].name)
		}
		slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
		var b bytes.Buffer
		if err := write(&b, s.release, files); err != nil {
			return err
		}
		return os.WriteFile(to, b.Bytes(), 0o644)
	}
}

// folders returns the folders of files, in order: each is in the archive before what is in it.
func folders(files []file) (all []string) {
	known := map[string]bool{".": true}
	for _, f := range files {
		var above []string
		for at := path.Dir(f.name); !known[at]; at = path.Dir(at) {
			known[at] = true
			above = append(above, at+"/")
		}
		all = append(all, above...)
	}
	slices.Sort(all)
	return all
}

// writeTar writes files as .tar.gz. They belong to root.
func writeTar(w io.Writer, r release, files []file) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(z)
	for _, name := range folders(files) {
		err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: r.time, Uname: "root",
			Gname: "root"})
		if err != nil {
			return err
		}
	}
	for _, f := range files {
		err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: int64(f.mode), Size: int64(len(f.data)),
			ModTime: r.time, Uname: "root", Gname: "root"})
		if err != nil {
			return err
		}
		if _, err := out.Write(f.data); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return z.Close()
}

// writeZip writes files as .zip.
func writeZip(w io.Writer, r release, files []file) error {
	out := zip.NewWriter(w)
	out.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.time}
		header.SetMode(f.mode)
		one, err := out.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := one.Write(f.data); err != nil {
			return err
		}
	}
	return out.Close()
}
