package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var when = time.Date(2026, 11, 27, 10, 20, 30, 0, time.UTC)

// What git says about a commit becomes a version that dpkg orders as the commits are.
func TestDebianVersion(t *testing.T) {
	before := ""
	for _, c := range []struct{ git, want string }{ // in order
		{"0123456789ab", "0~20261127.102030.g0123456789ab"},
		{"0.9.0", "0.9.0"},
		{"v1.0.0-rc.1", "1.0.0~rc.1"},
		{"v1.0.0-rc.1-7-g0123456789ab", "1.0.0~rc.1+7.g0123456789ab"},
		{"v1.0.0-rc.2", "1.0.0~rc.2"},
		{"v1.0.0", "1.0.0"},
		{"v1.0.0-dirty", "1.0.0+dirty"},
		{"v1.0.1", "1.0.1"},
		{"v1.0.1-9-g0123456789ab", "1.0.1+9.g0123456789ab"},
		{"v1.0.1-10-gffff", "1.0.1+10.gffff"},
		{"v1.0.1-10-gffff-dirty", "1.0.1+10.gffff+dirty"},
		{"v1.1", "1.1"},
		{"v1.10", "1.10"},
	} {
		got, err := debianVersion(c.git, when)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", c.git, got, err, c.want)
		}
		if !debian.MatchString(got) {
			t.Errorf("%s: -version would refuse %s", c.git, got)
		}
		if before != "" && !less(before, got) {
			t.Errorf("%s is not before %s", before, got)
		}
		before = got
	}
	for _, wrong := range []string{"", "release", "v1.0.0/x", "nightly-3-g0123", "v"} {
		if got, err := debianVersion(wrong, when); err == nil || !strings.Contains(err.Error(), "expected one such as v1.2.0") {
			t.Errorf("%q: %q, %v", wrong, got, err)
		}
	}
}

// less orders versions as dpkg does: Debian Policy 5.6.12. Parts without digits and numbers take turns; ~ is before the end.
func less(a, b string) bool {
	order := func(s string, i int) int {
		switch {
		case i >= len(s) || s[i] >= '0' && s[i] <= '9':
			return 0
		case s[i] == '~':
			return -1
		case s[i] >= 'a' && s[i] <= 'z':
			return int(s[i])
		}
		return int(s[i]) + 256
	}
	digits := func(s string) (string, string) {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return strings.TrimLeft(s[:n], "0"), s[n:]
	}
	for a != "" || b != "" {
		i := 0
		for order(a, i) != 0 || order(b, i) != 0 {
			if x, y := order(a, i), order(b, i); x != y {
				return x < y
			}
			i++
		}
		x, restA := digits(a[min(i, len(a)):])
		y, restB := digits(b[min(i, len(b)):])
		if len(x) != len(y) {
			return len(x) < len(y)
		}
		if x != y {
			return x < y
		}
		a, b = restA, restB
	}
	return false
}

// repository makes a git repository with one commit.
func repository(t *testing.T) (folder string, git func(args ...string)) {
	t.Helper()
	folder = t.TempDir()
	git = func(args ...string) {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", folder}, args...)...)
		c.Env = append(os.Environ(), "GIT_AUTHOR_NAME=ann", "GIT_AUTHOR_EMAIL=ann@robots.example", "GIT_COMMITTER_NAME=ann",
			"GIT_COMMITTER_EMAIL=ann@robots.example", "GIT_AUTHOR_DATE=2026-11-27T10:00:00Z",
			"GIT_COMMITTER_DATE=2026-11-27T12:20:30+02:00", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	if err := os.WriteFile(filepath.Join(folder, "a"), []byte("a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	git("add", "a")
	git("commit", "-q", "-m", "first")
	return folder, git
}

func TestReleaseOfACommit(t *testing.T) {
	folder, git := repository(t)
	expect := func(version string) {
		t.Helper()
		r, err := releaseOf(folder, options{})
		if err != nil || !strings.HasPrefix(r.version, version) || !r.time.Equal(when) || len(r.commit) != 40 ||
			r.maintainer != "ann <ann@robots.example>" {
			t.Errorf("%+v, %v, want version %s", r, err, version)
		}
	}
	expect("0~20261127.102030.g")
	git("tag", "v1.2.0")
	expect("1.2.0")
	git("commit", "-q", "--allow-empty", "-m", "second")
	expect("1.2.0+1.g")
	if err := os.WriteFile(filepath.Join(folder, "a"), []byte("b\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := releaseOf(folder, options{}); err != nil || !strings.HasSuffix(r.version, dirty) {
		t.Errorf("with a changed file: %+v, %v", r, err)
	}
}

func TestReleaseWithoutGit(t *testing.T) {
	for _, c := range []struct {
		o    options
		want string // in the error; "" for none
	}{
		{options{}, "expected a clone of fluxd's repository"},
		{options{version: "1.0"}, "-version and -date together"},
		{options{version: "1.0", date: "today"}, "expected a time such as"},
		{options{version: "v1.0", date: "2026-11-27T10:20:30Z"}, "expected one such as 1.2.0"},
		{options{version: "1.0-1", date: "2026-11-27T10:20:30Z"}, "expected one such as 1.2.0"},
		{options{version: "1.0~rc.1", date: "2026-11-27T11:20:30+01:00"}, ""},
	} {
		r, err := releaseOf(t.TempDir(), c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
		if err == nil && (!r.time.Equal(when) || r.version != c.o.version) {
			t.Errorf("%+v: %+v", c.o, r)
		}
	}
}

// pretend returns a stage with small programs that say to be made of what this test is made of, so that nothing has to be built.
func pretend(t *testing.T, source string) *stage {
	t.Helper()
	folders, err := moduleFolders(".")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{source: source, folder: t.TempDir(), modules: folders, built: targets,
		release: release{version: "1.2.0", commit: "0123", time: when, maintainer: "ann <ann@robots.example>"}}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.inside = func(string) (*buildinfo.BuildInfo, error) { return buildinfo.ReadFile(self) }
	program := bytes.Repeat([]byte("a program"), 1000)
	for _, each := range targets {
		for _, name := range programs {
			if err := write(s.path(each, name), program); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range programs {
		err := write(filepath.Join(s.folder, "manual/man1", name+".1"), []byte(".TH "+name))
		for _, shell := range []string{"bash", "zsh", "fish"} {
			err = errors.Join(err, write(filepath.Join(s.folder, "manual", name+"."+shell), []byte("complete "+name)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// copied returns a copy of what packages are made from, in another folder, with other times and rights.
func copied(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{"docs", "configs/robots", "deploy", "ui/sources"} {
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join("..", name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"README.md", "LICENSE"} {
		data, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// The same commit gives the same bytes in another folder. "make packages-test" compares whole builds.
func TestSameBytesInAnotherFolder(t *testing.T) {
	one, other := pretend(t, ".."), pretend(t, copied(t))
	for _, each := range []target{targets[2], targets[4], targets[5]} { // a .deb and all kinds of archives
		for _, k := range kinds {
			if !k.fits(each) {
				continue
			}
			var made [2][]byte
			for i, s := range []*stage{one, other} {
				to := filepath.Join(s.folder, k.name(s.release, each))
				if err := k.make(s, each, to); err != nil {
					t.Fatal(err)
				}
				var err error
				if made[i], err = os.ReadFile(to); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(made[0], made[1]) {
				t.Errorf("%s: %d and %d bytes, which differ", k.name(one.release, each), len(made[0]), len(made[1]))
			}
		}
	}
	a, err := one.bill()
	b, err2 := other.bill()
	if err := errors.Join(err, err2); err != nil || !bytes.Equal(a, b) {
		t.Errorf("the bills of materials differ, %v", err)
	}
}

// Archives have what people need, below one folder; programs can be run, and no other file.
func TestArchives(t *testing.T) {
	s := pretend(t, "..")
	r, files := s.release, map[string]map[string]int64{}
	for _, each := range targets {
		for _, k := range kinds[1:] {
			if !k.fits(each) {
				continue
			}
			name := k.name(r, each)
			to := filepath.Join(s.folder, name)
			if err := k.make(s, each, to); err != nil {
				t.Fatal(err)
			}
			files[each.name()] = map[string]int64{}
			list := func(path string, mode int64, at time.Time) {
				below, is := strings.CutPrefix(path, strings.TrimSuffix(strings.TrimSuffix(name, ".tar.gz"), ".zip")+"/")
				if !is || !at.Equal(when) {
					t.Errorf("%s: %s of %v", name, path, at)
				}
				files[each.name()][below] = mode
			}
			data, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, ".zip") {
				z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range z.File {
					list(f.Name, int64(f.Mode().Perm()), f.Modified)
				}
				continue
			}
			z, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			for in := tar.NewReader(z); ; {
				h, err := in.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				list(h.Name, h.Mode, h.ModTime)
			}
		}
	}
	for _, c := range []struct {
		target string
		has    string
		hasNot string
	}{
		{"linux_amd64", "fluxd fluxctl LICENSE README.md THIRD-PARTY-LICENSES docs/hardware.md docs/seeker.svg " +
			"examples/lightseeker.yaml examples/scitos-g5.csv.gz " +
			"deploy/grafana/fluxd.json deploy/prometheus/fluxd.rules.yml " +
			"man/man1/fluxd.1 completions/zsh/_fluxctl deploy/fluxd.service deploy/60-fluxd.rules",
			"docs/text_test.go docs/fleet-demo.sh"},
		{"macos_arm64", "fluxd deploy/grafana/fluxd.json completions/bash/fluxd completions/fish/fluxctl.fish", "deploy/fluxd.service"},
		{"windows_amd64", "fluxd.exe fluxctl.exe LICENSE docs/hardware.md examples/lightseeker.yaml", "fluxd man/man1/fluxd.1"},
	} {
		for _, name := range strings.Fields(c.has) {
			mode, there := files[c.target][name]
			program := strings.HasPrefix(name, "fluxd") || strings.HasPrefix(name, "fluxctl")
			if !there || (mode == 0o755) != program {
				t.Errorf("%s: %s has mode %o, or is not there", c.target, name, mode)
			}
		}
		for _, name := range strings.Fields(c.hasNot) {
			if _, there := files[c.target][name]; there {
				t.Errorf("%s has %s", c.target, name)
			}
		}
	}
}

// The bill of materials names each program, and what the program itself says to be made of.
func TestBillOfMaterials(t *testing.T) {
	text, err := pretend(t, "..").bill()
	if err != nil {
		t.Fatal(err)
	}
	var b cyclone
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	refs := map[string]cyclonePart{}
	for _, part := range b.Components {
		if _, twice := refs[part.Ref]; twice {
			t.Errorf("%s is there twice", part.Ref)
		}
		refs[part.Ref] = part
	}
	for _, want := range []string{"fluxd/linux_armv6", "fluxctl/windows_amd64", "pkg:golang/github.com/goreleaser/nfpm/v2@v2.43.1",
		"pkg:npm/%40preact/signals@2.11.4"} {
		if _, there := refs[want]; !there {
			t.Errorf("no component %s", want)
		}
	}
	if nfpm := refs["pkg:golang/github.com/goreleaser/nfpm/v2@v2.43.1"]; len(nfpm.Hashes) != 1 || len(nfpm.Hashes[0].Content) != 64 {
		t.Errorf("nfpm has the hashes %v", nfpm.Hashes)
	}
	for _, needs := range b.Dependencies {
		for _, on := range needs.On {
			if _, there := refs[on]; !there {
				t.Errorf("%s depends on %s, which is no component", needs.Ref, on)
			}
		}
	}
	if b.Metadata.Timestamp != "2026-11-27T10:20:30Z" || b.Metadata.Component.Version != "1.2.0" {
		t.Errorf("%+v", b.Metadata)
	}
}

// A name that no package has is a mistake, which is said before anything is built.
func TestOnlyNothing(t *testing.T) {
	err := run(options{source: "..", out: t.TempDir(), only: "riscv", version: "1.0", date: "2026-11-27T10:20:30Z"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "fluxd_1.0_armhf.deb") {
		t.Errorf("got %v", err)
	}
}
