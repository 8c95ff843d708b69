package hil_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// machine describes an emulated machine: the arguments for QEMU, and the modules that the suite needs inside.
type machine struct {
	processor string   // Debian's name for it
	emulator  string   // QEMU's program
	arguments []string // QEMU's arguments for the machine
	tree      string   // the device tree's file; "": none
	modules   []string // of Debian's kernel, in the order of loading
	ownModule bool     // load our own kernel module too
	console   string   // the kernel's console
	second    bool     // replies to the suite go over a second serial line
	outputs   string   // the type of a GPIO chip whose outputs QEMU reports; "": none
	registers int      // the address of a GPIO chip's registers, which are polled instead; 0: none
}

var machines = map[string]machine{
	"pi3b": {
		processor: "arm64", emulator: "qemu-system-aarch64", tree: "bcm2837-rpi-3-b.dtb", console: "ttyAMA0,115200", second: true,
		arguments: []string{"-M", "raspi3b", "-m", "1G", "-device", "tmp105,bus=i2c-bus.1,address=0x48,id=t1"},
		modules:   []string{"i2c-bcm2835", "i2c-dev", "pwm-bcm2835"}, registers: 0x3f200000,
	},
	"edges": {
		processor: "arm64", emulator: "qemu-system-aarch64", console: "ttyAMA0,115200",
		arguments: []string{"-M", "virt", "-cpu", "cortex-a53", "-m", "512", "-nic", "none"}, outputs: "pl061",
	},
	"faults": {
		processor: "amd64", emulator: "qemu-system-x86_64", console: "ttyS0",
		arguments: []string{
			"-M", "q35", "-cpu", "max", "-smp", "2", "-m", "512", "-nodefaults", "-nic", "none", "-no-reboot",
			"-device", "i6300esb", "-action", "watchdog=none",
		},
		modules: []string{"i2c-dev", "watchdog", "i6300esb heartbeat=3"}, ownModule: true,
	},
}

// emulated boots a machine with the suite inside, carries out the suite's requests, and collects its results.
func emulated(kind string, add func(result)) error {
	m, known := machines[kind]
	if !known {
		return errors.New("expected sim, pi3b, edges, faults or pi")
	}
	packages, err := fetch(m.processor)
	if err != nil {
		return err
	}
	qemu, libraries, err := findQEMU(m.emulator)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "fluxd-hil-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	suite, daemon, err := crossBuild(work, "GOARCH="+m.processor)
	if err != nil {
		return err
	}
	i := image{
		cache: packages, files: map[string]string{"suite": suite, "fluxd": daemon}, modules: m.modules,
		command: "/suite " + suiteArguments(kind, "/fluxd"),
	}
	if m.ownModule {
		if i.ownModule, err = buildModule(packages); err != nil {
			return err
		}
	}
	initrd := filepath.Join(work, "initrd")
	if err := i.write(initrd); err != nil {
		return err
	}
	kernel, err := find(packages, "vmlinuz-*")
	if err != nil {
		return err
	}
	socket := func(name string) string { return "unix:" + filepath.Join(work, name) + ",server=on,wait=off" }
	arguments := append(qemu[1:], m.arguments...)
	arguments = append(arguments,
		"-kernel", kernel, "-initrd", initrd, "-append", "console="+m.console+" rdinit=/init quiet loglevel=1 panic=-1",
		"-display", "none", "-serial", "stdio", "-accel", "tcg",
		"-qmp", socket("qmp"), "-qtest", socket("qtest"), "-qtest-log", "none")
	if m.second {
		arguments = append(arguments, "-serial", socket("serial"))
	}
	if m.tree != "" {
		tree, err := find(packages, m.tree)
		if err != nil {
			return err
		}
		arguments = append(arguments, "-dtb", tree)
	}
	ctx, cancel := context.WithTimeout(context.Background(), machinePatience())
	defer cancel()
	command := exec.CommandContext(ctx, qemu[0], arguments...)
	command.Env = append(os.Environ(), libraries...)
	return boot(ctx, command, m, work, add)
}

// boot runs the machine and carries out the requests of the suite inside.
func boot(ctx context.Context, qemu *exec.Cmd, m machine, work string, add func(result)) error {
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
		return err
	}
	defer qemu.Wait()
	defer qemu.Process.Kill()
	outside, err := reach(ctx, work, m)
	if err != nil {
		return err
	}
	defer outside.close()
	replies := io.Writer(keys)
	if m.second {
		c, err := net.Dial("unix", filepath.Join(work, "serial"))
		if err != nil {
			return err
		}
		defer c.Close()
		go io.Copy(io.Discard, c)
		replies = c
	}
	var writing sync.Mutex
	return listen(ctx, serial, add, func(id, what string) {
		go func() { // it may wait for the robot
			reply, err := outside.do(what)
			if err != nil {
				reply = err.Error()
			}
			writing.Lock()
			defer writing.Unlock()
			fmt.Fprintf(replies, "%s %s\n", id, reply) // it fails only if the machine has ended
		}()
	})
}
