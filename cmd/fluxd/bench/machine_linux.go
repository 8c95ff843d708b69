package bench

// processor returns the model of the processor, or of the board where the kernel names no processor, as on a Raspberry Pi.
func processor() string { return colonField("/proc/cpuinfo", "Model", "model name", "Hardware") }
