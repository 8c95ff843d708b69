//go:build race

package daemon

// brokerMost is the memory that a broker's process may hold, in MB: the race detector takes several times of it.
const brokerMost = 4000
