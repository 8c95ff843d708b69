// Command fluxctl is the remote control of robots that run fluxd: it reads, tunes and watches them over MQTT alone, so it works from
// any machine that reaches the broker.
//
//	fluxctl get                                   every parameter with its value, unit and range
//	fluxctl set network.neurons.eye_l.threshold=90        one transaction: all of it or nothing
//	fluxctl watch                                 sensors, actuators and health, live
//
// It ends with 0 when done, 1 when the robot refused, 2 when it was called wrongly, 3 without a broker, a robot or an answer, 4 when its output cannot be
// written.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
