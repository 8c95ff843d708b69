// Package dashboard serves the robot's page: what it senses, thinks and does, live in a browser, with everything that can be
// tuned.
//
//	d, err := dashboard.Start(ctx, dashboard.Options{Robot: "lightseeker", Listen: "127.0.0.1:8080", Dial: broker.Dial})
//	if err != nil { ... } // an invalid address or certificate
//	defer d.Close()
//	fmt.Println("open", d.URL())
//
// The page speaks MQTT, as fluxctl does: package dashboard copies the bytes of its WebSocket to a new connection to the robot's
// broker, and knows nothing of what they mean. So topics, requests, users and roles are those of the broker, and there is no
// second way to change a robot.
//
// # What it serves
//
//	GET /           the page, and its files: app.js, app.css, icon.svg; folder page has them, and they are part of the program
//	GET /robot.json {"robot": NAME, "version": VERSION, "login": whether the broker asks for a user}
//	GET /mqtt       a WebSocket with the subprotocol mqtt (MQTT 3.1.1, section 6), copied to the broker
//
// When the WebSocket ends, its reason says why, in words that the page shows: code 1013 (try again later) when the broker does
// not answer or a limit is reached, 1001 (going away) when the robot ends, 1008 when the page broke a rule.
//
// # What protects the robot
//
// Another page in the same browser must not reach the robot. So the server refuses a request whose Host is not one of its names
// (such a page can give its own name the robot's address: DNS rebinding), and a WebSocket whose Origin is another one.
//
// The server runs in the robot's process. Everything that a client can ask of it is bounded: connections in all and for each
// address, the size and the time of a request, requests and handshakes a second, bytes a second in both directions, the time for
// which a page may send nothing or read nothing. Each connection has one small buffer in each direction; a page that reads slowly
// delays its own connection to the broker and nothing else. What is refused is counted, and logged at a bounded rate.
package dashboard
