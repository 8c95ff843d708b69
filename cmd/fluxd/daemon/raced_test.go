//go:build race

package daemon

// brokerMost bounds the memory of a broker's process, in MB: the race detector needs a multiple of it.
const brokerMost = 4000
