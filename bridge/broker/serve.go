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

// Command is the argument with which a program is started as a broker.
const Command = "broker"

const (
	// pendingLogins is how many clients may be connected without having logged in, for authPatience each. Clients that connect and
	// do nothing cannot keep others out for long.
	pendingLogins = 1000
	authPatience  = 2 * time.Second
	tlsPatience   = 5 * time.Second
	// writePatience is how long a client may read nothing before it is disconnected as a slow consumer.
	writePatience = 2 * time.Second
	// subscriptions bounds the subscriptions of a client. unacknowledged bounds the messages of QoS 1 and 2 in flight for each of
	// them. The server reserves that many for each subscription of QoS 1 and 2, of 65,535 for a client: it refuses the 164th.
	subscriptions  = 256
	unacknowledged = 400
	// ackPatience is how long a client may take to acknowledge a message before it is sent again.
	ackPatience = 5 * time.Second
	// startPatience is how long the server may take to listen. A broker that takes longer is started again.
	startPatience = time.Minute
	// aliveEvery is how often the broker sends a sign of life to the robot's process.
	aliveEvery = time.Second
)

// What the broker's process writes to its standard output.
const (
	listening byte = 'l' // once
	alive     byte = 'a' // every aliveEvery
)

// Serve runs the broker's process. It reads its configuration from in, writes a byte to out when it listens and one a second
// while it works, and writes its log to stderr as JSON. It ends when in does, and returns the exit code.
func Serve(in io.Reader, out, stderr io.Writer) int {
	ignoreSignals()
	decoder := json.NewDecoder(in)
	var c config
	if err := decoder.Decode(&c); err != nil {
		fmt.Fprintf(stderr, "fluxd %s: only fluxd run may start this; it writes a configuration to the standard input: %v\n",
			Command, err)
		return 2
	}
	level := slog.LevelInfo
	if c.Details {
		level = slog.LevelDebug
	}
	log := slog.New(newLimitedHandler(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: level})))
	preferForOOMKill()
	ended := make(chan struct{})
	go func() { // the robot's process keeps the other end open while it lives
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
	a := newAuthenticator(protocol.Topics(c.Robot), c.Secret, c.Clients, log)
	if c.Passwords != "" {
		all, err := users.Load(c.Passwords)
		if err != nil {
			return err
		}
		a.users = all
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
	// The server requires a folder, but stores nothing in it.
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
		CustomClientAuthentication: a,
		MaxConn:                    c.Clients + pendingLogins,
		MaxSubs:                    subscriptions,
		MaxPayload:                 int32(limits.message),
		MaxPending:                 limits.pending,
		MaxClosedClients:           16, // a record for monitoring, which is not used; the default is 10,000
		WriteDeadline:              writePatience,
		JetStream:                  true, StoreDir: folder, JetStreamMaxMemory: limits.memory(), JetStreamMaxStore: 1,
		MQTT: server.MQTTOpts{Host: host, Port: number, TLSConfig: secured, TLSTimeout: tlsPatience.Seconds(),
			AuthTimeout: authPatience.Seconds(),
			AckWait:     ackPatience, MaxAckPending: unacknowledged, ConsumerMemoryStorage: true, ConsumerInactiveThreshold: ackPatience},
	})
	if err != nil {
		return err
	}
	a.server = s
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
	if remotes != nil { // with several accounts the server does not do this itself
		if err := s.GlobalAccount().EnableJetStream(nil, nil); err != nil {
			return fmt.Errorf("store messages: %w", err)
		}
	}
	inside, err := nats.Connect("", nats.InProcessServer(s), nats.UserInfo(setupUser, a.secret),
		nats.Timeout(startPatience), nats.NoReconnect())
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
	a.open()
	defer log.Debug("the broker ends")
	if _, err := out.Write([]byte{listening}); err != nil {
		return err
	}
	if a.users != nil {
		go a.disconnectChanged(ended)
	}
	return sendSigns(inside, out, limits, ended)
}

// create creates a stream by a request of a client
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
	var created server.JSApiStreamCreateResponse
	if err := json.Unmarshal(answer.Data, &created); err != nil {
		return fmt.Errorf("create stream %s: %w", stream.Name, err)
	}
	if created.Error != nil {
		return fmt.Errorf("create stream %s: %w", stream.Name, created.Error)
	}
	return nil
}

// sendSigns sends signs of life to the robot's process while the broker works, until the robot's process ends.
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
			return fmt.Errorf("the broker uses %d MB of memory, but may use only %d MB", used>>20, l.hard>>20)
		}
		if _, err := inside.Request("$JS.API.STREAM.INFO."+retained, nil, startPatience); err != nil {
			return fmt.Errorf("the server does not answer: %w", err)
		}
		if _, err := out.Write([]byte{alive}); err != nil {
			return nil // the robot's process has ended
		}
	}
}

// memory returns how much memory this process has from the system, in bytes.
func memory() int64 {
	all := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(all)
	return int64(all[0].Value.Uint64() - all[1].Value.Uint64())
}
