// Package broker is the MQTT broker that comes with fluxd: a NATS server
// (https://docs.nats.io/running-a-nats-service/configuration/mqtt) in a separate process, so that nothing a client does to it
// reaches the robot.
//
// The robot's process starts the broker, restarts it when it dies or hangs, and ends it:
//
//	b, err := broker.Start(ctx, broker.Options{Robot: "lightseeker", Log: slog.Default()})
//	if err != nil { ... }                    // an invalid address, certificate or file of users
//	defer b.Close()
//	user, password := b.Login()              // of the robot itself
//	conn, err := b.Dial(ctx)                 // waits until the broker listens
//	fmt.Println("clients connect to", b.URL())
//
// The broker's process executes the same program. Its only argument is Command, and it calls Serve:
//
//	if len(os.Args) == 2 && os.Args[1] == broker.Command {
//		os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr))
//	}
//
// # What protects the robot
//
// The broker has a lower priority than the robot and a limit of memory, and the kernel ends it first when memory runs out. It
// keeps everything in memory, in streams of bounded size: retained messages, messages in flight, sessions. It writes nothing to
// the disk.
//
// A client that does not read is disconnected. Only the robot may write its topics, and clients may only send the requests that
// the role of their user allows: see package users.
package broker
