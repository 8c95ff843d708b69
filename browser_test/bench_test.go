//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/bridge/protocol"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// A crowd has what pages read of a robot, in another process: real pages run on other machines.
const crowdVariable = "FLUXD_CROWD"

// beCrowd connects as several pages do, and reads everything until its input ends. It returns false in a process that is none.
func beCrowd() bool {
	page, many, is := strings.Cut(os.Getenv(crowdVariable), " ")
	if !is {
		return false
	}
	n, err := strconv.Atoi(many)
	if err != nil {
		panic(err)
	}
	address, err := url.Parse(page)
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	messages, bytes := 0, 0
	for i := range n {
		options := mqtt.NewClientOptions().AddBroker("ws://" + address.Host + "/mqtt").SetClientID(fmt.Sprintf("crowd-%d", i)).
			SetHTTPHeaders(http.Header{"Origin": {strings.TrimSuffix(page, "/")}})
		c := mqtt.NewClient(options)
		if done := c.Connect(); done.Wait() && done.Error() != nil {
			panic(done.Error())
		}
		done := c.Subscribe("flux/busy/#", 0, func(_ mqtt.Client, m mqtt.Message) {
			mu.Lock()
			defer mu.Unlock()
			messages, bytes = messages+1, bytes+len(m.Payload())
		})
		if done.Wait() && done.Error() != nil {
			panic(done.Error())
		}
		go func() {
			for n := 0; ; n++ {
				c.Publish("flux/busy/req/watch", 0, false, fmt.Sprintf(`{"id":"crowd-%d-%d","ts":%d,"ttl_ms":10000,"lease_ms":10000}`,
					i, n, time.Now().UnixMilli()))
				time.Sleep(4 * time.Second)
			}
		}()
	}
	fmt.Println("reading")
	_, _ = io.Copy(io.Discard, os.Stdin)
	mu.Lock()
	fmt.Println(messages, bytes)
	return true
}

// crowd starts pages that read everything. Stop returns how many messages and bytes they have read.
func crowd(b *testing.B, r *robot, many int) (stop func() (messages, bytes float64)) {
	b.Helper()
	c := exec.Command("nice", "-n", "19", os.Args[0])
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", crowdVariable, r.page, many))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	var reading string
	if _, err := fmt.Fscan(out, &reading); err != nil {
		b.Fatal("the pages do not connect: ", err)
	}
	return func() (messages, bytes float64) {
		_ = in.Close()
		if _, err := fmt.Fscan(out, &messages, &bytes); err != nil {
			b.Fatal(err)
		}
		_ = c.Wait()
		return messages, bytes
	}
}

// latency returns how late the robot's loop was since its start.
func (r *robot) latency() (l protocol.Latency) {
	r.t.Helper()
	health := make(chan protocol.Health, 1)
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(r.broker).SetClientID("latency"))
	if done := c.Connect(); done.Wait() && done.Error() != nil {
		r.t.Fatal(done.Error())
	}
	defer c.Disconnect(0)
	c.Subscribe("flux/"+r.name+"/tele/health", 0, func(_ mqtt.Client, m mqtt.Message) {
		var h protocol.Health
		if json.Unmarshal(m.Payload(), &h) == nil && !m.Retained() {
			select {
			case health <- h:
			default:
			}
		}
	})
	select {
	case h := <-health:
		return h.Latency
	case <-time.After(*patience):
		r.t.Fatal("no message about the robot's health")
	}
	return l
}

// BenchmarkLoopUnderPages measures what pages cost the control loop of a busy robot: its latency with them, and without, measured
// in turn. A fresh robot is measured each time, since latencies count from its start.
//
//	make dashboard-bench
func BenchmarkLoopUnderPages(b *testing.B) {
	const length = 15 * time.Second
	kinds := []string{"none", "1 page", "10 pages", "1 page in this machine's browser"}
	figures := map[string][][3]float64{}
	read := map[string]float64{}
	for b.Loop() {
		for _, kind := range kinds {
			r := start(b, busy, places(b)[0])
			l := func() protocol.Latency {
				switch kind {
				case "1 page", "10 pages":
					many, _ := strconv.Atoi(strings.Fields(kind)[0])
					stop := crowd(b, r, many)
					time.Sleep(length)
					l := r.latency()
					messages, bytes := stop()
					if messages < float64(many)*20*length.Seconds()/2 {
						b.Errorf("%s have read %.0f messages: this measures too little", kind, messages)
					}
					read[kind] += bytes / length.Seconds()
					return l
				case "none":
					time.Sleep(length)
				default:
					p := open(b, r.page)
					p.awaitSpikes()
					time.Sleep(length)
					l := r.latency()
					p.close()
					return l
				}
				return r.latency()
			}()
			r.kill()
			figures[kind] = append(figures[kind], [3]float64{float64(l.P50), float64(l.P99), float64(l.P999)})
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, kind := range kinds {
		for i, name := range []string{"p50", "p99", "p99.9"} {
			var all, ratios []float64
			for round, one := range figures[kind] {
				all = append(all, one[i])
				ratios = append(ratios, one[i]/figures["none"][round][i])
			}
			b.Logf("%-34s %5s: median %6.0f us, median ratio %.2f (%.2f)", kind, name, median(all), median(ratios), ratios)
		}
		if read[kind] > 0 {
			b.Logf("%-34s read %.2f MB/s", kind, read[kind]/float64(len(figures[kind]))/1e6)
		}
	}
}
