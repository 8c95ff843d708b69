package bench

// processor returns the model of the processor; where the kernel names none, as on a Raspberry Pi, that of the board.
func processor() string { return colonField("/proc/cpuinfo", "Model", "model name", "Hardware") }
