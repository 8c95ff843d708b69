package machine

import "os"

// EndFirst makes this process the first that the kernel ends when memory runs out (proc(5), oom_score_adj). It does nothing
// elsewhere than on Linux.
func EndFirst() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) } // a process may always raise its own value
