package worlds

import (
	"testing"
	"time"
)

// What a reader costs a world, which stands still meanwhile.
func BenchmarkScenesAndMoments(b *testing.B) {
	for _, name := range []string{"floor", "everything", "gait", "cartpole", "conditioning"} {
		w := theWorlds(b)[name]
		w.Advance(10 * time.Second)
		b.Run(name+"/scene", func(b *testing.B) {
			for b.Loop() {
				w.Scene()
			}
		})
		b.Run(name+"/moment", func(b *testing.B) {
			for b.Loop() {
				w.Moment()
			}
		})
	}
}
