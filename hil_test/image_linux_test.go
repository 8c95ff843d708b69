package hil_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// image is a machine's initial RAM disk: BusyBox, the kernel's modules, the suite, the daemon, and a script that starts the
// suite.
type image struct {
	cache     string
	files     map[string]string // programs, by their names inside
	modules   []string          // with their parameters
	ownModule string            // the file of our own kernel module; "": none
	command   string            // starts the suite

	archive bytes.Buffer
	inode   int
}

func (i *image) write(to string) error {
	for _, name := range []string{"bin", "proc", "sys", "dev", "tmp", "mod"} {
		i.entry(name, 0o040755, nil)
	}
	busybox, err := find(i.cache, "busybox")
	if err != nil {
		return err
	}
	i.files["bin/busybox"] = busybox
	names := []string{}
	for name := range i.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		data, err := os.ReadFile(i.files[name])
		if err != nil {
			return err
		}
		i.entry(name, 0o100755, data)
	}
	init := `#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev
$B mount -t tmpfs tmp /tmp
$B ip link set lo up
$B stty -echo
[ -c /dev/ttyS1 ] && $B stty -F /dev/ttyS1 115200 raw -echo
`
	for _, m := range i.modules {
		name, parameters, _ := strings.Cut(m, " ")
		data, err := i.module(name)
		if err != nil {
			return err
		}
		i.entry("mod/"+name+".ko", 0o100644, data)
		init += "$B insmod /mod/" + name + ".ko " + parameters + "\n"
	}
	if i.ownModule != "" {
		data, err := os.ReadFile(i.ownModule)
		if err != nil {
			return err
		}
		i.entry("mod/own.ko", 0o100644, data)
		init += "$B insmod /mod/own.ko\n"
	}
	init += i.command + " || $B dmesg | $B tail -n 60\necho\necho '@suite done 99'\n$B sleep 5\n$B poweroff -f\n"
	i.entry("init", 0o100755, []byte(init))
	i.entry("TRAILER!!!", 0, nil)
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	_, err = io.Copy(z, &i.archive)
	return errors.Join(err, z.Close(), f.Close())
}

// module reads a module of the kernel, which may be compressed.
func (i *image) module(name string) ([]byte, error) {
	from, err := find(i.cache, name+".ko*")
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(from, ".xz") {
		return os.ReadFile(from)
	}
	data, err := exec.Command("xz", "-dc", from).Output()
	if err != nil {
		return nil, fmt.Errorf("xz -dc %s: %w", from, err)
	}
	return data, nil
}

// entry adds one file to a cpio archive (newc; Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
func (i *image) entry(name string, mode int, data []byte) {
	i.inode++
	pad := func() {
		for i.archive.Len()%4 != 0 {
			i.archive.WriteByte(0)
		}
	}
	i.archive.WriteString("070701")
	for _, field := range []int{i.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0} {
		fmt.Fprintf(&i.archive, "%08X", field)
	}
	i.archive.WriteString(name + "\x00")
	pad()
	i.archive.Write(data)
	pad()
}
