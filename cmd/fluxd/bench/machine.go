package bench

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// A Machine is the computer on which the figures were measured.
type Machine struct {
	Processor string `json:"processor"` // its model, as the system names it
	Cores     int    `json:"cores"`
	System    string `json:"os"`
	Arch      string `json:"arch"`
	Go        string `json:"go"`
}

func thisMachine() Machine {
	m := Machine{Processor: processor(), Cores: runtime.NumCPU(), System: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version()}
	if m.Processor == "" {
		m.Processor = "unknown processor"
	}
	return m
}

// colonField returns the first of the named fields that a file with lines "name : value" has, or "".
func colonField(file string, names ...string) string {
	for _, name := range names {
		f, err := os.Open(file)
		if err != nil {
			return ""
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			field, value, found := strings.Cut(lines.Text(), ":")
			if found && strings.TrimSpace(field) == name {
				f.Close()
				return strings.TrimSpace(value)
			}
		}
		f.Close()
	}
	return ""
}

// availableMemory returns the bytes that can be used without swapping, and false if the system does not say.
func availableMemory() (uint64, bool) {
	value := colonField("/proc/meminfo", "MemAvailable")
	kilobytes, err := strconv.ParseUint(strings.TrimSuffix(value, " kB"), 10, 64)
	return kilobytes << 10, err == nil
}
