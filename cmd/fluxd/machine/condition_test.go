package machine

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestConditionOfAMachine(t *testing.T) {
	for _, c := range []struct {
		throttled, meminfo string
		bits               Throttling
		known              bool
		memory             uint64 // 0: not known
	}{
		{"50005\n", "MemTotal:  949580 kB\nMemAvailable:     600000 kB\n", 0x50005, true, 600000 << 10},
		{"0x0\n", "MemAvailable: x kB\n", 0, true, 0},
		{"hot\n", "MemAvailable: 12\n", 0, false, 0},
		{"fffffffff\n", "", 0, false, 0},
		{"", "MemAvailable: 99999999999999999999 kB\n", 0, false, 0},
	} {
		root := t.TempDir()
		write := func(name, text string) {
			t.Helper()
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("sys/devices/platform/soc/soc:firmware/get_throttled", c.throttled)
		write("proc/meminfo", c.meminfo)
		write("sys/class/thermal/thermal_zone0/temp", "48312\n")
		got := ReadCondition(root, root)
		if got.Temperature == nil || *got.Temperature != 48.312 {
			t.Errorf("temperature %v", got.Temperature)
		}
		if (got.Throttling != nil) != c.known || c.known && *got.Throttling != c.bits {
			t.Errorf("%q: throttling %v, want %x", c.throttled, got.Throttling, c.bits)
		}
		if (got.MemoryAvailable != nil) != (c.memory > 0) || c.memory > 0 && *got.MemoryAvailable != c.memory {
			t.Errorf("%q: memory %v, want %d", c.meminfo, got.MemoryAvailable, c.memory)
		}
		if runtime.GOOS == "linux" && (got.DiskFree == nil || *got.DiskSize == 0 || *got.DiskFree > *got.DiskSize) {
			t.Errorf("disk: %v of %v bytes are free", got.DiskFree, got.DiskSize)
		}
	}
	bits := Throttling(0x50005)
	for i, want := range []bool{true, false, true, false} {
		if bits.Now(i) != want || bits.SinceBoot(i) != want {
			t.Errorf("%s: now %v, since boot %v, want %v", ThrottlingReasons[i], bits.Now(i), bits.SinceBoot(i), want)
		}
	}
	none := ReadCondition(t.TempDir(), "/nowhere")
	if none.Throttling != nil || none.DiskFree != nil || none.MemoryAvailable != nil {
		t.Errorf("a machine that says nothing: %+v", none)
	}
	if own := ResidentMemory(os.Getpid()); runtime.GOOS == "linux" && (own == nil || *own < 1<<20) || ResidentMemory(-1) != nil {
		t.Errorf("resident memory: %v, and of no process %v", own, ResidentMemory(-1))
	}
}
