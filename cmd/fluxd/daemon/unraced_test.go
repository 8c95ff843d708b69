//go:build !race

package daemon

// brokerMost bounds the memory of a broker's process, in MB: see package broker.
const brokerMost = 184
