package machine

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A Condition is how the machine does. What is not known is nil.
type Condition struct {
	Temperature     *float64    // of the processor, in degrees Celsius
	Throttling      *Throttling // of a Raspberry Pi
	DiskFree        *uint64     // bytes that an ordinary user can still write, where Folder is
	DiskSize        *uint64     // bytes
	Folder          string
	MemoryAvailable *uint64 // bytes that programs can still have without swapping
}

// Throttling is what a Raspberry Pi's firmware reports about its supply and its temperature
// (https://www.raspberrypi.com/documentation/computers/os.html#get_throttled): bits 0 to 3 are now, and 16 to 19 the same since
// it was switched on.
type Throttling uint32

// ThrottlingReasons are the reasons, in the order of their bits.
var ThrottlingReasons = []string{"under_voltage", "frequency_capped", "throttled", "soft_temperature_limit"}

// Now reports whether a reason, by its index, holds now.
func (t Throttling) Now(reason int) bool { return t&(1<<reason) != 0 }

// SinceBoot reports whether a reason held at any time since the machine was switched on.
func (t Throttling) SinceBoot(reason int) bool { return t&(1<<(16+reason)) != 0 }

// ReadCondition reads it. A disk or a driver may take as long as it likes. Root is the folder that holds sys and proc; "" is /.
// Folder is where the robot writes.
func ReadCondition(root, folder string) Condition {
	c := Condition{Temperature: temperature(root), Folder: folder}
	if text, err := os.ReadFile(filepath.Join(root, "/sys/devices/platform/soc/soc:firmware/get_throttled")); err == nil {
		if bits, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(string(text)), "0x"), 16, 32); err == nil {
			t := Throttling(bits)
			c.Throttling = &t
		}
	}
	if free, size, ok := disk(folder); ok {
		c.DiskFree, c.DiskSize = &free, &size
	}
	if text, err := os.ReadFile(filepath.Join(root, "/proc/meminfo")); err == nil {
		c.MemoryAvailable = kilobytes(text, "MemAvailable:")
	}
	return c
}

// ResidentMemory returns the memory that a process takes, in bytes; nil if that is not known.
func ResidentMemory(process int) *uint64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(process) + "/status")
	if err != nil {
		return nil
	}
	return kilobytes(text, "VmRSS:")
}

// kilobytes finds a line such as "VmRSS:	  18204 kB" (proc(5)), and returns its bytes.
func kilobytes(text []byte, name string) *uint64 {
	for line := range bytes.Lines(text) {
		if words := strings.Fields(string(line)); len(words) == 3 && words[0] == name && words[2] == "kB" {
			if n, err := strconv.ParseUint(words[1], 10, 53); err == nil {
				n <<= 10
				return &n
			}
		}
	}
	return nil
}
