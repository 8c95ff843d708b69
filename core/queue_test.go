package core

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// All flights land at their time, in the order of time.
func TestQueueKeepsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := rapid.SampledFrom([]int64{0, 8191, 1 << 40, 1<<45 - 3, 1<<61 - 5}).Draw(t, "now")
		q := newQueue(now)
		var waiting []int64
		id := uint32(0)
		at := map[uint32]int64{}
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			for range rapid.IntRange(0, 4).Draw(t, "pushes") {
				ahead := rapid.SampledFrom([]int64{1, 2, 63, 64, 8191, 8192, 8193, 16_383, 16_384, 16_385, 100_000, 3_000_000,
					int64(MaxDelay)}).Draw(t, "ahead")
				ahead = max(1, ahead-int64(rapid.IntRange(0, 3).Draw(t, "less")))
				id++
				at[id] = now + ahead
				waiting = append(waiting, now+ahead)
				q.push(now+ahead, id)
			}
			slices.Sort(waiting)
			if len(waiting) == 0 {
				if q.next() != forever || q.length() != 0 {
					t.Fatalf("%d flights at %d in an empty queue", q.length(), q.next())
				}
				continue
			}
			if q.next() != waiting[0] || q.length() != len(waiting) {
				t.Fatalf("at %d: next is %d of %d, want %d of %d", now, q.next(), q.length(), waiting[0], len(waiting))
			}
			if !rapid.Bool().Draw(t, "land") {
				// The engine may advance up to the next flight. The queue moves only when one lands.
				now += rapid.Int64Range(0, waiting[0]-now-1).Draw(t, "wait")
				continue
			}
			now = waiting[0]
			first := q.land(now)
			last, count := first, 0
			for i := first; i != none; count++ {
				f := &q.flights[i]
				if at[f.what] != now {
					t.Fatalf("flight %d for %d landed at %d", f.what, at[f.what], now)
				}
				delete(at, f.what)
				last, i = i, f.next
			}
			q.free(first, last, count)
			for ; count > 0; count-- {
				if waiting[0] != now {
					t.Fatalf("%d flights too many landed at %d", count, now)
				}
				waiting = waiting[1:]
			}
			if len(waiting) > 0 && waiting[0] == now {
				t.Fatalf("a flight did not land at %d", now)
			}
		}
	})
}

// busy is a network that stays active: a ring with delays, and with more weight than it needs.
func busy(neurons, fanOut int, delay func(i int) Tick, weight float64) Description {
	var d Description
	for i := range neurons {
		d.Neurons = append(d.Neurons, Neuron{Threshold: 100, Leak: 1000, Refractory: 100})
		for k := range fanOut {
			d.Synapses = append(d.Synapses, Synapse{From: i, To: (i + 1 + 7*k) % neurons, Weight: weight + float64(k%3),
				Delay: delay(i*fanOut + k)})
		}
	}
	return d
}

var patterns = map[string]func(i int) Tick{
	"delays=10":   func(i int) Tick { return Tick(1000 + i%10*1000) },
	"delays=1":    func(int) Tick { return 3000 },
	"delays=many": func(i int) Tick { return Tick(1 + i*7919%10_000) },
}

// A network that has seen its busiest moment allocates nothing, on every route.
func TestRunningAllocatesNothing(t *testing.T) {
	for name, delay := range patterns {
		for route, force := range routes {
			t.Run(name+" "+route, func(t *testing.T) {
				n, err := Build(busy(200, 10, delay, 30))
				if err != nil {
					t.Fatal(err)
				}
				force(n)
				for i := range 40 {
					if err := n.Excite(Tick(i*37), i); err != nil {
						t.Fatal(err)
					}
				}
				water, err := n.PourWater(0, 50)
				if err != nil {
					t.Fatal(err)
				}
				now := Tick(0)
				spikes := make([]Spike, 0, 1<<16)
				step := func() {
					for i := range 3 {
						if err := n.Pour(now, i, water); err != nil {
							t.Fatal(err)
						}
					}
					now += 1000
					spikes = n.Advance(now, spikes[:0])
				}
				for range 120 {
					step()
				}
				before := n.Counters()
				if got := testing.AllocsPerRun(50, step); got != 0 {
					t.Errorf("%g allocations a simulated millisecond", got)
				}
				if after := n.Counters(); after.Deliveries-before.Deliveries < 1000 {
					t.Errorf("%d arrivals meanwhile: the network was nearly silent", after.Deliveries-before.Deliveries)
				}
			})
		}
	}
}

// BenchmarkRoutes measures an arrival on each route. The route that the network chooses should be the cheapest.
func BenchmarkRoutes(b *testing.B) {
	for _, size := range []int{50, 1000, 10_000} {
		for name, delay := range patterns {
			for route, force := range routes {
				b.Run(fmt.Sprintf("neurons=%d/%s/route=%s", size, name, route), func(b *testing.B) {
					n, err := Build(busy(size, 20, delay, 12))
					if err != nil {
						b.Fatal(err)
					}
					force(n)
					for i := range size {
						if err := n.Excite(Tick(i%7*1000), i); err != nil {
							b.Fatal(err)
						}
					}
					now := Tick(50_000)
					spikes := n.Advance(now, nil)
					before := n.Counters().Deliveries
					b.ReportAllocs()
					for b.Loop() {
						now += 1000
						spikes = n.Advance(now, spikes[:0])
					}
					if arrivals := n.Counters().Deliveries - before; arrivals > 0 {
						b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(arrivals), "ns/event")
					}
				})
			}
		}
	}
}
