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
	// retryFirst and retryMost are the pauses before a broker that died is started again: the first, and the longest; they
	// double.
	retryFirst = 50 * time.Millisecond
	retryMost  = 5 * time.Second
	// endPatience is how long the broker may take to end when it is asked to.
	endPatience = time.Second
	// lastLines bounds what of a broker's last words is logged: a panic names every goroutine.
	lastLines = 12
)

// missedSigns is how many seconds a broker that listens may be silent before it counts as hung; counted, not timed: a machine
// that was suspended as a whole has missed one. Tests make it shorter.
var missedSigns = 20

// missedAtStart is the same for one that does not listen yet.
const missedAtStart = 120

// Broker is a broker in a process of its own. Its methods may be called from any goroutine.
type Broker struct {
	config  config
	secured *tls.Config // of the robot's own clients; nil for an open broker
	program []string
	log     *slog.Logger
	url     string
	cancel  context.CancelFunc
	ended   chan struct{} // closed when the process has ended for good

	mutex sync.Mutex
	up    chan struct{} // closed while the broker listens
	id    int           // of its process; 0 for none
}

// inBroker is the environment variable that a broker's process has, so that a program that does not know Command does not start
// itself without end.
const inBroker = "FLUXD_IN_BROKER"

// Start starts a broker, and starts it again whenever it dies or hangs, until the context ends or Close is called. It does not
// wait until the broker listens. If the port is taken it logs a warning and takes a free one. An error is one of the options.
func Start(ctx context.Context, o Options) (*Broker, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if os.Getenv(inBroker) != "" {
		return nil, errors.New("embedded broker: this process was started as one, and is none: a program that starts a broker must call Serve when its argument is " + Command)
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
	b := &Broker{config: c, secured: secured, program: o.Program, log: o.Log, url: scheme + reachable(address), ended: make(chan struct{}), up: make(chan struct{})}
	ctx, b.cancel = context.WithCancel(ctx)
	go b.supervise(ctx) // a thread of the system that starts the broker and waits for it: see humble
	return b, nil
}

// free returns the address to listen on, with its port: another one if that is taken.
func free(listen string, log *slog.Logger) (*net.TCPAddr, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	socket, err := net.Listen("tcp", listen)
	if err != nil && port != "0" {
		taken := err
		if socket, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
			log.Warn("embedded broker: the port is taken, probably by another broker: listening on a free one", "wanted", listen, "listening", socket.Addr().String(), "error", taken)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("embedded broker: cannot listen on %q: %w", listen, err)
	}
	defer socket.Close() // the broker's process takes it
	return socket.Addr().(*net.TCPAddr), nil
}

// reachable returns an address that clients on this machine can dial.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return a.String()
}

// URL returns where clients on this machine reach the broker.
func (b *Broker) URL() string { return b.url }

// Login returns the user and password of the robot's own clients.
func (b *Broker) Login() (user, password string) { return robotUser, b.config.Secret }

// Process returns the id of the broker's process, and 0 while there is none.
func (b *Broker) Process() int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.id
}

// Dial connects a client of the robot's own. It waits until the broker listens, or the context ends.
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

// supervise runs the broker's process, again and again.
func (b *Broker) supervise(ctx context.Context) {
	defer close(b.ended)
	pause := retryFirst
	for {
		// Each time: whoever gives the robot's threads a real-time priority gives it to this one too.
		if err := lowerPriority(); err != nil {
			b.log.Warn("embedded broker: it has the robot's priority", "error", err)
		}
		listened, err := b.run(ctx)
		if ctx.Err() != nil {
			return
		}
		if listened {
			pause = retryFirst
		}
		b.log.Error("embedded broker: its process ended: the robot runs on, and starts it again", "error", err, "pause", pause)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, retryMost)
	}
}

// run starts the process and waits for its end. It reports whether it has listened.
func (b *Broker) run(ctx context.Context) (listened bool, err error) {
	text, err := json.Marshal(b.config)
	if err != nil {
		return false, err
	}
	c := exec.Command(b.program[0], b.program[1:]...)
	c.SysProcAttr = processAttributes()
	// systemd's messages are the robot's to send.
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
	words, err := c.StderrPipe()
	if err != nil {
		return false, err
	}
	if err := c.Start(); err != nil {
		return false, err
	}
	b.setProcess(c.Process.Pid)
	defer b.setProcess(0)
	over, read := make(chan struct{}), make(chan struct{})
	var last []string
	go func() { defer close(read); last = passOnLog(words, b.log) }()
	listenedAtEnd := make(chan bool, 1)
	go func() { listenedAtEnd <- b.watchSigns(signs, c.Process) }()
	go func() { // it is the end of its input that ends it
		_, _ = in.Write(text) // else it ends by itself
		select {
		case <-over:
			in.Close()
			return
		case <-ctx.Done():
			in.Close()
		}
		select {
		case <-over:
		case <-time.After(endPatience):
			_ = c.Process.Kill() // it may have ended meanwhile
		}
	}()
	listened = <-listenedAtEnd // until its output ends
	<-read
	err = c.Wait()
	close(over)
	if len(last) > 0 {
		b.log.Error("embedded broker: its last words", "text", strings.Join(last, "\n"))
	}
	if err == nil {
		err = errors.New("without an error")
	}
	return listened, err
}

// set notes the process, and that nothing listens yet or any more.
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

// hear follows the signs of life of a broker until it ends, and kills it when they stop. It reports whether it has listened.
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
			if sign == listening && !listened { // whatever has become of the broker, what it says ends nobody else
				listened = true
				b.mutex.Lock()
				close(b.up)
				b.mutex.Unlock()
			}
		case <-every.C:
			if missed++; missed%missedSigns == 0 && (listened || missed >= missedAtStart) {
				b.log.Error("embedded broker: it hangs: killing it", "silent_for", time.Duration(missed)*aliveEvery)
				_ = process.Kill() // it may have ended meanwhile
			}
		}
	}
}

// relay passes the log of the broker's process on. What is not of it are the last words of a crash: it returns those.
func passOnLog(words io.Reader, log *slog.Logger) (last []string) {
	lines := bufio.NewReaderSize(words, 16<<10)
	for {
		line, _, err := lines.ReadLine() // a longer one comes in parts, of which the first says what there is
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
		text, _ := record[slog.LevelKey].(string)
		if level.UnmarshalText([]byte(text)) != nil {
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
		log.Log(context.Background(), level, "embedded broker: "+message, more...)
	}
}
