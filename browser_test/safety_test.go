//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"fluxd/bridge/protocol"

	"github.com/chromedp/cdproto/input"
)

// wheels are the pins of the demo robot that carry power to its motors.
var wheels = []string{"GPIO12", "GPIO13"}

// awaitTurning waits until a motor has power.
func (r *insider) awaitTurning() {
	r.t.Helper()
	eventually(r.t, "the wheels to turn", func() bool { return r.duty(wheels[0]) > 0 || r.duty(wheels[1]) > 0 })
}

// awaitRest waits until no motor has power.
func (r *insider) awaitRest() {
	r.t.Helper()
	for began := time.Now(); r.duty(wheels[0]) > 0 || r.duty(wheels[1]) > 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > *patience {
			r.t.Fatal("the wheels do not stop")
		}
	}
}

// Each way to stop the robot takes the power from its pins. The robot holds that until it is disarmed and armed again.
func TestEmergencyStop(t *testing.T) {
	ways := []struct {
		name string
		stop func(p *page)
	}{
		{"the button", func(p *page) { p.click(estopButton) }},
		{"Space held", func(p *page) { p.space(input.DispatchKeyEventTypeKeyDown) }},
		{"Escape twice", func(p *page) { p.escape(); p.escape() }},
		{"Space held on another button", func(p *page) {
			eval[any](p, button("header", "Disarm")+".focus()")
			p.space(input.DispatchKeyEventTypeKeyDown)
		}},
		{"Escape twice in a field", func(p *page) {
			eval[any](p, first("input")+".focus()")
			p.escape()
			p.escape()
		}},
	}
	for _, at := range places(t) {
		t.Run(at.name, func(t *testing.T) {
			if at.startBroker != nil {
				at.startBroker(t)
			}
			r := inside(t, lightseeker(t), at)
			w := watch(t, &r.robot)
			p := open(t, r.page)
			p.awaitOnline()
			for _, way := range ways {
				p.awaitState("armed")
				r.awaitTurning()
				began := time.Now()
				way.stop(p)
				r.awaitRest()
				t.Logf("%s: no power at the pins %v after the test had begun to stop", way.name, time.Since(began).Round(time.Millisecond))
				p.awaitState("stopped")
				eventually(t, "the robot to say that it is stopped", func() bool { return w.safety().State == "stopped" })
				for _, wheel := range []string{"left_wheel", "right_wheel"} {
					if got := r.Actuators()[wheel].Value; got != 0.0 {
						t.Errorf("%s: %s has %v", way.name, wheel, got)
					}
				}
				p.space(input.DispatchKeyEventTypeKeyUp)
				p.await("the page to say who has stopped the robot", first("header .by")+"?.innerText.includes('without a name')")
				if by := w.safety().By; by != "mqtt" { // what the page says so
					t.Errorf("the robot says that it was stopped by %q", by)
				}

				// Armed again without being disarmed: the robot's own words.
				p.press("header", "Arm")
				answer := w.ask("arm", protocol.Request{})
				if answer.Error == nil {
					t.Fatal("a robot that is stopped was armed")
				}
				p.await("the reasons against arming", first("header [role=alert] li")+" != null")
				for reason := range strings.SplitSeq(strings.TrimPrefix(answer.Error.Message, "cannot arm: "), "; ") {
					if shown := p.text("header"); !strings.Contains(shown, strings.TrimSpace(reason)) {
						t.Errorf("%s: the page does not show %q: %s", way.name, reason, shown)
					}
				}
				p.press("header", "Disarm")
				p.awaitState("disarmed")
				p.arm()
			}
			p.awaitState("armed")
			r.awaitTurning()
		})
	}
}

// A key that is pressed by chance stops nothing.
func TestShortKeysDoNotStop(t *testing.T) {
	r := start(t, lightseeker(t), places(t)[0])
	p := open(t, r.page)
	p.awaitOnline()
	p.awaitState("armed")
	const tap = `for (const kind of ['keydown', 'keyup']) document.activeElement.dispatchEvent(
		new KeyboardEvent(kind, {key: %q, bubbles: true, cancelable: true}))`
	for _, key := range []string{" ", "Escape", "e", "Enter"} {
		eval[any](p, fmt.Sprintf(tap, key))
		still()
		if got := p.data(state, "state"); got != "armed" {
			t.Errorf("after %q: %s", key, got)
		}
	}
}

// While the broker is away, or hangs, the page says that its stop has not arrived and what to do meanwhile. It sends the stop
// when the broker is back, and then the robot stops.
func TestEmergencyStopWithoutABroker(t *testing.T) {
	for name, trouble := range map[string]func(at place, broker *mosquittoProcess) (end func()){
		"it is killed": func(at place, broker *mosquittoProcess) func() {
			broker.kill()
			return func() { at.startBroker(t) }
		},
		"it hangs": func(_ place, broker *mosquittoProcess) func() {
			if err := broker.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			return func() { _ = broker.Signal(syscall.SIGCONT) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			at := places(t)[1]
			broker := at.startBroker(t)
			r := inside(t, lightseeker(t), at)
			p := open(t, r.page)
			p.expect(lost)
			p.awaitOnline()
			r.awaitTurning()
			end := trouble(at, broker)
			p.click(estopButton)
			p.await("the page to say that the robot may still move", first("header .stopping")+"?.innerText.includes('use the switch')")
			p.await("the page not to call that online", first(link)+".classList.contains('bad')")
			if r.duty(wheels[0]) == 0 && r.duty(wheels[1]) == 0 {
				r.awaitTurning()
			}
			end()
			r.awaitRest()
			p.awaitState("stopped")
			p.await("the page to say that the robot has acknowledged", first("header .stopping")+" == null")
		})
	}
}

// A robot that may not be armed says all that speaks against it, and the page shows each reason in a line.
func TestReasonsNotToArm(t *testing.T) {
	each(t, "robot: hindered\nboard: {kind: sim}\nsafety: {emergency_stop: {pin: GPIO26}}\n"+
		"network: {neurons: {a: {pacemaker: 100ms}}}\n", func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page)
		p.awaitOnline()
		p.click(device("sensor", "emergency_stop") + " button.switch") // the switch stays pressed
		p.awaitState("stopped")
		p.click(estopButton)
		eventually(t, "the stop by the page", func() bool {
			var answer protocol.Response
			_, found := w.find(func(m message) bool {
				return m.topic == "res/estop" && json.Unmarshal(m.payload, &answer) == nil &&
					answer.Status == protocol.StatusOK
			})
			return found
		})
		p.press("header", "Arm")
		p.see("header .reasons")
		var refused protocol.Response
		if _, found := w.find(func(m message) bool {
			refused = protocol.Response{}
			return m.topic == "res/arm" && json.Unmarshal(m.payload, &refused) == nil && refused.Error != nil
		}); !found {
			t.Fatal("the robot has refused nothing")
		}
		lines := eval[[]string](p, "[..."+all("header .reasons li")+"].map(e => e.innerText)")
		if len(lines) < 2 {
			t.Errorf("the page shows %q, the robot says %q", lines, refused.Error.Message)
		}
		for _, line := range lines {
			if !strings.Contains(refused.Error.Message, line) {
				t.Errorf("the page says %q, the robot %q", line, refused.Error.Message)
			}
		}
		p.press("header .reasons", "Close")
		p.await("the reasons to go", first("header .reasons")+" == null")
	})
}
