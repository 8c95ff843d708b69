//go:build !race

package daemon

// brokerMost is the memory that a broker's process may hold, in MB: see package broker.
const brokerMost = 184
