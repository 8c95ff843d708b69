//go:build browser

package browser_test

import (
	"math"
	"testing"

	"fluxd/bridge/protocol"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// device is the part of the panel for work by hand that belongs to a sensor or an actuator.
func device(kind, name string) string {
	return "[data-panel=hand] [data-" + kind + "=" + quote(name) + "]"
}

// measured returns the latest value of a sensor or an actuator, or NaN.
func (w *watcher) measured(topic, name string) float64 {
	w.t.Helper()
	var all map[string]any
	w.latest(topic, &all)
	if v, is := at(all, name+".value").(float64); is {
		return v
	}
	return math.NaN()
}

// slide presses a slider with the mouse at a share of its width, and returns what lets go.
func (p *page) slide(selector string, share float64) (release func()) {
	p.t.Helper()
	p.see(selector)
	p.middle(first(selector))
	box := eval[[]float64](p, "(b => [b.x, b.y + b.height / 2, b.width])("+first(selector)+".getBoundingClientRect())")
	mouse := func(kind input.DispatchMouseEventType, share float64) {
		p.do(chromedp.MouseEvent(kind, box[0]+box[2]*share, box[1], chromedp.ButtonLeft, chromedp.ClickCount(1)))
	}
	mouse(input.DispatchMouseEventTypeMousePressed, share)
	mouse(input.DispatchMouseEventTypeMouseMoved, share)
	return func() { mouse(input.DispatchMouseEventTypeMouseReleased, share) }
}

// Somebody drives an actuator by hand, as long as they hold its slider; then it goes to failsafe.
func TestDriveByHand(t *testing.T) {
	each(t, lightseeker(t), func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page)
		p.awaitOnline()
		p.press("[data-panel=hand]", "Arm by hand")
		eventually(t, "the robot to be driven by hand", func() bool { s := w.safety(); return s.State == "armed" && s.ByHand })
		slider := device("actuator", "left_wheel") + " input[type=range]"
		p.await("the slider to be enabled", "!"+first(slider)+".disabled")
		release := p.slide(slider, 0.9)
		eventually(t, "the wheel to turn", func() bool { return w.measured("tele/actuators", "left_wheel") > 0.6 })
		if got := w.measured("tele/actuators", "right_wheel"); got != 0 {
			t.Errorf("the other wheel has %v", got)
		}
		release()
		eventually(t, "the wheel to stop", func() bool { return w.measured("tele/actuators", "left_wheel") == 0 })
		p.press("[data-panel=hand]", "Give back to the network")
		eventually(t, "the network to command again", func() bool { s := w.safety(); return s.State == "armed" && !s.ByHand })
	})
}

// Somebody holds a reading, presses a simulated button, and makes neurons spike.
func TestSenseByHand(t *testing.T) {
	each(t, lightseeker(t), func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page)
		p.awaitOnline()
		eye := device("sensor", "left_eye")
		field := eye + " input[type=text]"
		p.click(field)
		eval[any](p, first(field)+".select()")
		p.do(chromedp.SendKeys(chromedp.CSS(field), "250\r"))
		eventually(t, "the eye to see 250 lx", func() bool { return math.Abs(w.measured("tele/sensors", "left_eye")-250) < 2 })
		p.press(eye, "Let go")
		eventually(t, "the eye to see the world again", func() bool {
			return math.Abs(w.measured("tele/sensors", "left_eye")-250) > 2
		})
		// What another client holds is not taken for the world.
		dark := 0.0
		w.ask("sense", protocol.Request{Sensor: "left_eye", Value: &dark, Lease: 60_000})
		p.await("the page to say that another client holds the reading", first(eye+" .elsewhere")+" !== null")
		w.ask("sense", protocol.Request{Sensor: "left_eye", Value: &dark, Lease: 1})
		p.await("the page to say so no longer", first(eye+" .elsewhere")+" === null")
		bumper := device("sensor", "bumper")
		p.press(bumper, "Keep pressed")
		eventually(t, "the bumper to be pressed", func() bool { return w.measured("tele/sensors", "bumper") == 1 })
		p.press(bumper, "Keep pressed")
		eventually(t, "the bumper to be let go", func() bool { return w.measured("tele/sensors", "bumper") == 0 })
	})
}

// Somebody drags a lamp and the robot.
func TestDragThings(t *testing.T) {
	each(t, lightseeker(t), func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page+"?view=world")
		p.awaitOnline()
		w.ask("disarm", protocol.Request{}) // so that the robot stays where it is put
		p.awaitState("disarmed")
		for _, name := range []string{"lamp", "robot"} {
			thing := "[data-panel=world] [data-thing^=" + quote(name) + "]"
			p.see(thing)
			where := func() (x, y float64) {
				shown := eval[[]float64](p, "(d => [Number(d.x), Number(d.y)])("+first(thing)+".dataset)")
				return shown[0], shown[1]
			}
			x, y := where()
			px, py := p.middle(first(thing + " .ring"))
			to := eval[float64](p, "innerWidth / 2") // towards the middle, so that it stays within the walls
			dx, dy := 60.0, 30.0
			if px > to {
				dx = -dx
			}
			if y < 1 {
				dy = -dy
			}
			p.do(chromedp.DragAndDropXY(px, py, px+dx, py+dy))
			eventually(t, "the page to show "+name+" elsewhere", func() bool {
				nowX, nowY := where()
				return math.Hypot(nowX-x, nowY-y) > 0.05
			})
			// What the robot says of its world is where the page shows it.
			eventually(t, "the robot's world to have "+name+" there", func() bool {
				x, y := where()
				answer := w.ask("world", protocol.Request{})
				world := answer.World
				if world == nil { // a request that was repeated may be refused
					t.Logf("no world in the answer %+v", answer)
					return false
				}
				if name == "robot" && world.Robot != nil && math.Hypot(world.Robot.X-x, world.Robot.Y-y) < 1e-3 {
					return true
				}
				for _, one := range world.Things {
					if one.Kind == name && math.Hypot(one.X-x, one.Y-y) < 1e-3 {
						return true
					}
				}
				return false
			})
		}
	})
}

// Somebody rewards and punishes a robot that learns, and freezes it.
func TestTeachByHand(t *testing.T) {
	each(t, example(t, "phototaxis"), func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page+"?view=learning")
		p.awaitOnline()
		p.see("[data-panel=learning] [data-reward=left][data-for]")
		for button, key := range map[string]string{"Reward": "for", "Punish": "against"} {
			given := 0
			p.press("[data-panel=learning] [data-reward=left]", button)
			eventually(t, "the answer to "+button, func() bool {
				_, found := w.find(func(m message) bool { return m.topic == "res/reward" })
				return found
			})
			eventually(t, key+" to count", func() bool {
				var body map[string]any
				w.latest("tele/learning", &body)
				n, _ := at(body, "rewards.left."+key).(float64)
				given = int(n)
				return given > 0 && same(p.data("[data-panel=learning] [data-reward=left]", key), n)
			})
		}
		p.press("[data-panel=learning]", "Frozen")
		eventually(t, "the robot to be frozen", func() bool { return w.parameter("network.frozen").V == 1 })
	})
}
