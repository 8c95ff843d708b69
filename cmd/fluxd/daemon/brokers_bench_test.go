package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/bridge"
	"fluxd/configs"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// BenchmarkLoopUnderBrokerTroubles measures what troubles of the broker cost the control loop: the ratio of its latency to that of a robot whose
// broker has none, in one run, the two in turn. A loop that is woken a thousand times a second.
//
//	go test ./cmd/fluxd/daemon -run XXX -bench BrokerTroubles -benchtime 5x
func BenchmarkLoopUnderBrokerTroubles(b *testing.B) {
	const (
		stretch        = 4 * time.Second
		wrongPasswords = "wrong passwords, 32 at a time" // at the embedded broker, which alone is ours
	)
	users, err := bridge.SetUser(nil, "ann", "a good password", bridge.Viewer)
	if err != nil {
		b.Fatal(err)
	}
	passwords := filepath.Join(b.TempDir(), "passwords")
	if err := os.WriteFile(passwords, users, 0o600); err != nil {
		b.Fatal(err)
	}
	for _, trouble := range []struct {
		name string
		do   func(b *testing.B, address string, robot *Robot, kill func(), until time.Time)
	}{
		{"none", func(_ *testing.B, _ string, _ *Robot, _ func(), until time.Time) { time.Sleep(time.Until(until)) }},
		{"killed", func(_ *testing.B, _ string, _ *Robot, kill func(), until time.Time) {
			kill()
			time.Sleep(time.Until(until))
		}},
		{"events that nobody takes", func(_ *testing.B, _ string, robot *Robot, kill func(), until time.Time) {
			kill()
			for time.Now().Before(until) {
				robot.tell(bridge.LevelInfo, "noise", strings.Repeat("x", 1000))
				time.Sleep(50 * time.Microsecond)
			}
		}},
		{"slow subscriber", func(b *testing.B, address string, robot *Robot, _ func(), until time.Time) {
			deaf, err := net.Dial("tcp", address)
			if err != nil {
				b.Fatal(err)
			}
			defer deaf.Close()
			_, _ = deaf.Write([]byte("\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04deaf\x82\x06\x00\x01\x00\x01#\x00"))
			for time.Now().Before(until) {
				robot.tell(bridge.LevelInfo, "noise", strings.Repeat("x", 2000))
				time.Sleep(2 * time.Millisecond)
			}
		}},
		{"200 requests a second", func(b *testing.B, address string, _ *Robot, _ func(), until time.Time) {
			c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + address))
			if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
				b.Fatal(token.Error())
			}
			defer c.Disconnect(0)
			for i := 0; time.Now().Before(until); i++ {
				c.Publish("flux/beating/req/get", 0, false, fmt.Sprintf(`{"id":"%d","ts":%d,"ttl_ms":60000,"paths":["network.neurons.a.leak"]}`, time.Now().UnixNano(), time.Now().UnixMilli()))
				time.Sleep(5 * time.Millisecond)
			}
		}},
		{wrongPasswords, func(_ *testing.B, _ string, robot *Robot, _ func(), until time.Time) {
			_, address, _ := strings.Cut(robot.Broker(), "://")
			var all sync.WaitGroup
			for range 32 {
				all.Go(func() {
					for time.Now().Before(until) {
						if conn, err := net.Dial("tcp", address); err == nil {
							_, _ = conn.Write([]byte("\x10\x19\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01x\x00\x03ann\x00\x05wrong"))
							_, _ = conn.Read(make([]byte, 4))
							conn.Close()
						}
					}
				})
			}
			all.Wait()
		}},
	} {
		b.Run(trouble.name, func(b *testing.B) {
			var with, without [2]float64 // p99, p99.9 in µs, summed
			for range b.N {
				for _, troubled := range []bool{false, true} {
					stop, address := startBroker(b, "127.0.0.1:0")
					stopBroker := sync.OnceFunc(stop)
					ctx, cancel := context.WithCancel(context.Background())
					text := beating("tcp://" + address)
					if trouble.name == wrongPasswords {
						text = strings.Replace(beating("embedded"), "{broker: 'embedded'}", "{listen: '127.0.0.1:0', passwords: '"+passwords+"'}", 1)
					}
					config, err := configs.Parse("robot.yaml", []byte(text), nil)
					if err != nil {
						b.Fatal(err)
					}
					started, ended := make(chan *Robot, 1), make(chan error, 1)
					go func() {
						ended <- Run(ctx, config, RunOptions{Log: slog.New(slog.DiscardHandler), Started: func(r *Robot) { started <- r }})
					}()
					robot := <-started
					until := time.Now().Add(stretch)
					if troubled {
						trouble.do(b, address, robot, stopBroker, until)
					} else {
						time.Sleep(time.Until(until))
					}
					h := robot.Health().Latency
					sum := &without
					if troubled {
						sum = &with
					}
					sum[0] += float64(h.P99)
					sum[1] += float64(h.P999)
					cancel()
					if err := <-ended; err != nil {
						b.Fatal(err)
					}
					stopBroker()
				}
			}
			b.ReportMetric(with[0]/without[0], "p99-ratio")
			b.ReportMetric(with[1]/without[1], "p99.9-ratio")
			b.ReportMetric(without[1]/float64(b.N), "p99.9-idle-us")
			b.ReportMetric(0, "ns/op")
		})
	}
}
