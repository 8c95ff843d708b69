package dashboard

import (
	"time"

	"fluxd/bridge/webserver"
)

const (
	// connectionsForPage is how many connections there may be for each page: its WebSocket, and those for its files.
	connectionsForPage = 4

	// requestRate and requestBurst bound the requests of all clients together, a second and at once. A class that opens the page
	// makes some five requests each.
	requestRate  = 100
	requestBurst = 300

	// loginsAtOnce bounds the logins that the broker checks for pages. It sees this machine's address for all of them, and takes a
	// few more at a time from one address: the rest is for fluxctl.
	loginsAtOnce = 8
	// loginPatience is how long a page may take to send its first message, and the broker to answer it.
	loginPatience = 5 * time.Second
	// writePatience is how long a page may read nothing, and the broker.
	writePatience = 10 * time.Second
	// silence is how long a page may send nothing. MQTT clients ping: see the keep alive of MQTT 3.1.1, section 3.1.2.10.
	silence = 2 * time.Minute
	// maxMessage is the size of a WebSocket message from a page, in bytes. MQTT packets may be split over messages.
	maxMessage = 128 << 10
	// pingRate and pingBurst bound the pings of a client, which cost an answer each. Browsers send none.
	pingRate  = 1
	pingBurst = 10
	// messageRate and messageBurst bound the messages of a page. The next ones wait.
	messageRate  = 200
	messageBurst = 1000

	// closePatience is how long a page may take to confirm that its WebSocket ends.
	closePatience = time.Second
)

// What the dashboard refuses, besides its web server.
const (
	tooManyPages  webserver.Refusal = "too many pages"
	tooManyLogins webserver.Refusal = "too many logins at a time"
	brokenRules   webserver.Refusal = "page against the rules"
	noBroker      webserver.Refusal = "no broker"
)
