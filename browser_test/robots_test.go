//go:build browser

package browser_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fluxd/bridge/protocol"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Two robots at one broker: each page lists both with their state, and stops them all.
func TestAllRobots(t *testing.T) {
	here := places(t)[1]
	here.startBroker(t)
	one := start(t, lightseeker(t), here)
	other := start(t, strings.Replace(lightseeker(t), "robot: lightseeker", "robot: other", 1), here)
	first, second := watch(t, one), watch(t, other)
	p := open(t, one.page+"?view=robots")
	shows := func(name, state string) {
		t.Helper()
		p.await(name+" "+state, "document.querySelector('[data-robot="+name+"][data-stale=false]')?.dataset.state == "+quote(state))
	}
	shows("lightseeker", "armed")
	shows("other", "armed")
	second.ask("disarm", protocol.Request{})
	shows("other", "disarmed")
	shows("lightseeker", "armed")
	second.ask("arm", protocol.Request{})
	shows("other", "armed")

	p.press("header", "STOP ALL")
	for _, w := range []*watcher{first, second} {
		eventually(t, "the robot to be stopped", func() bool { return w.safety().State == "stopped" })
	}
	shows("lightseeker", "stopped")
	shows("other", "stopped")

	// The page of the one robot's server shows the other one, and what is done there is done to that one.
	p.click("[data-robot=other] a.name")
	p.awaitOnline()
	if got := p.text("h1"); got != "other" {
		t.Errorf("the page shows %q", got)
	}
	p.press("header", "Disarm")
	p.awaitState("disarmed")
	if got := first.safety().State; got != "stopped" {
		t.Errorf("the other robot was disarmed, and this one is %s", got)
	}
	p.do(chromedp.Navigate(one.page + "?view=robots"))
	other.kill()
	p.await("the page to say that the robot is away", "document.querySelector('[data-robot=other]')?.dataset.stale == 'true'")
	shows("lightseeker", "stopped")
}

// A class: fifteen robots of one file at one broker, each with another name. Any of their pages lists and stops them all.
func TestAClassAtOneBroker(t *testing.T) {
	here := places(t)[1]
	here.startBroker(t)
	const pupils = 15
	var robots []*robot
	var watchers []*watcher
	for i := range pupils {
		at := place{mqtt: "broker: embedded", broker: here.broker, startBroker: here.startBroker} // the flags win
		name := fmt.Sprintf("pupil-%02d", i+1)
		at.arguments = []string{"--name", name, "--broker", here.broker}
		r := describe(t, lightseeker(t), at)
		r.name = name
		r.begin()
		robots, watchers = append(robots, r), append(watchers, watch(t, r))
	}
	p := open(t, robots[0].page+"?view=robots")
	all := func(state string) {
		t.Helper()
		p.await("fifteen robots that are "+state, fmt.Sprintf(
			"document.querySelectorAll('[data-robot^=pupil-][data-stale=false][data-state=%s]').length == %d", state, pupils))
	}
	all("armed")
	p.press("header", "STOP ALL")
	for _, w := range watchers {
		eventually(t, w.robot+" to be stopped", func() bool { return w.safety().State == "stopped" })
	}
	all("stopped")
	names := eval[[]string](p, "[...document.querySelectorAll('[data-robot]')].map(e => e.dataset.robot)")
	if !slices.IsSorted(names) {
		t.Errorf("in the order %s", names)
	}
}

// An address shows just the panels that it names, and a layout that somebody has made is there again after a reload.
func TestWhichPanelsAreShown(t *testing.T) {
	r := start(t, lightseeker(t), places(t)[0])
	p := open(t, r.page+"?view=raster,world")
	p.awaitOnline()
	panels := func() string { return eval[string](p, "[..."+all("[data-panel]")+"].map(e => e.dataset.panel).join()") }
	if got := panels(); got != "raster,world" {
		t.Errorf("?view=raster,world shows %s", got)
	}
	p.do(chromedp.Navigate(r.page + "?view=nonsense"))
	p.await("the page to say that there is no such panel", first("[role=alert].refusal")+"?.innerText.includes('nonsense')")

	p.do(chromedp.Navigate(r.page))
	p.awaitOnline()
	before := panels()
	p.click("[data-panel=circuit] button[aria-label^=Hide]")
	p.await("the circuit to be hidden", first("[data-panel=circuit]")+" == null")
	eval[any](p, first("[data-panel=health] .grip")+".focus()")
	p.do(chromedp.KeyEvent(kb.Home))
	after := panels()
	if after == before {
		t.Errorf("the panels are as before: %s", after)
	}
	p.do(chromedp.Reload())
	p.awaitOnline()
	if got := panels(); got != after {
		t.Errorf("after a reload the panels are %s: expected %s", got, after)
	}
}
