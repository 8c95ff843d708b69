// Package monitor holds what deploy has for monitors to a real Prometheus: Debian's. make metrics-test runs it.
//
// The test starts two robots, one well and one with faults, has Prometheus scrape them by the example's configuration, and asks
// it for every expression of the dashboard. It presses the emergency stop of one, and waits for the alarms.
//
// The build tag prometheus keeps this test out of go test ./..., which needs no Prometheus.
package monitor
