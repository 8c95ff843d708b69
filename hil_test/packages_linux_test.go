package hil_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The kernels, BusyBox and QEMU come from Debian packages. They are downloaded by apt with separate lists, and unpacked as data
// into the user's cache: nothing is installed, and no root rights are needed. This is done once.

// oldestQEMU is the first version whose Raspberry Pi has I2C controllers.
const oldestQEMU = 10

// cached returns a folder of the cache and fills it if it does not exist. If several runs need it, one fills it and the others
// wait.
func cached(name string, fill func(folder string) error) (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	all := filepath.Join(user, "fluxd-hil")
	if err := os.MkdirAll(all, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(all, name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	folder := filepath.Join(all, name)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	work := folder + ".new"
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755)); err != nil {
		return "", err
	}
	if err := fill(work); err != nil {
		return "", err
	}
	return folder, os.Rename(work, folder)
}

// apt runs Debian's apt with separate lists and a separate cache, both in folder.
type apt struct{ folder string }

func newAPT(folder, settings string) (apt, error) {
	a := apt{folder}
	lists, cache := filepath.Join(folder, "lists"), filepath.Join(folder, "cache")
	text := fmt.Sprintf("Dir::State::Lists %q;\nDir::Cache %q;\nAPT::Sandbox::User \"\";\nDebug::NoLocking \"true\";\n",
		lists, cache)
	err := errors.Join(
		os.MkdirAll(filepath.Join(lists, "partial"), 0o755),
		os.MkdirAll(filepath.Join(cache, "archives", "partial"), 0o755),
		os.WriteFile(filepath.Join(folder, "apt.conf"), []byte(text+settings), 0o644))
	return a, err
}

func (a apt) run(name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.folder, "apt.conf"))
	c.Dir = filepath.Join(a.folder, "cache")
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%s: not found: the emulated machines are made of Debian packages, run this on Debian", name)
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, complaints.Bytes())
	}
	return string(out), nil
}

// unpack unpacks the downloaded packages and deletes the downloads.
func (a apt) unpack() error {
	packages, _ := filepath.Glob(filepath.Join(a.folder, "cache", "*.deb"))
	more, _ := filepath.Glob(filepath.Join(a.folder, "cache", "archives", "*.deb"))
	if packages = append(packages, more...); len(packages) == 0 {
		return errors.New("apt has downloaded nothing")
	}
	for _, p := range packages {
		if _, err := a.run("dpkg", "-x", p, a.folder); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(filepath.Join(a.folder, "cache")), os.RemoveAll(filepath.Join(a.folder, "lists")))
}

// depends returns the dependencies of a package whose names have a prefix.
func (a apt) depends(name, prefix string) (all []string, err error) {
	text, err := a.run("apt-cache", "depends", "--important", name)
	for _, field := range strings.Fields(text) {
		if strings.HasPrefix(field, prefix) && field != name && !slices.Contains(all, field) {
			all = append(all, field)
		}
	}
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("package %s does not depend on any %s*", name, prefix)
	}
	return all, err
}

// fetch returns the folder with Debian's kernel for a processor, its modules, and BusyBox. For this machine's processor it also
// has the kernel's headers, which our own module needs.
func fetch(processor string) (string, error) {
	return cached(processor, func(folder string) error {
		a, err := newAPT(folder, fmt.Sprintf(
			"APT::Architecture %q;\nAPT::Architectures { %q; };\nDir::State::status \"/dev/null\";\n", processor, processor))
		if err != nil {
			return err
		}
		if _, err := a.run("apt-get", "update", "-qq"); err != nil {
			return err
		}
		kernels, err := a.depends("linux-image-"+processor, "linux-image-")
		if err != nil {
			return err
		}
		wanted := []string{kernels[0], "busybox-static"}
		if processor == runtime.GOARCH {
			version := strings.TrimPrefix(kernels[0], "linux-image-")
			headers, err := a.depends("linux-headers-"+version, "linux-")
			if err != nil {
				return err
			}
			wanted = append(wanted, "linux-headers-"+version)
			for _, h := range headers {
				if !strings.HasPrefix(h, "linux-compiler-") {
					wanted = append(wanted, h)
				}
			}
		}
		if _, err := a.run("apt-get", append([]string{"download", "-qq"}, wanted...)...); err != nil {
			return err
		}
		return a.unpack()
	})
}

var versionNumber = regexp.MustCompile(`version (\d+)\.`)

// qemuVersion returns the major version of an emulator; 0 if it does not run.
func qemuVersion(environment []string, program string) int {
	c := exec.Command(program, "--version")
	c.Env = append(os.Environ(), environment...)
	out, err := c.Output()
	if m := versionNumber.FindSubmatch(out); err == nil && m != nil {
		n, _ := strconv.Atoi(string(m[1]))
		return n
	}
	return 0
}

// findQEMU returns the command of an emulator and additional environment variables for it. It uses the installed emulator if that
// is new enough, otherwise Debian's, if necessary from backports.
func findQEMU(program string) (command, environment []string, err error) {
	installed := qemuVersion(nil, program)
	if installed >= oldestQEMU {
		return []string{program}, nil, nil
	}
	why := fmt.Sprintf("%s: expected version %d or newer (Debian: %s, in bookworm from backports), found version %d",
		program, oldestQEMU, qemuPackage[program], installed)
	for range 2 {
		folder, err := cached(program, func(folder string) error { return fetchQEMU(folder, program) })
		if err != nil {
			return nil, nil, fmt.Errorf("%s, and it cannot be downloaded: %w", why, err)
		}
		share := filepath.Join(folder, "usr", "share")
		libraries, _ := filepath.Glob(filepath.Join(folder, "usr", "lib", "*-linux-gnu*"))
		more, _ := filepath.Glob(filepath.Join(folder, "lib", "*-linux-gnu*"))
		environment = []string{"LD_LIBRARY_PATH=" + strings.Join(append(libraries, more...), ":")}
		command = []string{filepath.Join(folder, "usr", "bin", program)}
		for _, data := range []string{
			filepath.Join(share, "qemu"), filepath.Join(share, "seabios"), "/usr/share/qemu", "/usr/share/seabios",
		} {
			command = append(command, "-L", data)
		}
		if qemuVersion(environment, command[0]) >= oldestQEMU {
			return command, environment, nil
		}
		// It was downloaded when this machine had libraries that have been removed since: download it again.
		if err := os.RemoveAll(folder); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, fmt.Errorf("%s; the downloaded one is not newer", why)
}

var qemuPackage = map[string]string{"qemu-system-aarch64": "qemu-system-arm", "qemu-system-x86_64": "qemu-system-x86"}

// fetchQEMU downloads an emulator and those of its dependencies that are not installed.
func fetchQEMU(folder, program string) error {
	sources, err := backports()
	if err != nil {
		return err
	}
	list := filepath.Join(folder, "sources.list")
	if err := os.WriteFile(list, []byte(sources), 0o644); err != nil {
		return err
	}
	a, err := newAPT(folder, fmt.Sprintf("Dir::Etc::SourceList %q;\n", list))
	if err != nil {
		return err
	}
	if _, err := a.run("apt-get", "update", "-qq"); err != nil {
		return err
	}
	if _, err := a.run("apt-get", "install", "-y", "-qq", "--download-only", "--no-install-recommends",
		"-t", release()+"-backports", qemuPackage[program]); err != nil {
		return err
	}
	return a.unpack()
}

// release returns this machine's Debian release, such as bookworm.
func release() string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(name, `"`)
		}
	}
	return "unknown"
}

// backports returns this machine's apt sources and, from the same server, the backports of its release.
func backports() (string, error) {
	own, err := os.ReadFile("/etc/apt/sources.list")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	out, err := exec.Command("apt-get", "indextargets",
		"--format", "$(REPO_URI) $(RELEASE) $(SIGNED_BY)", "Created-By: Packages").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 2 && f[1] == release() {
			signed := ""
			if len(f) > 2 && strings.HasPrefix(f[2], "/") {
				signed = "[signed-by=" + f[2] + "] "
			}
			return fmt.Sprintf("%s\ndeb %s%s %s-backports main\n", own, signed, f[0], release()), nil
		}
	}
	return "", fmt.Errorf("apt has no source for %s", release())
}

// buildModule builds our own kernel module for the kernel in the cache, once for each version of its source.
func buildModule(cache string) (string, error) {
	source, err := os.ReadFile(filepath.Join("kernel", "fluxd_hil.c"))
	if err != nil {
		return "", err
	}
	kernel, err := find(cache, "vmlinuz-*")
	if err != nil {
		return "", err
	}
	version := strings.TrimPrefix(filepath.Base(kernel), "vmlinuz-")
	folder, err := cached(fmt.Sprintf("module-%s-%x", version, sha256.Sum256(source))[:60], func(folder string) error {
		headers := filepath.Join(cache, "usr", "src", "linux-headers-"+version)
		// Its Makefile includes another one by the path where that would be installed.
		makefile := filepath.Join(headers, "Makefile")
		text, err := os.ReadFile(makefile)
		if err != nil {
			return err
		}
		moved := bytes.Replace(text, []byte("include /usr/src/"), []byte("include "+filepath.Join(cache, "usr", "src")+"/"), 1)
		kbuild, err := os.ReadFile(filepath.Join("kernel", "Kbuild"))
		if err != nil {
			return err
		}
		if err := errors.Join(
			os.WriteFile(makefile, moved, 0o644),
			os.WriteFile(filepath.Join(folder, "fluxd_hil.c"), source, 0o644),
			os.WriteFile(filepath.Join(folder, "Kbuild"), kbuild, 0o644),
		); err != nil {
			return err
		}
		if out, err := exec.Command("make", "-C", headers, "M="+folder, "modules").CombinedOutput(); err != nil {
			return fmt.Errorf("build the kernel module: %w; it needs make, libelf and the compiler that built the kernel "+
				"(Debian bookworm: gcc-12)\n%s", err, out)
		}
		return nil
	})
	return filepath.Join(folder, "fluxd_hil.ko"), err
}

// find returns a file below a folder whose name matches a pattern.
func find(folder, pattern string) (found string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ok, _ := filepath.Match(pattern, d.Name()); ok && found == "" && !d.IsDir() {
			found = path
		}
		return nil
	})
	if err == nil && found == "" {
		err = fmt.Errorf("%s: no %s", folder, pattern)
	}
	return found, err
}
