package hil_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bootPatience bounds a whole run of an emulated machine.
const bootPatience = 4 * time.Minute

// machines are the emulated ones: what QEMU is told, and the kernel modules that are needed.
var machines = map[string]struct {
	arguments []string
	modules   []string
	tree      string
}{
	"pi3b": {[]string{"-M", "raspi3b", "-m", "1G", "-device", "tmp105,bus=i2c-bus.1,address=0x48,id=t1"},
		[]string{"i2c-bcm2835", "i2c-dev", "pwm-bcm2835"}, "bcm2837-rpi-3-b.dtb"},
	"edges": {[]string{"-M", "virt", "-cpu", "cortex-a53", "-m", "512", "-nic", "none"}, nil, ""},
}

// emulate boots a machine with the suite inside, does what that asks for, and collects its results.
func emulate(kind string) int {
	if err := emulated(kind); err != nil {
		fmt.Fprintf(os.Stderr, "rig %s: %v\n", kind, err)
		report.add(result{Rig: kind, Case: "the machine", Verdict: "FAIL", Figures: err.Error()})
		return 1
	}
	if slices.ContainsFunc(report.all, func(r result) bool { return r.Verdict == "FAIL" }) {
		return 1
	}
	return 0
}

func emulated(kind string) error {
	m, known := machines[kind]
	if !known {
		return fmt.Errorf("expected sim, pi3b or edges")
	}
	cache, err := fetch()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "fluxd-hil-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	suite := filepath.Join(work, "suite")
	build := exec.Command("go", "test", "-c", "-o", suite, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the suite for arm64: %w\n%s", err, out)
	}
	initrd := filepath.Join(work, "initrd")
	if err := makeImage(initrd, cache, suite, kind, m.modules); err != nil {
		return err
	}
	kernel, err := find(cache, "vmlinuz-*")
	if err != nil {
		return err
	}
	arguments := append(slices.Clone(m.arguments), "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyAMA0,115200 rdinit=/init quiet loglevel=1",
		"-display", "none", "-serial", "stdio", "-accel", "tcg",
		"-qmp", "unix:"+filepath.Join(work, "qmp")+",server=on,wait=off", "-qtest", "unix:"+filepath.Join(work, "qtest")+",server=on,wait=off", "-qtest-log", "none")
	if m.tree != "" {
		tree, err := find(cache, m.tree)
		if err != nil {
			return err
		}
		arguments = append(arguments, "-dtb", tree)
	}
	ctx, cancel := context.WithTimeout(context.Background(), bootPatience)
	defer cancel()
	return run(ctx, exec.CommandContext(ctx, "qemu-system-aarch64", arguments...), work)
}

// run talks with the machine until the suite inside is done. What it says is the log of a failure.
func run(ctx context.Context, qemu *exec.Cmd, work string) error {
	serial, err := qemu.StdoutPipe()
	if err != nil {
		return err
	}
	keys, err := qemu.StdinPipe()
	if err != nil {
		return err
	}
	qemu.Stderr = os.Stderr
	if err := qemu.Start(); err != nil {
		return fmt.Errorf("%w: qemu-system-aarch64 10.0 or newer is needed (Debian: qemu-system-arm from backports)", err)
	}
	defer qemu.Wait()
	defer qemu.Process.Kill()
	var log bytes.Buffer
	world := &emulator{work: work}
	defer world.close()
	for lines := bufio.NewScanner(serial); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		log.WriteString(line + "\n")
		if asked, ok := strings.CutPrefix(line, "@host "); ok {
			id, what, _ := strings.Cut(asked, " ")
			reply, err := world.do(what)
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if id == "0" { // nobody waits for it
				continue
			}
			if _, err := fmt.Fprintf(keys, "%s %s\n", id, reply); err != nil {
				return err
			}
			continue
		}
		told, ok := strings.CutPrefix(line, "@tell ")
		if !ok {
			continue
		}
		if code, ok := strings.CutPrefix(told, "done "); ok {
			if code != "0" {
				os.Stderr.Write(log.Bytes())
			}
			return nil
		}
		if text, ok := strings.CutPrefix(told, "case "); ok {
			f := append(strings.SplitN(text, "|", 5), "", "", "", "", "")
			ms, _ := strconv.Atoi(f[3])
			report.add(result{Rig: f[0], Case: f[1], Verdict: f[2], Figures: f[4], took: time.Duration(ms) * time.Millisecond})
		}
	}
	os.Stderr.Write(log.Bytes())
	if ctx.Err() != nil {
		return fmt.Errorf("not done within %v", bootPatience)
	}
	return errors.New("it ended before the suite was done")
}

// emulator is what may be done to the machine from outside: QEMU's two line protocols.
type emulator struct {
	work  string
	qmp   *conversation
	qtest *conversation
	gpio  string // path of the chip whose lines are driven
}

type conversation struct {
	net.Conn
	lines *bufio.Reader
}

func dial(path string) (*conversation, error) {
	c, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	return &conversation{c, bufio.NewReader(c)}, nil
}

func (e *emulator) close() {
	for _, c := range []*conversation{e.qmp, e.qtest} {
		if c != nil {
			c.Close()
		}
	}
}

func (e *emulator) do(what string) (string, error) {
	words := strings.Fields(what)
	switch {
	case len(words) == 2 && words[0] == "temperature":
		milli, err := strconv.Atoi(words[1])
		if err != nil {
			return "", err
		}
		_, err = e.command("qom-set", map[string]any{"path": "/machine/peripheral/t1", "property": "temperature", "value": milli})
		return "ok", err
	case len(words) == 3 && words[0] == "drive":
		return "ok", e.drive(words[1], words[2])
	}
	return "", errors.New("nobody knows how")
}

// command is one of QMP (QEMU Machine Protocol).
func (e *emulator) command(name string, arguments map[string]any) (json.RawMessage, error) {
	if e.qmp == nil {
		c, err := dial(filepath.Join(e.work, "qmp"))
		if err != nil {
			return nil, err
		}
		if _, err := c.lines.ReadString('\n'); err != nil { // its greeting
			return nil, err
		}
		e.qmp = c
		if _, err := e.command("qmp_capabilities", nil); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(map[string]any{"execute": name, "arguments": arguments})
	if arguments == nil {
		text, err = json.Marshal(map[string]any{"execute": name})
	}
	if err != nil {
		return nil, err
	}
	if _, err := e.qmp.Write(append(text, '\n')); err != nil {
		return nil, err
	}
	for {
		line, err := e.qmp.lines.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		var reply struct {
			Return json.RawMessage
			Error  *struct{ Desc string }
		}
		if err := json.Unmarshal(line, &reply); err != nil {
			return nil, err
		}
		if reply.Error != nil {
			return nil, fmt.Errorf("%s: %s", name, reply.Error.Desc)
		}
		if reply.Return != nil {
			return reply.Return, nil // what comes between are events
		}
	}
}

// drive gives an input line a level, over the qtest protocol.
func (e *emulator) drive(line, level string) error {
	if e.qtest == nil {
		all, err := e.command("qom-list", map[string]any{"path": "/machine/unattached"})
		if err != nil {
			return err
		}
		var devices []struct{ Name, Type string }
		if err := json.Unmarshal(all, &devices); err != nil {
			return err
		}
		for _, d := range devices {
			if strings.Contains(d.Type, "pl061") {
				e.gpio = "/machine/unattached/" + d.Name
			}
		}
		if e.gpio == "" {
			return errors.New("the machine has no GPIO chip")
		}
		if e.qtest, err = dial(filepath.Join(e.work, "qtest")); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(e.qtest, "set_irq_in %s unnamed-gpio-in %s %s\n", e.gpio, line, level); err != nil {
		return err
	}
	reply, err := e.qtest.lines.ReadString('\n')
	if err == nil && !strings.HasPrefix(reply, "OK") {
		err = fmt.Errorf("qtest: %s", reply)
	}
	return err
}

// find returns the file of a name below a folder.
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

// makeImage makes the first file system: BusyBox, the modules, the suite, and what starts it.
func makeImage(to, cache, suite, kind string, modules []string) error {
	var archive bytes.Buffer
	folder := func(name string) { entry(&archive, name, 0o040755, nil) }
	for _, name := range []string{"bin", "proc", "sys", "dev", "tmp", "mod"} {
		folder(name)
	}
	file := func(name, from string) error {
		data, err := os.ReadFile(from)
		if err == nil {
			entry(&archive, name, 0o100755, data)
		}
		return err
	}
	busybox, err := find(cache, "busybox")
	if err != nil {
		return err
	}
	if err := errors.Join(file("bin/busybox", busybox), file("suite", suite)); err != nil {
		return err
	}
	init := "#!/bin/busybox sh\nB=/bin/busybox\n$B mount -t proc proc /proc\n$B mount -t sysfs sys /sys\n$B mount -t devtmpfs dev /dev\n$B mount -t tmpfs tmp /tmp\n$B ip link set lo up\n$B stty -echo\n"
	for _, m := range modules {
		from, err := find(cache, m+".ko*")
		if err != nil {
			return err
		}
		if strings.HasSuffix(from, ".xz") {
			out, err := exec.Command("xz", "-dc", from).Output()
			if err != nil {
				return fmt.Errorf("xz: %w", err)
			}
			entry(&archive, "mod/"+m+".ko", 0o100644, out)
		} else if err := file("mod/"+m+".ko", from); err != nil {
			return err
		}
		init += "$B insmod /mod/" + m + ".ko\n"
	}
	init += "/suite -test.v -guest=" + kind + "\necho\necho '@tell done 99'\n$B sleep 5\n$B poweroff -f\n"
	entry(&archive, "init", 0o100755, []byte(init))
	entry(&archive, "TRAILER!!!", 0, nil)
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	_, err = io.Copy(z, &archive)
	return errors.Join(err, z.Close(), f.Close())
}

var inode int

// entry writes one file of a cpio archive (newc; Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
func entry(to *bytes.Buffer, name string, mode int, data []byte) {
	inode++
	pad := func() {
		for to.Len()%4 != 0 {
			to.WriteByte(0)
		}
	}
	fmt.Fprintf(to, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	to.WriteString(name + "\x00")
	pad()
	to.Write(data)
	pad()
}

// fetch gets the kernel, its modules and BusyBox for arm64 from Debian, as data: apt with lists of its own, so that this machine's packages are
// not touched. It is done once; the cache is in the user's.
func fetch() (cache string, err error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(user, "fluxd-hil", "arm64")
	if _, err := os.Stat(filepath.Join(cache, "complete")); err == nil {
		return cache, nil
	}
	work := cache + ".new"
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(filepath.Join(work, "lists", "partial"), 0o755), os.MkdirAll(filepath.Join(work, "packages"), 0o755)); err != nil {
		return "", err
	}
	settings := filepath.Join(work, "apt.conf")
	text := fmt.Sprintf("APT::Architecture \"arm64\";\nAPT::Architectures { \"arm64\"; };\nDir::State::Lists %q;\nDir::State::status \"/dev/null\";\nAPT::Sandbox::User \"root\";\n", filepath.Join(work, "lists"))
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil {
		return "", err
	}
	command := func(name string, args ...string) (string, error) {
		c := exec.Command(name, args...)
		c.Env = append(os.Environ(), "APT_CONFIG="+settings)
		c.Dir = filepath.Join(work, "packages")
		out, err := c.CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out), nil
	}
	if _, err := command("apt-get", "update", "-qq"); err != nil {
		return "", err
	}
	depends, err := command("apt-cache", "depends", "linux-image-arm64")
	if err != nil {
		return "", err
	}
	image := ""
	for _, field := range strings.Fields(depends) {
		if strings.HasPrefix(field, "linux-image-") && field != "linux-image-arm64" {
			image = field
			break
		}
	}
	if _, err := command("apt-get", "download", "-qq", image, "busybox-static"); err != nil {
		return "", err
	}
	packages, err := filepath.Glob(filepath.Join(work, "packages", "*.deb"))
	if err != nil || len(packages) < 2 {
		return "", fmt.Errorf("expected a kernel and BusyBox, got %v, %v", packages, err)
	}
	for _, p := range packages {
		if _, err := command("dpkg", "-x", p, work); err != nil {
			return "", err
		}
		os.Remove(p)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(work, "complete"), nil, 0o644), os.RemoveAll(cache), os.Rename(work, cache)); err != nil {
		return "", err
	}
	return cache, nil
}
