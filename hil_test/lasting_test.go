package hil_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/core"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
)

// startBroker runs a broker on a loopback address. Port 0 means any free port.
func startBroker(t *testing.T, address string) (stop func(), at string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if number == 0 {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		number = l.Addr().(*net.TCPAddr).Port
		l.Close()
	}
	b, err := server.NewServer(&server.Options{
		ServerName: "hil", DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		MQTT: server.MQTTOpts{Host: host, Port: number},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Start()
	if !b.ReadyForConnections(patience) {
		t.Fatalf("no broker at %s", address)
	}
	stop = sync.OnceFunc(func() { b.Shutdown(); b.WaitForShutdown() })
	t.Cleanup(stop)
	return stop, net.JoinHostPort(host, strconv.Itoa(number))
}

// online waits until a client of the broker sees the robot online.
func online(t *testing.T, address, robot string) time.Duration {
	t.Helper()
	status := make(chan string, 100)
	opts := mqtt.NewClientOptions().AddBroker("tcp://" + address).SetClientID(fmt.Sprint("hil-", time.Now().UnixNano()))
	opts.SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe("flux/"+robot+"/status", 0, func(_ mqtt.Client, m mqtt.Message) { status <- string(m.Payload()) })
	})
	c := mqtt.NewClient(opts)
	if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("no connection to the broker: %v", token.Error())
	}
	defer c.Disconnect(0)
	begun := time.Now()
	for deadline := time.After(patience); ; {
		select {
		case s := <-status:
			if strings.Contains(s, `"online"`) {
				return time.Since(begun)
			}
		case <-deadline:
			t.Fatal("the robot is not online")
		}
	}
}

// Losing the broker interrupts only telemetry. Reflexes continue, and when the broker is back the robot reconnects by itself.
func TestBrokerLostAndBack(t *testing.T) {
	c := begin(t)
	stopBroker, address := startBroker(t, "127.0.0.1:0")
	w := under.wire()
	c.needs(w != nil, "output that is seen from outside")
	name, text := "marching", strings.Replace(marching(w, ""), "broker: none", "broker: 'tcp://"+address+"'", 1)
	touched := w.drive != nil
	if touched {
		w.drive(false)
		name, text = "reflex", reflexive(w, "broker: 'tcp://"+address+"'", 100*time.Millisecond)
	}
	r, _ := start(t, text)
	online(t, address, name)
	// reflexes measures n answers to touches. Where the rig cannot touch the robot, it only checks that the output is still high.
	reflexes := func(n int) (d distribution) {
		for i := range n {
			if touched {
				w.await(t, false)
				w.drive(i&1 == 0)
			} else {
				w.mark()
			}
			d = append(d, w.await(t, true))
		}
		return d
	}
	if touched {
		eventually(t, "the first reading of the line", func() bool { _, seen := r.Sensors()["touch"]; return seen })
	}
	with := reflexes(40)
	stopBroker()
	without := reflexes(40)
	begun := time.Now()
	_, _ = startBroker(t, address)
	online(t, address, name)
	c.figure("online again %v after the broker", time.Since(begun).Round(time.Millisecond))
	again := reflexes(20)
	if touched {
		c.figure("reflex p50 with broker %v, without %v, again %v; max %v, %v, %v",
			with.at(0.5), without.at(0.5), again.at(0.5), with.at(1), without.at(1), again.at(1))
	}
	if state := r.Health().Safety.State; state != "armed" {
		t.Errorf("the robot is %s", state)
	}
}

// Learnt weights are restored after a restart. After a power failure, those last saved are.
func TestLearntWeightsAreRestored(t *testing.T) {
	c := begin(t)
	file := filepath.Join(t.TempDir(), "weights.flux")
	text := fmt.Sprintf(`robot: pupil
board: %s
network:
  neurons: {a: {pacemaker: 5ms}, b: {}}
  synapses: [{from: a, to: b, weight: 100, plastic: {window: 5ms, ltp: {rate: 1}, max: 1000000}}]
learnt: {file: '%s', every: 20ms}
mqtt: {broker: none}
`, under.board(), file)
	learnt := func() float64 {
		network, err := core.Build(parse(t, text).Network)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return 0
		}
		if _, err := network.Restore(data); err != nil {
			t.Fatal(err)
		}
		return network.Learnt()[0]
	}
	var after []float64
	for run := range 3 {
		r, stop := start(t, text)
		eventually(t, "something to learn", func() bool { return r.Health().Spikes >= 50 })
		before := learnt()
		if run > 0 && before < after[run-1] {
			t.Errorf("run %d: %g units, less than %g at the end of the run before", run, before, after[run-1])
		}
		stop()
		after = append(after, learnt())
	}
	if after[0] <= 100 || after[1] <= after[0] || after[2] <= after[1] {
		t.Errorf("weights of three runs: %v, want them to grow from 100", after)
	}
	c.figure("100 units, then %v", after)
}

// After ten minutes of constant touches, memory, goroutines and file descriptors have not grown.
func TestSoak(t *testing.T) {
	c := begin(t)
	if !*long {
		c.cannot = "only with -long"
		t.Skip(c.cannot)
	}
	w := under.wire()
	c.needs(w != nil, "output that is seen from outside")
	_, address := startBroker(t, "127.0.0.1:0")
	mqttLine := "broker: 'tcp://" + address + "'"
	name, text := "marching", strings.Replace(marching(w, ""), "broker: none", mqttLine, 1)
	if w.drive != nil {
		w.drive(false)
		name, text = "reflex", reflexive(w, mqttLine, 500*time.Millisecond)
	}
	r, _ := start(t, text)
	online(t, address, name)
	type sample struct {
		heap, resident  float64 // bytes
		goroutines, fds int
	}
	var samples []sample
	touches := 0
	step := max(time.Second, *soakTime/60)
	for begun := time.Now(); time.Since(begun) < *soakTime; {
		for next := time.Now().Add(step); time.Now().Before(next); touches++ {
			if w.drive != nil {
				w.await(t, false)
				w.drive(touches&1 == 0)
				w.await(t, true)
			} else {
				r.Disarm("ann")
				w.await(t, false)
				eventually(t, "arming", func() bool { return r.Arm("ann", false) == nil })
				w.await(t, true)
			}
		}
		var m runtime.MemStats
		debug.FreeOSMemory()
		runtime.ReadMemStats(&m)
		samples = append(samples, sample{float64(m.HeapAlloc), resident(), runtime.NumGoroutine(), descriptors()})
	}
	third := len(samples) / 3
	median := func(of []sample, what func(sample) float64) float64 {
		var all []float64
		for _, s := range of {
			all = append(all, what(s))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	for _, one := range []struct {
		name      string
		what      func(sample) float64
		tolerance float64 // of the first third's median
		slack     float64
	}{
		{"heap bytes", func(s sample) float64 { return s.heap }, 0.05, 128 << 10},
		{"resident bytes", func(s sample) float64 { return s.resident }, 0.05, 1 << 20},
		{"goroutines", func(s sample) float64 { return float64(s.goroutines) }, 0, 0},
		{"descriptors", func(s sample) float64 { return float64(s.fds) }, 0, 0},
	} {
		first, last := median(samples[:third], one.what), median(samples[len(samples)-third:], one.what)
		c.figure("%s %.0f, then %.0f", one.name, first, last)
		if last > first*(1+one.tolerance)+one.slack {
			t.Errorf("%s grow: %.0f in the first third of %v, %.0f in the last", one.name, first, *soakTime, last)
		}
	}
	h := r.Health()
	c.figure("%d touches, loop p99.9 %d us, %d drops", touches, h.Latency.P999, h.Drops)
	if h.Drops != 0 || h.Safety.State != "armed" || h.Bridge != (protocol.BridgeHealth{}) {
		t.Errorf("after %v: %+v, %d drops, %+v", *soakTime, h.Safety, h.Drops, h.Bridge)
	}
}

// resident returns the resident memory of this process in bytes; 0 where /proc does not have it.
func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	var size, pages float64
	if err == nil {
		_, err = fmt.Sscan(string(text), &size, &pages)
	}
	if err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize())
}

// descriptors returns the number of open files of this process; 0 where /proc does not have it.
func descriptors() int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(all)
}
