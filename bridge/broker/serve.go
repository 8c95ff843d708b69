package broker

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// Command is the argument that makes a program a broker.
const Command = "broker"

const (
	// maxPending may be connected without having logged in, for authPatience each: clients that idle cannot keep the others out
	// for long.
	maxPending   = 1000
	authPatience = 2 * time.Second
	tlsPatience  = 5 * time.Second
	// writePatience is how long a client may take no bytes until it is cut off as a slow consumer.
	writePatience = 2 * time.Second
	// subscriptions bounds those of a client, and unacknowledged its messages of QoS 1 and 2 under way. Of such a subscription
	// the server has unacknowledged in reserve, and 65,535 for all of a client: it refuses the 164th.
	subscriptions  = 256
	unacknowledged = 400
	// ackPatience is how long a client may take to acknowledge a message, until it is sent again.
	ackPatience = 5 * time.Second
	// startPatience is how long the server may take to listen. A broker that cannot is started again.
	startPatience = time.Minute
	// aliveEvery is how often the broker tells the robot's process that it works.
	aliveEvery = time.Second
)

// What the broker's process writes to its standard output.
const (
	listening byte = 'l' // once
	alive     byte = 'a' // every aliveEvery
)

// Serve is the broker's process: it reads its configuration from in, writes one byte to out when it listens and one a second
// while it works, and its log to stderr as JSON. It ends when in does, and returns the exit code.
func Serve(in io.Reader, out, stderr io.Writer) int {
	ignoreSignals()
	decoder := json.NewDecoder(in)
	var c config
	if err := decoder.Decode(&c); err != nil {
		fmt.Fprintf(stderr, "fluxd %s: this is for fluxd run, which starts it and writes a configuration to its standard input: %v\n", Command, err)
		return 2
	}
	level := slog.LevelInfo
	if c.Details {
		level = slog.LevelDebug
	}
	log := slog.New(newLimitedHandler(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level})))
	volunteerForOOM()
	ended := make(chan struct{})
	go func() { // the robot's process keeps the other end open for as long as it lives
		_, _ = io.Copy(io.Discard, in)
		close(ended)
	}()
	if err := c.serve(out, log, ended); err != nil {
		log.Error("the broker ends", "error", err)
		return 1
	}
	return 0
}

func (c *config) serve(out io.Writer, log *slog.Logger, ended <-chan struct{}) error {
	limits := c.limits()
	limits.enforce()
	g := newAuthenticator(protocol.Topics(c.Robot), c.Secret, c.Clients, log)
	if c.Passwords != "" {
		all, err := users.Load(c.Passwords)
		if err != nil {
			return err
		}
		g.users = all
	}
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	secured, err := c.server()
	if err != nil {
		return err
	}
	// Nothing is ever stored in it: the server wants one all the same.
	folder, err := os.MkdirTemp("", "fluxd-broker-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	accounts, remotes, err := c.Fleet.remote()
	if err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{
		Accounts:   accounts,
		LeafNode:   server.LeafNodeOpts{Remotes: remotes, ReconnectInterval: 2 * time.Second},
		ServerName: c.Robot, DontListen: true, NoSigs: true, NoSystemAccount: true,
		CustomClientAuthentication: g,
		MaxConn:                    c.Clients + maxPending,
		MaxSubs:                    subscriptions,
		MaxPayload:                 int32(limits.message),
		MaxPending:                 limits.pending,
		MaxClosedClients:           16, // it keeps 10,000 to be asked about, and nobody asks
		WriteDeadline:              writePatience,
		JetStream:                  true, StoreDir: folder, JetStreamMaxMemory: limits.memory(), JetStreamMaxStore: 1,
		MQTT: server.MQTTOpts{Host: host, Port: number, TLSConfig: secured, TLSTimeout: tlsPatience.Seconds(), AuthTimeout: authPatience.Seconds(),
			AckWait: ackPatience, MaxAckPending: unacknowledged, ConsumerMemoryStorage: true, ConsumerInactiveThreshold: ackPatience},
	})
	if err != nil {
		return err
	}
	g.server = s
	failed := make(chan error, 1)
	s.SetLoggerV2(serverLog{log, failed}, false, false, false)
	s.Start()
	defer s.Shutdown()
	select {
	case err := <-failed:
		return err
	default:
	}
	if !s.ReadyForConnections(startPatience) {
		return fmt.Errorf("the server does not listen within %v", startPatience)
	}
	if remotes != nil { // with several accounts the server does not do it by itself
		if err := s.GlobalAccount().EnableJetStream(nil, nil); err != nil {
			return fmt.Errorf("keep messages: %w", err)
		}
	}
	inside, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo(setupUser, g.secret), nats.Timeout(startPatience), nats.NoReconnect())
	if err != nil {
		return fmt.Errorf("connect within the process: %w", err)
	}
	defer inside.Close()
	for _, stream := range limits.streams() {
		if err := create(inside, stream); err != nil {
			return err
		}
	}
	if remotes != nil {
		if err := shareWithFleet(s, protocol.Topics(c.Robot)); err != nil {
			return err
		}
	}
	g.open()
	defer log.Debug("the broker ends")
	if _, err := out.Write([]byte{listening}); err != nil {
		return err
	}
	if g.users != nil {
		go g.disconnectChanged(ended)
	}
	return sendSigns(inside, out, limits, ended)
}

// create makes a stream, as one of the server's clients may
// (https://docs.nats.io/reference/reference-protocols/nats_api_reference).
func create(inside *nats.Conn, stream server.StreamConfig) error {
	text, err := json.Marshal(stream)
	if err != nil {
		return err
	}
	answer, err := inside.Request("$JS.API.STREAM.CREATE."+stream.Name, text, startPatience)
	if err != nil {
		return fmt.Errorf("create stream %s: %w", stream.Name, err)
	}
	var said server.JSApiStreamCreateResponse
	if err := json.Unmarshal(answer.Data, &said); err != nil {
		return fmt.Errorf("create stream %s: %w", stream.Name, err)
	}
	if said.Error != nil {
		return fmt.Errorf("create stream %s: %w", stream.Name, said.Error)
	}
	return nil
}

// beat tells the robot's process that the broker works, for as long as it does, until the robot's process has ended.
func sendSigns(inside *nats.Conn, out io.Writer, l limits, ended <-chan struct{}) error {
	every := time.NewTicker(aliveEvery)
	defer every.Stop()
	for {
		select {
		case <-ended:
			return nil
		case <-every.C:
		}
		if used := memory(); used > l.hard {
			return fmt.Errorf("it uses %d MB of memory, and may use %d MB", used>>20, l.hard>>20)
		}
		if _, err := inside.Request("$JS.API.STREAM.INFO."+retained, nil, startPatience); err != nil {
			return fmt.Errorf("it does not answer itself: %w", err)
		}
		if _, err := out.Write([]byte{alive}); err != nil {
			return nil // nobody is there any more
		}
	}
}

// memory is what this process has from the system, in bytes.
func memory() int64 {
	all := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(all)
	return int64(all[0].Value.Uint64() - all[1].Value.Uint64())
}
