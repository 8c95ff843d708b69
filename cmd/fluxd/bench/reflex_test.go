package bench

import (
	"context"
	"math"
	"runtime/debug"
	"testing"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/machine"
	"fluxd/configs"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// BenchmarkReflex shows how the rest of the process delays reflexes: alone, then beside a robot that publishes its telemetry and
// a goroutine that makes 50 MB of garbage a second, then the same with a memory limit in place of the collector's own rule. It
// asserts nothing, since times depend on the machine.
//
//	go test ./cmd/fluxd/bench -run XXX -bench Reflex -benchtime 3000x
func BenchmarkReflex(b *testing.B) {
	for _, c := range []struct {
		name           string
		beside, limits bool
	}{{"alone", false, false}, {"beside-garbage", true, false}, {"beside-garbage-with-memory-limit", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			if c.limits {
				defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
				defer debug.SetGCPercent(debug.SetGCPercent(100))
				if is := machine.Grant(machine.Settings{MemoryLimit: 256 << 20}); is.Refused != nil {
					b.Fatal(is.Refused)
				}
			}
			ended := make(chan error, 2)
			if c.beside {
				go func() { ended <- besideRobot(ctx) }()
				go func() { ended <- litter(ctx) }()
			}
			r, err := measureReflex(ctx, b.N)
			if err != nil {
				b.Fatal(err)
			}
			cancel()
			if c.beside {
				for range 2 {
					if err := <-ended; err != nil {
						b.Error(err)
					}
				}
			}
			for unit, q := range map[string]float64{"p50-us": 50, "p99-us": 99, "p99.9-us": 99.9, "max-us": 100} {
				b.ReportMetric(math.Round(float64(r.Daemon.ValueAtQuantile(q))/10)/100, unit)
				b.ReportMetric(math.Round(float64(r.Bare.ValueAtQuantile(q))/10)/100, "bare-"+unit)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// besideRobot runs the demo robot with its broker and a client that subscribes to all its telemetry.
func besideRobot(ctx context.Context) error {
	config, err := configs.Load("lightseeker")
	if err != nil {
		return err
	}
	config.MQTT.Listen = "127.0.0.1:0"
	return daemon.Run(ctx, config, daemon.RunOptions{Version: "test", Seed: 1, Started: func(r *daemon.Robot) {
		watcher := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(r.Broker()).SetClientID("watcher"))
		go func() {
			if watcher.Connect().WaitTimeout(patience) && watcher.Subscribe("flux/#", 0, nil).WaitTimeout(patience) {
				<-ctx.Done()
			}
			watcher.Disconnect(0)
		}()
	}})
}

// litter makes garbage of many sizes, half a megabyte every 10 ms, some of which lives for a while.
func litter(ctx context.Context) error {
	var kept [64][]byte
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for i := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for made := 0; made < 512<<10; i++ {
			kept[i%len(kept)] = make([]byte, 64<<(i%8))
			made += len(kept[i%len(kept)])
		}
	}
}
