package daemon

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// A trouble is something that a broker, or a client of it, does while a robot runs.
type trouble struct {
	name string
	// of the robot's file, with FILES for the folder; empty: an external broker
	mqtt    string
	clog    bool                                                // a proxy between robot and broker stops passing on data
	kill    bool                                                // the broker is killed
	again   bool                                                // and started again a second later
	inside  func(robot *Robot, until time.Time)                 // what the robot does meanwhile
	outside func(t testing.TB, address string, until time.Time) // what clients do at the broker, in another process
}

// asking returns a request as JSON.
func asking(id string, at time.Time, rest string) string {
	return fmt.Sprintf(`{"id":"%s","ts":%d,"ttl_ms":60000,%s}`, id, at.UnixMilli(), rest)
}

const oneParameter = `"paths":["network.neurons.a.leak"]`

// noise makes the robot publish an event every so often.
func noise(length int, every time.Duration) func(*Robot, time.Time) {
	return func(robot *Robot, until time.Time) {
		for time.Now().Before(until) {
			robot.publish(protocol.Tuned, strings.Repeat("x", length))
			time.Sleep(every)
		}
	}
}

// from runs each in several goroutines, again and again.
func from(places int, until time.Time, each func()) {
	var all sync.WaitGroup
	for range places {
		all.Go(func() {
			for time.Now().Before(until) {
				each()
			}
		})
	}
	all.Wait()
}

const securedBroker = `{listen: '127.0.0.1:0',
       tls: {certificate: 'FILES/robot.crt', key: 'FILES/robot.key', ca: 'FILES/robot.crt'}}`

// wrongCertificates connects without a certificate where one is required, again and again.
func wrongCertificates(places int) func(testing.TB, string, time.Time) {
	return func(_ testing.TB, address string, until time.Time) {
		stranger := &tls.Config{InsecureSkipVerify: true} // without a certificate
		from(places, until, func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				return
			}
			defer conn.Close()
			secured := tls.Client(conn, stranger)
			_ = secured.Handshake()
			_, _ = secured.Read(make([]byte, 1)) // the broker's refusal
		})
	}
}

var troubles = []trouble{
	{name: "none"},
	{name: "killed", kill: true},
	{name: "events without a broker", kill: true, inside: noise(1000, 50*time.Microsecond)},
	{name: "65,536 messages wait for a broker that comes back", kill: true, again: true, inside: func(robot *Robot, _ time.Time) {
		for range 65_536 {
			robot.publish(protocol.Tuned, strings.Repeat("x", 100))
		}
	}},
	{name: "stops reading", clog: true, inside: noise(1000, time.Millisecond)},
	{name: "slow subscriber", inside: noise(2000, 2*time.Millisecond), outside: func(t testing.TB, address string, until time.Time) {
		deaf, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer deaf.Close()
		_, _ = deaf.Write([]byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04deaf\x82\x06\x00\x01\x00\x01#\x00"))
		time.Sleep(time.Until(until))
	}},
	{name: "200 requests a second", outside: func(t testing.TB, address string, until time.Time) {
		c := connect(t, "tcp://"+address, "nothing")
		for i := 0; time.Now().Before(until); i++ {
			c.Publish("flux/beating/req/get", 0, false, asking(fmt.Sprint(i), time.Now(), oneParameter))
			time.Sleep(5 * time.Millisecond)
		}
	}},
	{name: "65,536 requests at once", outside: func(t testing.TB, address string, until time.Time) {
		c := connect(t, "tcp://"+address, "nothing")
		for i := range 65_536 {
			c.Publish("flux/beating/req/get", 0, false, asking(fmt.Sprint(i), time.Now(), oneParameter))
		}
		time.Sleep(time.Until(until))
	}},
	{name: "duplicates and stale requests, 200 a second", outside: func(t testing.TB, address string, until time.Time) {
		c := connect(t, "tcp://"+address, "nothing")
		for i := 0; time.Now().Before(until); i++ {
			at := time.Now()
			if i%2 == 0 {
				at = at.Add(-time.Hour)
			}
			c.Publish("flux/beating/req/set", 1, false, asking(fmt.Sprint(i%4), at, `"set":{"network.neurons.a.threshold":101}`))
			time.Sleep(5 * time.Millisecond)
		}
	}},
	{name: "two tuners with one revision", outside: func(t testing.TB, address string, until time.Time) {
		var tuners sync.WaitGroup
		for range 2 {
			c := connect(t, "tcp://"+address, "flux/beating/res/set")
			tuners.Go(func() {
				for rev := protocol.Revision(0); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
					c.send("set", protocol.Request{IfRevision: &rev,
						Set: map[string]float64{"network.neurons.a.threshold": float64(90 + rev%20)}})
					select {
					case m := <-c.messages: // the answer to either tuner: both have the revision
						var a protocol.Response
						if json.Unmarshal(m.Payload(), &a) == nil {
							rev = a.Rev
						}
					case <-time.After(100 * time.Millisecond):
					}
				}
			})
		}
		tuners.Wait()
	}},
	{name: "wrong certificates, one after the other", mqtt: securedBroker, outside: wrongCertificates(1)},
	{name: "wrong certificates, 32 at a time", mqtt: securedBroker, outside: wrongCertificates(32)},
	{name: "wrong passwords, 32 at a time", mqtt: `{listen: '127.0.0.1:0', passwords: 'FILES/passwords'}`,
		outside: func(_ testing.TB, address string, until time.Time) {
			from(32, until, func() {
				if conn, err := net.Dial("tcp", address); err == nil {
					_, _ = conn.Write([]byte("\x10\x19\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01x\x00\x03ann\x00\x05wrong"))
					_, _ = conn.Read(make([]byte, 4))
					conn.Close()
				}
			})
		}},
}

// priority is realtime.priority of the robot.
var priority = flag.Int("priority", 0,
	"realtime priority of the robot whose latency is measured under troubles; needs the privilege, and chrt")

// outsideVariable is set when this program is started as another process than the robot: a broker; a sleeper, and for how long;
// or a trouble, an address, and for how long.
const outsideVariable = "FLUXD_OUTSIDE"

func init() {
	outside = beOutside
	for _, attack := range attacks {
		mqtt := `{listen: '127.0.0.1:0', passwords: 'FILES/passwords'}`
		if attack.secured {
			mqtt = `{listen: '127.0.0.1:0', passwords: 'FILES/passwords', tls: {certificate: 'FILES/robot.crt', key: 'FILES/robot.key'}}`
		}
		outside := func(_ testing.TB, address string, until time.Time) {
			a := attacker{address: address, secured: attack.secured, user: "ann", password: "a good password", until: until}
			from(attack.places, until, func() { attack.do(a) })
		}
		troubles = append(troubles, trouble{name: "hostile: " + attack.name, mqtt: mqtt, outside: outside})
	}
}

// beOutside runs the process that outsideVariable names, and returns false without it.
func beOutside() bool {
	what := os.Getenv(outsideVariable)
	if what == "" {
		return false
	}
	name, rest, _ := strings.Cut(what, "|")
	if name == "sleeper" {
		d, err := time.ParseDuration(rest)
		if err != nil {
			panic(what)
		}
		fmt.Println(sleep(d))
		return true
	}
	if name == "broker" {
		stop, address := startBroker(crashing{}, rest)
		fmt.Println(address)
		_, _ = io.Copy(io.Discard, os.Stdin) // until the robot's process ends
		stop()
		return true
	}
	if name == "hostile" {
		return beHostile(rest)
	}
	address, span, _ := strings.Cut(rest, "|")
	d, err := time.ParseDuration(span)
	i := slices.IndexFunc(troubles, func(t trouble) bool { return t.name == name })
	if err != nil || i < 0 {
		panic(what)
	}
	troubles[i].outside(crashing{}, address, time.Now().Add(d))
	return true
}

// sleep wakes a thousand times a second, does nothing else, and returns how late it was at p99.9, in microseconds. That is the
// latency of the system itself.
func sleep(d time.Duration) int64 {
	h := hdrhistogram.New(1, 10_000_000, 3)
	var due unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &due); err != nil {
		panic(err)
	}
	for range d / time.Millisecond {
		due = unix.NsecToTimespec(due.Nano() + int64(time.Millisecond))
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &due, nil) != nil {
		}
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			panic(err)
		}
		_ = h.RecordValue((now.Nano() - due.Nano()) / 1000)
	}
	return h.ValueAtQuantile(99.9)
}

// crashing takes the place of a test in other processes.
type crashing struct{ testing.TB }

func (crashing) Helper()                          {}
func (crashing) Name() string                     { return "outside" }
func (crashing) Cleanup(func())                   {}
func (crashing) Fatal(all ...any)                 { panic(fmt.Sprint(all...)) }
func (crashing) Fatalf(format string, all ...any) { panic(fmt.Sprintf(format, all...)) }

// beside starts this program as another process than the robot; by is a program to start it with.
func beside(b testing.TB, what string, by ...string) (out io.Reader, kill func()) {
	b.Helper()
	if *priority > 0 { // which only the robot must have
		by = append([]string{"chrt", "--other", "0"}, by...)
	}
	by = append(by, os.Args[0])
	c := exec.Command(by[0], by[1:]...)
	c.Env = append(os.Environ(), outsideVariable+"="+what)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if out, err = c.StdoutPipe(); err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	return out, sync.OnceFunc(func() { in.Close(); _ = c.Process.Kill(); _ = c.Wait() })
}

// keys writes a self-signed certificate, its key, and a file of users.
func keys(b testing.TB, folder string) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	one := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, one, one, &key.PublicKey, key)
	if err != nil {
		b.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.Fatal(err)
	}
	text, err := users.Set(nil, "ann", "a good password", users.Viewer)
	if err != nil {
		b.Fatal(err)
	}
	for name, content := range map[string][]byte{"robot.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"robot.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), "passwords": text} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoopUnderBrokerTroubles measures what troubles with the broker cost the control loop: the ratio of its latency to that
// without a trouble, measured alternately in one run, and of these the median of all rounds: a neighbour on a shared machine can
// spoil a round. The loop is woken a thousand times a second.
//
// At the same time, another process only sleeps and wakes. How late it is shows how much of that latency comes from the system.
//
//	go test ./cmd/fluxd/daemon -run XXX -bench BrokerTroubles -benchtime 10x [-priority 20]
func BenchmarkLoopUnderBrokerTroubles(b *testing.B) {
	const length = 4 * time.Second
	folder := b.TempDir()
	keys(b, folder)
	for _, trouble := range troubles {
		b.Run(trouble.name, func(b *testing.B) {
			var ratios, idle, all, sleepers []float64 // by round; idle and all are p99.9 in µs
			for range b.N {
				without, asleep := trouble.latency(b, folder, false, length)
				with, sleeper := trouble.latency(b, folder, true, length)
				ratios = append(ratios, float64(with.P999)/float64(without.P999))
				idle, all = append(idle, float64(without.P999)), append(all, float64(with.P999))
				sleepers = append(sleepers, float64(sleeper)/float64(asleep))
			}
			b.ReportMetric(median(ratios), "p99.9-ratio")
			b.ReportMetric(median(sleepers), "sleeper-p99.9-ratio")
			b.ReportMetric(median(idle), "p99.9-idle-us")
			b.ReportMetric(median(all), "p99.9-us")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// latency measures the latency of a robot's loop, with the trouble or without, and the p99.9 of a process that only sleeps.
func (trouble trouble) latency(b *testing.B, folder string, troubled bool, length time.Duration) (
	l protocol.Latency, sleeper int64) {
	b.Helper()
	text, kill := beating(strings.ReplaceAll(trouble.mqtt, "FILES", folder)), func() {}
	hold, release := func() func() { return func() {} }, func() {} // without a proxy
	address := ""
	if trouble.mqtt == "" {
		var out io.Reader
		out, kill = beside(b, "broker|127.0.0.1:0")
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		address = strings.TrimSpace(line)
		near := address
		if trouble.clog {
			near, hold = proxy(b, address)
		}
		text = beating("{broker: 'tcp://" + near + "'}")
	}
	defer kill()
	if *priority > 0 {
		text += fmt.Sprintf("realtime: {priority: %d}\n", *priority)
	}
	robot, stop := start(b, parse(b, text, nil))
	if trouble.mqtt != "" {
		_, address, _ = strings.Cut(robot.Broker(), "://")
	}
	until := time.Now().Add(length)
	woken, endSleep := beside(b, fmt.Sprintf("sleeper|%v", length))
	defer endSleep()
	if troubled {
		release = hold()
		if trouble.kill {
			kill()
		}
		if trouble.outside != nil {
			// In reality, these clients run on another machine: here they only get idle processor time.
			_, end := beside(b, fmt.Sprintf("%s|%s|%v", trouble.name, address, length), "nice", "-n", "19")
			defer end()
		}
		if trouble.inside != nil {
			trouble.inside(robot, until)
		}
	}
	if troubled && trouble.again {
		time.Sleep(time.Second)
		_, kill := beside(b, "broker|"+address)
		defer kill()
	}
	time.Sleep(time.Until(until))
	l = robot.Health().Latency
	if _, err := fmt.Fscan(woken, &sleeper); err != nil {
		b.Fatal(err)
	}
	release()
	if err := stop(); err != nil {
		b.Fatal(err)
	}
	return l, sleeper
}
