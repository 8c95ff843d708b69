package bridge_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// bulkRobot is a robot with a thousand neurons that spikes at a given rate.
type bulkRobot struct {
	*fakeRobot
	rate  int // spikes a second
	start time.Time
	at    int64
}

func (r *bulkRobot) FollowSpikes() bridge.SpikeReader { return r }

func (r *bulkRobot) Read(to []protocol.Spike) ([]protocol.Spike, uint64) {
	now := time.Since(r.start).Microseconds()
	step := int64(1_000_000 / r.rate)
	for ; r.at < now; r.at += step {
		to = append(to, protocol.Spike{At: r.at, Neuron: rand.IntN(1000)})
	}
	return to, 0
}

// BenchmarkSpikesOverMQTT publishes spikes to a subscriber. Bridge, broker and subscriber are in one process, connected over
// loopback; the figures are for all three together.
//
//	go test ./bridge -run XXX -bench SpikesOverMQTT -benchtime 1x
func BenchmarkSpikesOverMQTT(b *testing.B) {
	for _, rate := range []int{1000, 100_000, 1_000_000} {
		b.Run("", func(b *testing.B) {
			for range b.N {
				robot := &bulkRobot{newFakeRobot(), rate, time.Now(), 0}
				broker := startTestBroker(b, "127.0.0.1:0")
				br, err := bridge.Start(b.Context(), allParts(robot), bridge.Options{Robot: "fake", Broker: broker.url})
				if err != nil {
					b.Fatal(err)
				}
				batches := make(chan []byte, 10_000)
				c := paho.NewClient(paho.NewClientOptions().AddBroker(br.URL()))
				if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
					b.Fatal(token.Error())
				}
				c.Subscribe(protocol.Topics("fake").Spikes(), 0, func(_ paho.Client, m paho.Message) { batches <- m.Payload() }).Wait()
				br.Lease(time.Minute)
				<-batches
				before, begun := processorTime(b), time.Now()
				spikes, bytes := 0, 0
				for time.Since(begun) < 4*time.Second {
					batch := <-batches
					all, err := protocol.DecodeSpikes(batch)
					if err != nil {
						b.Fatal(err)
					}
					spikes, bytes = spikes+len(all), bytes+len(batch)
				}
				took := time.Since(begun).Seconds()
				b.ReportMetric(float64(spikes)/took, "spikes/s")
				b.ReportMetric(float64(bytes)/float64(spikes), "B/spike")
				b.ReportMetric(100*(processorTime(b)-before)/took, "%core")
				b.ReportMetric(float64(br.Dropped()), "dropped")
				b.ReportMetric(0, "ns/op")
				c.Disconnect(0)
				br.Close()
				broker.close()
			}
		})
	}
}

func processorTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
