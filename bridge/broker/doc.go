// Package broker is the MQTT broker that comes with fluxd: a NATS server
// (https://docs.nats.io/running-a-nats-service/configuration/mqtt) in a process of its own, so that nothing a client does to it
// reaches the robot.
//
// The robot's process starts the broker, restarts it when it dies or hangs, and ends it:
//
//	b, err := broker.Start(ctx, broker.Options{Robot: "lightseeker", Log: slog.Default()})
//	if err != nil { ... }                    // an address or a certificate that cannot work
//	defer b.Close()
//	user, password := b.Login()              // of the robot itself
//	conn, err := b.Dial(ctx)                 // waits until the broker listens
//	fmt.Println("clients connect to", b.URL())
//
// The other process is the same program. It is started with the one argument Command, and calls Serve:
//
//	if len(os.Args) == 2 && os.Args[1] == broker.Command {
//		os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr))
//	}
//
// # What protects whom
//
// The broker has a lower priority than the robot, a limit of memory, and is what the kernel ends first when memory runs out.
// Everything it keeps is in memory, in streams that have a size each: messages that are retained, messages under way, sessions.
// No disk is written.
//
// A client that does not read is cut off. Nobody but the robot may write the robot's topics, and everybody may ask only what the
// role of their user allows: see package users.
package broker
