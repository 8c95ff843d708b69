package reward

import (
	"fluxd/boards/sim/worlds"
	"fluxd/configs/rewards"
	"fluxd/core"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Actors together get exactly the amount of a reward, and each gets its share in the long run.
func TestActorsShareTheWholeReward(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &Reward{}
		for range rapid.IntRange(1, 5).Draw(t, "actors") {
			w.recipients = append(w.recipients, recipient{actor: &History{span: 1 << 40}})
		}
		owed, paid := make([]float64, len(w.recipients)), make([]int, len(w.recipients))
		now := core.Tick(0)
		for range rapid.IntRange(1, 30).Draw(t, "rewards") {
			from, total := now, 0
			acts := make([]int, len(w.recipients))
			for i, p := range w.recipients {
				acts[i] = rapid.IntRange(0, 7).Draw(t, "acts")
				total += acts[i]
				for range acts[i] {
					now++
					p.actor.Record(now)
				}
			}
			amount := rapid.IntRange(1, 20).Draw(t, "amount")
			sum := 0
			for i, n := range w.shares(amount, from, now) {
				if n < 0 || acts[i] == 0 && n > 0 {
					t.Fatalf("%d acts of %d are paid %d of %d", acts[i], total, n, amount)
				}
				sum += n
				paid[i] += n
				if total > 0 {
					owed[i] += float64(amount) * float64(acts[i]) / float64(total)
				}
			}
			if total > 0 && sum != amount || total == 0 && sum != 0 {
				t.Fatalf("%d are paid of %d, for %d acts", sum, amount, total)
			}
		}
		for i := range paid {
			if math.Abs(float64(paid[i])-owed[i]) > float64(len(paid)) {
				t.Fatalf("actor %d was paid %d, its share is %g", i, paid[i], owed[i])
			}
		}
	})
}

// A history keeps spikes for as long as they count, at any firing rate, and then drops the oldest first.
func TestHistoryKeepsSpikesThatCount(t *testing.T) {
	h := &History{span: 2 * 60_000_000}
	for at := core.Tick(0); at < 100_000_000; at += 1000 {
		h.Record(at)
	}
	for _, c := range []struct {
		from, until core.Tick
		want        int
	}{
		{-1, 99_999_999, 100_000}, {0, 1000, 1}, {999, 2000, 2}, {5000, 5000, 0}, {6000, 5000, 0}, {200_000_000, 300_000_000, 0},
	} {
		if n := h.between(c.from, c.until); n != c.want {
			t.Errorf("%d spikes after %d up to %d, want %d", n, c.from, c.until, c.want)
		}
	}
	for at := core.Tick(100_000_000); at < 300_000_000; at += 1000 {
		h.Record(at)
	}
	if n := h.between(-1, 300_000_000); n != mostRemembered || len(h.times) != mostRemembered {
		t.Errorf("%d remembered in %d places, want %d", n, len(h.times), mostRemembered)
	}
	slow := &History{span: 1_000_000}
	for at := core.Tick(0); at < 1e10; at += 1_000_000 {
		slow.Record(at)
	}
	if len(slow.times) != firstRemembered {
		t.Errorf("%d places for spikes that are too old to count", len(slow.times))
	}
}

// A number of a score that is absent or not finite pays nothing. The first one after it is not compared with those before.
func TestScoresThatAreNoNumbers(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		on     string
		values []float64 // -1: absent
		want   []int
	}{
		{"rise", []float64{0, 2, 5, 5, 4, 6}, []int{0, 2, 3, 0, 0, 2}},
		{"rise", []float64{0, nan, 5, 6}, []int{0, 0, 0, 1}},
		{"rise", []float64{0, -1, 5, 6}, []int{0, 0, 0, 1}},
		{"level", []float64{3, inf, 3, 3}, []int{0, 0, 0, 3}},
		{"rise", []float64{0, 1e300, 0, 1}, []int{0, 9, 0, 1}}, // at most most
	} {
		network, err := core.Build(core.Description{Neurons: []core.Neuron{{Name: "joy", Threshold: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		w := New("way", rewards.Reward{From: "score", Value: "metres", On: c.on, Gain: 1, Most: 9, To: "joy", Every: 1000},
			map[string][]int{"joy": {0}})
		for k, v := range c.values {
			score := []worlds.Value{{Name: "bumps", Number: 7}, {Name: "metres", Number: v}}
			if v == -1 {
				score = score[:1]
			}
			if got := w.EarnScore(network, core.Tick(k*20_000), score); got != c.want[k] {
				t.Errorf("%s of %v: %d spikes for number %d, want %d", c.on, c.values, got, k, c.want[k])
			}
		}
	}
}
