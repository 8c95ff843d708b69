package main

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dirty ends the version of packages that were made from files that are not as they are committed.
const dirty = "+dirty"

var (
	// described is what "git describe" prints for a commit after a tag: the tag, the number of commits since, the commit.
	described = regexp.MustCompile(`^(.*)-(\d+)-g([0-9a-f]+)$`)
	// tag is a tag of a version: v1.2.0, 1.2.0, v1.2.0-rc.1.
	tag = regexp.MustCompile(`^v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?$`)
	// bare is what it prints without a tag.
	bare = regexp.MustCompile(`^[0-9a-f]{4,64}$`)
	// debian is what -version accepts: Debian's Policy 5.6.12, without epoch and revision.
	debian = regexp.MustCompile(`^[0-9][0-9A-Za-z.+~]*$`)
)

// debianVersion turns what "git describe --tags --always --dirty" prints into a version that dpkg orders rightly: a candidate is
// before its version, and commits after a tag are between it and the next. Without a tag the time of the commit orders it, before
// all versions that have one.
func debianVersion(text string, commit time.Time) (string, error) {
	text, changed := strings.CutSuffix(text, "-dirty")
	if bare.MatchString(text) {
		return "0~" + commit.UTC().Format("20060102.150405") + ".g" + text + map[bool]string{true: dirty}[changed], nil
	}
	after := ""
	if m := described.FindStringSubmatch(text); m != nil {
		text, after = m[1], "+"+m[2]+".g"+m[3]
	}
	m := tag.FindStringSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("git describes this commit by the tag %q: expected one such as v1.2.0 or v1.2.0-rc.1", text)
	}
	version := m[1]
	if m[2] != "" {
		version += "~" + strings.ReplaceAll(m[2], "-", ".")
	}
	version += after
	if changed {
		version += dirty
	}
	return version, nil
}

// releaseOf asks git which commit the source is, unless the options say all.
func releaseOf(source string, o options) (release, error) {
	r := release{maintainer: cmp.Or(o.maintainer, "unknown <root@localhost>")}
	if (o.version == "") != (o.date == "") {
		return r, errors.New("expected -version and -date together, or neither of them: then git says both")
	}
	if o.version != "" {
		at, err := time.Parse(time.RFC3339, o.date)
		if err != nil {
			return r, fmt.Errorf("-date %q: expected a time such as 2026-11-27T10:00:00Z", o.date)
		}
		if !debian.MatchString(o.version) {
			return r, fmt.Errorf("-version %q: expected one such as 1.2.0 or 1.2.0~rc.1", o.version)
		}
		r.version, r.described, r.time = o.version, o.version, at.UTC()
		return r, nil
	}
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", source}, args...)...).Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				err = errors.New(strings.TrimSpace(string(exit.Stderr)))
			}
			return "", fmt.Errorf("git %s: %w: expected a clone of fluxd's repository and git; without them, give -version and -date",
				args[0], err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	var seconds string
	var err error
	if r.commit, err = git("rev-parse", "HEAD"); err != nil {
		return r, err
	}
	if seconds, err = git("show", "-s", "--format=%ct", "HEAD"); err != nil {
		return r, err
	}
	if o.maintainer == "" {
		if r.maintainer, err = git("show", "-s", "--format=%an <%ae>", "HEAD"); err != nil {
			return r, err
		}
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return r, fmt.Errorf("git show: %q: expected the commit's time in seconds", seconds)
	}
	r.time = time.Unix(at, 0).UTC()
	// By default git makes the hash as short as this clone permits, so another clone might have another name for the commit.
	if r.described, err = git("describe", "--tags", "--always", "--dirty", "--abbrev=12"); err != nil {
		return r, err
	}
	r.version, err = debianVersion(r.described, r.time)
	return r, err
}
