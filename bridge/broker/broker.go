package broker

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// retryFirst and retryMost are the first and the longest pause before a broker that has died is started again. The pauses
	// double.
	retryFirst = 50 * time.Millisecond
	retryMost  = 5 * time.Second
	// endPatience is how long the broker may take to end when it is asked to.
	endPatience = time.Second
	// lastLines bounds how many lines of a crash are logged: a panic lists every goroutine.
	lastLines = 12
)

// missedSigns is how many signs of life in a row a broker that listens may miss before it counts as hung. They are counted, not
// timed: a machine that was suspended as a whole has missed one. Tests make it shorter.
var missedSigns = 20

// missedAtStart is the same for a broker that does not listen yet.
const missedAtStart = 120

// Broker is a broker in a separate process. Its methods may be called from any goroutine.
type Broker struct {
	config  config
	secured *tls.Config // for the robot's own clients; nil without TLS
	program []string
	log     *slog.Logger
	url     string
	cancel  context.CancelFunc
	ended   chan struct{} // closed when the process has ended for good

	mutex sync.Mutex
	up    chan struct{} // closed while the broker listens
	id    int           // of its process; 0 if there is none
}

// inBroker is an environment variable of the broker's process. It keeps a program that does not know Command from starting itself
// endlessly.
const inBroker = "FLUXD_IN_BROKER"

// Start starts a broker, and starts it again whenever it dies or hangs, until the context ends or Close is called. It does not
// wait until the broker listens. If the port is taken, it logs a warning and takes a free one. It returns an error for invalid
// options.
func Start(ctx context.Context, o Options) (*Broker, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if os.Getenv(inBroker) != "" {
		return nil, errors.New("embedded broker: this process was started as a broker, but tries to start one: " +
			"a program that starts a broker must call Serve when its argument is " + Command)
	}
	c, secured, err := o.parse()
	if err != nil {
		return nil, err
	}
	address, err := free(c.Address, o.Log)
	if err != nil {
		return nil, err
	}
	c.Address = address.String()
	if len(o.Program) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("embedded broker: %w", err)
		}
		o.Program = []string{self, Command}
	}
	scheme := "tcp://"
	if secured != nil {
		scheme = "ssl://"
	}
	b := &Broker{config: c, secured: secured, program: o.Program, log: o.Log, url: scheme + reachable(address),
		ended: make(chan struct{}), up: make(chan struct{})}
	ctx, b.cancel = context.WithCancel(ctx)
	go b.supervise(ctx) // keeps one thread of the system: see lowerPriority
	return b, nil
}

// free returns the address to listen on. If the port is taken, it is a free one.
func free(listen string, log *slog.Logger) (*net.TCPAddr, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	socket, err := net.Listen("tcp", listen)
	if err != nil && port != "0" {
		taken := err
		if socket, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
			log.Warn("the port is taken, probably by another broker: listening on a free one",
				"wanted", listen, "listening", socket.Addr().String(), "error", taken)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("embedded broker: cannot listen on %q: %w", listen, err)
	}
	defer socket.Close() // the broker's process listens there next
	return socket.Addr().(*net.TCPAddr), nil
}

// reachable returns the address for clients on this machine.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return a.String()
}

// URL returns the URL for clients on this machine.
func (b *Broker) URL() string { return b.url }

// Login returns the user and the password of the robot's own clients.
func (b *Broker) Login() (user, password string) { return robotUser, b.config.Secret }

// Process returns the id of the broker's process, or 0 while there is none.
func (b *Broker) Process() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.id
}

// Dial connects a client of the robot itself. It waits until the broker listens or the context ends.
func (b *Broker) Dial(ctx context.Context) (net.Conn, error) {
	b.mutex.Lock()
	up := b.up
	b.mutex.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
		return nil, fmt.Errorf("the embedded broker does not listen yet: %w", ctx.Err())
	}
	_, address, _ := strings.Cut(b.url, "://")
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil || b.secured == nil {
		return conn, err
	}
	secured := tls.Client(conn, b.secured)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// Close ends the broker. It returns within a few seconds, and may be called more than once.
func (b *Broker) Close() {
	b.cancel()
	<-b.ended
}

// supervise runs the broker's process, and starts it again when it ends.
func (b *Broker) supervise(ctx context.Context) {
	defer close(b.ended)
	pause := retryFirst
	for {
		// Before each start: a real-time priority for the threads of the robot is one for this thread, too.
		if err := lowerPriority(); err != nil {
			b.log.Warn("its priority cannot be lowered: it has the robot's", "error", err)
		}
		listened, err := b.run(ctx)
		if ctx.Err() != nil {
			return
		}
		if listened {
			pause = retryFirst
		}
		b.log.Error("its process ended: the robot runs on, and starts it again", "error", err, "pause", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, retryMost)
	}
}

// run starts the process and waits until it ends. It reports whether the broker has listened.
func (b *Broker) run(ctx context.Context) (listened bool, err error) {
	text, err := json.Marshal(b.config)
	if err != nil {
		return false, err
	}
	c := exec.Command(b.program[0], b.program[1:]...)
	c.SysProcAttr = processAttributes()
	// The broker must not send the robot's messages to systemd.
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "NOTIFY_SOCKET=") || strings.HasPrefix(v, "WATCHDOG_")
	})
	in, err := c.StdinPipe()
	if err != nil {
		return false, err
	}
	signs, err := c.StdoutPipe()
	if err != nil {
		return false, err
	}
	log, err := c.StderrPipe()
	if err != nil {
		return false, err
	}
	if err := c.Start(); err != nil {
		return false, err
	}
	b.setProcess(c.Process.Pid)
	defer b.setProcess(0)
	ended, read := make(chan struct{}), make(chan struct{})
	var last []string
	go func() { defer close(read); last = passOnLog(log, b.log) }()
	listenedAtEnd := make(chan bool, 1)
	go func() { listenedAtEnd <- b.watchSigns(signs, c.Process) }()
	go func() { // the process ends when its input does
		_, _ = in.Write(text) // after an error the process ends anyway
		select {
		case <-ended:
			in.Close()
			return
		case <-ctx.Done():
			in.Close()
		}
		select {
		case <-ended:
		case <-time.After(endPatience):
			_ = c.Process.Kill() // an error means that it has ended
		}
	}()
	listened = <-listenedAtEnd // until its output ends
	<-read
	err = c.Wait()
	close(ended)
	if len(last) > 0 {
		b.log.Error("its process crashed", "text", strings.Join(last, "\n"))
	}
	if err == nil {
		err = errors.New("without an error")
	}
	return listened, err
}

// setProcess records the process, and that it does not listen (yet).
func (b *Broker) setProcess(id int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.id = id
	select {
	case <-b.up:
		b.up = make(chan struct{})
	default:
	}
}

// watchSigns reads the signs of life of a broker until it ends, and kills it when they stop. It reports whether it has listened.
func (b *Broker) watchSigns(signs io.Reader, process *os.Process) (listened bool) {
	came := make(chan byte)
	go func() {
		defer close(came)
		for one := make([]byte, 1); ; {
			if n, _ := signs.Read(one); n == 0 {
				return
			}
			came <- one[0]
		}
	}()
	every := time.NewTicker(aliveEvery)
	defer every.Stop()
	missed := 0
	for {
		select {
		case sign, there := <-came:
			if !there {
				return listened
			}
			missed = 0
			if sign == listening && !listened { // once, even if a broken broker sends it twice
				listened = true
				b.mutex.Lock()
				close(b.up)
				b.mutex.Unlock()
			}
		case <-every.C:
			if missed++; missed%missedSigns == 0 && (listened || missed >= missedAtStart) {
				b.log.Error("it hangs: killing it", "silent_for", time.Duration(missed)*aliveEvery)
				_ = process.Kill() // an error means that it has ended
			}
		}
	}
}

// passOnLog passes the log of the broker's process on to the robot's log. It returns lines that are not log records: they are
// from a crash.
func passOnLog(text io.Reader, log *slog.Logger) (last []string) {
	lines := bufio.NewReaderSize(text, 16<<10)
	for {
		line, _, err := lines.ReadLine() // a longer line comes in parts; the first is enough
		if err != nil {
			return last
		}
		record := map[string]any{}
		if json.Unmarshal(line, &record) != nil {
			if len(last) < lastLines && len(line) > 0 {
				last = append(last, string(line))
			}
			continue
		}
		var level slog.Level
		name, _ := record[slog.LevelKey].(string)
		if level.UnmarshalText([]byte(name)) != nil {
			level = slog.LevelWarn
		}
		message, _ := record[slog.MessageKey].(string)
		for _, key := range []string{slog.LevelKey, slog.MessageKey, slog.TimeKey} {
			delete(record, key)
		}
		var more []any
		for _, key := range slices.Sorted(maps.Keys(record)) {
			more = append(more, key, record[key])
		}
		log.Log(context.Background(), level, message, more...)
	}
}
