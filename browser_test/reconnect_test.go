//go:build browser

package browser_test

import (
	"testing"

	"fluxd/bridge/protocol"
)

// awaitLive waits until the page shows values of a robot that were published after now.
func (p *page) awaitLive(w *watcher) {
	p.t.Helper()
	p.awaitOnline()
	w.ask("get", protocol.Request{Paths: []string{"mqtt.telemetry"}}) // so the robot is there for others too
	p.awaitOnline()
}

// The page finds its robot again by itself when the daemon has died and is started again: what it shows is the new robot's.
func TestDaemonRestarts(t *testing.T) {
	each(t, lightseeker(t), func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page)
		p.expect(lost)
		p.awaitOnline()
		w.ask("set", protocol.Request{Set: map[string]float64{motor: 123}})
		p.awaitParameter(motor, 123)
		r.kill()
		p.await("the page to say that the robot is away", first("header.top")+".dataset.stale == 'true'")
		r.start()
		p.awaitLive(w)
		p.awaitParameter(motor, 100) // of the robot file: the new robot has not been tuned
		w.ask("disarm", protocol.Request{})
		p.awaitState("disarmed")
	})
}

// The page finds the broker again, while the robot runs on.
func TestBrokerIsKilled(t *testing.T) {
	for i, at := range places(t) {
		t.Run(at.name, func(t *testing.T) {
			kill := func() {}
			if at.startBroker != nil {
				kill = at.startBroker(t).kill
			}
			r := start(t, lightseeker(t), at)
			w := watch(t, r)
			p := open(t, r.page)
			p.expect(lost)
			p.awaitOnline()
			w.ask("set", protocol.Request{Set: map[string]float64{motor: 123}})
			p.awaitParameter(motor, 123)
			if i == 0 {
				r.killBroker()
			} else {
				kill()
				p.await("the page to say that the link is lost", first(link)+".dataset.link != 'online'")
				at.startBroker(t)
			}
			p.awaitLive(w)
			p.awaitParameter(motor, 123) // the robot has kept it
			w.ask("set", protocol.Request{Set: map[string]float64{motor: 124}})
			p.awaitParameter(motor, 124)
		})
	}
}
