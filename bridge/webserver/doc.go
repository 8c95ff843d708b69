// Package webserver is an HTTP server in the robot's process: what it serves is for people and programs in the network, and the
// robot comes first. The dashboard and the metrics are served by it.
//
//	s, err := webserver.Start(ctx, webserver.Options{Name: "dashboard", Listen: "127.0.0.1:8080", Handler: answer, Log: log})
//	if err != nil { ... } // an address that cannot be used, or an invalid certificate
//	defer s.Close()
//	fmt.Println("open", s.URL())
//
// Everything that a client can ask of it is bounded: connections in all and for each address, the size and the time of a request,
// requests and handshakes a second, bytes a second in both directions. Another page in somebody's browser must not reach the
// robot, so a request is refused unless its Host is one of the server's names (such a page can give its own name the robot's
// address: DNS rebinding). Requests are GET or HEAD and have no body. What is refused is counted, and logged at a bounded rate.
package webserver
