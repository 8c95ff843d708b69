package machine

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ContextSwitches returns the number of context switches of this process's threads since they started, voluntary (the thread
// waited) and involuntary (another thread ran instead).
func ContextSwitches() (total uint64, known bool) {
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		return 0, false
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil { // the thread has ended
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			key, value, _ := strings.Cut(lines.Text(), ":")
			if strings.HasSuffix(key, "voluntary_ctxt_switches") { // also nonvoluntary_ctxt_switches
				if count, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
					total, known = total+count, true
				}
			}
		}
	}
	return total, known
}
