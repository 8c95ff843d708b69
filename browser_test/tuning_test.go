//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fluxd/bridge/protocol"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// motor is a parameter of the demo robot.
const motor = "network.neurons.motor_l.threshold"

// row is the part of the tuning panel for a parameter.
func row(path string) string { return "[data-panel=tuning] [data-parameter=" + quote(path) + "]" }

// find shows a parameter in the tuning panel, by the filter.
func (p *page) find(path string) {
	p.t.Helper()
	p.see("[data-panel=tuning] input[type=search]")
	eval[any](p, "(e => { e.value = "+quote(path)+"; e.dispatchEvent(new Event('input', {bubbles: true})) })("+
		first("[data-panel=tuning] input[type=search]")+")")
	p.see(row(path))
}

// awaitParameter waits until the page shows a value.
func (p *page) awaitParameter(path string, value float64) {
	p.t.Helper()
	p.find(path)
	p.await(fmt.Sprintf("the page to show %s %v", path, value), fmt.Sprintf("Number(%s?.dataset.value) == %v",
		first(row(path)), value))
}

// enter types a value into the field of a parameter.
func (p *page) enter(path, text string) {
	p.t.Helper()
	field := row(path) + " input[type=text]"
	p.click(field)
	eval[any](p, first(field)+".select()")
	p.do(chromedp.SendKeys(chromedp.CSS(field), text+kb.Enter))
}

// noteMarks notes from now on which marks a parameter has.
func (p *page) noteMarks(path string) {
	p.t.Helper()
	eval[any](p, "window.marks_ = []; new MutationObserver(() => marks_.push("+first(row(path))+
		".className)).observe("+first(row(path))+", {attributes: true, childList: true, subtree: true}), 0")
}

// A slider and a field change the parameter of the robot. Until the robot has acknowledged it the page says that it waits; what
// the robot refuses is shown in its own words.
func TestTuning(t *testing.T) {
	each(t, lightseeker(t)+"tuning: {file: tuned.yaml}\n", func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page)
		p.awaitOnline()
		p.find(motor)
		p.noteMarks(motor)

		// The slider, by mouse.
		slider := first(row(motor) + " input[type=range]")
		x, y := p.middle(slider)
		width := eval[float64](p, slider+".getBoundingClientRect().width")
		p.do(chromedp.DragAndDropXY(x, y, x+width/4, y))
		p.await("the parameter to change", fmt.Sprintf("Number(%s.dataset.value) > 100", first(row(motor))))
		p.await("the acknowledgement", "!"+first(row(motor))+".classList.contains('pending')")
		if !eval[bool](p, "marks_.some(m => m.includes('pending'))") {
			t.Error("the page did not say that it waits for the robot's acknowledgement")
		}
		eventually(t, "the page to show the robot's value",
			func() bool { return same(p.data(row(motor), "value"), w.parameter(motor).V) })
		if got := w.ask("get", protocol.Request{Paths: []string{motor}}).Values[motor]; got.V != w.parameter(motor).V || got.V == 100 {
			t.Errorf("the robot has %+v, MQTT says %+v", got, w.parameter(motor))
		}

		// The field, with a value that the robot refuses.
		before := w.parameter(motor)
		p.enter(motor, "-5")
		refusal := row(motor) + " [role=alert]"
		p.see(refusal)
		var answer protocol.Response
		if _, found := w.find(func(m message) bool {
			answer = protocol.Response{}
			return m.topic == "res/set" && json.Unmarshal(m.payload, &answer) == nil && answer.Error != nil
		}); !found {
			t.Fatal("the robot has refused nothing")
		}
		if shown := p.text(refusal); !strings.Contains(shown, answer.Error.Message) {
			t.Errorf("the page says %q, the robot %q", shown, answer.Error.Message)
		}
		if now := w.parameter(motor); now != before {
			t.Errorf("refused, but %+v became %+v", before, now)
		}
		p.enter(motor, "140")
		p.awaitParameter(motor, 140)
		p.await("the refusal to go", first(refusal)+" == null")

		// Undo, redo, back to the file, save.
		p.hit("Undo", undo("Undo"))
		p.awaitParameter(motor, before.V)
		p.hit("Redo", undo("Redo"))
		p.awaitParameter(motor, 140)
		p.press("[data-panel=tuning]", "Save")
		file := filepath.Join(filepath.Dir(r.file), "tuned.yaml")
		eventually(t, "the file of tuned values", func() bool {
			text, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(text), "140")
		})
		p.hit("reset", first(row(motor)+" button"))
		p.awaitParameter(motor, 100)
		p.enter(motor, "150")
		p.awaitParameter(motor, 150)
		p.hit("Reset all", undo("Reset all"))
		p.awaitParameter(motor, 100)
		eventually(t, "the robot file's value over MQTT", func() bool { return w.parameter(motor).V == 100 })
	})
}

// undo is an expression for one of the buttons with a number behind their text.
func undo(text string) string {
	return "[..." + all("[data-panel=tuning] .tools button") + "].find(b => b.innerText.trim().startsWith(" + quote(text) + "))"
}

// Two pages see each other's changes, and those of other clients.
func TestTwoPages(t *testing.T) {
	each(t, lightseeker(t), func(t *testing.T, r *robot) {
		w := watch(t, r)
		one, two := open(t, r.page), open(t, r.page)
		for _, p := range []*page{one, two} {
			p.awaitOnline()
			p.awaitParameter(motor, 100)
		}
		one.enter(motor, "111")
		two.awaitParameter(motor, 111)
		two.enter(motor, "112")
		one.awaitParameter(motor, 112)
		w.ask("set", protocol.Request{Set: map[string]float64{motor: 113}})
		one.awaitParameter(motor, 113)
		two.awaitParameter(motor, 113)

		one.hit("Undo", undo("Undo")) // others have changed the value since: theirs stays
		one.await("the page to say why nothing was undone", first(".notice.error")+" != null")
		if got := w.parameter(motor).V; got != 113 {
			t.Errorf("one page has undone the change of another client: %v", got)
		}
		one.press("header", "Disarm")
		two.awaitState("disarmed")
		two.arm()
		one.awaitState("armed")
		two.click(estopButton)
		one.awaitState("stopped")
	})
}
