package reward

import (
	"fluxd/boards/sim/worlds"
	"fluxd/core"
	"math"
	"slices"
	"time"
)

// ScoreEvery is how often the score of a simulated world is read for rewards.
const ScoreEvery = 20 * time.Millisecond

// Right is the value of a reward that is earned by giving a recorded command, not by the score of a world.
const Right = "right"

// EarnScore pays for a number of a world's score. A number that is absent or not finite pays nothing, and so does the next one
// after it: there is nothing to compare that with.
func (w *Reward) EarnScore(network *core.Network, at core.Tick, score []worlds.Value) (spikes int) {
	i := slices.IndexFunc(score, func(v worlds.Value) bool { return v.Name == w.Value })
	if i < 0 || math.IsNaN(score[i].Number) || math.IsInf(score[i].Number, 0) {
		w.begun = false
		return 0
	}
	const most = 1e15 // in millionths, as for readings
	return w.Earn(network, at, int64(math.Round(min(max(score[i].Number*1e6, -most), most))))
}

// EarnRight pays for a recorded command that is due: 1 if the robot gives the same, else 0.
func (w *Reward) EarnRight(network *core.Network, at core.Tick, right bool) (spikes int) {
	if right {
		return w.Earn(network, at, 1e6)
	}
	return w.Earn(network, at, 0)
}
