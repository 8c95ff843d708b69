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
// Package webserver refuses requests under a foreign name, and bounds connections, requests and bytes. The dashboard itself
// refuses a WebSocket whose Origin is another page, and bounds the pages, their logins, the size and the number of their
// messages, and the time for which a page may send nothing or read nothing. Each connection has one small buffer in each
// direction; a page that reads slowly delays its own connection to the broker and nothing else.
package dashboard
