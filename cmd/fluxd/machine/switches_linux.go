package machine

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ContextSwitches counts those of all threads of this process so far, voluntary (it waited) or not (others had their turn).
func ContextSwitches() (total uint64, known bool) {
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		return 0, false
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil { // the thread has ended meanwhile
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			key, value, _ := strings.Cut(lines.Text(), ":")
			if strings.HasSuffix(key, "voluntary_ctxt_switches") { // with and without "non" in front
				if count, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
					total, known = total+count, true
				}
			}
		}
	}
	return total, known
}
