//go:build browser

package browser_test

import (
	"strconv"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// What the tests know of the page: its parts, and how a person finds them.

// The parts of the header.
const (
	estopButton = "header .estop"
	state       = "header [data-state]"
	link        = "header [data-link]"
)

// button returns an expression for the first enabled button with a text, within the elements that a selector finds.
func button(within, text string) string {
	return "[..." + all(within+" button") + "].find(b => b.innerText.trim() == " + quote(text) + ")"
}

func all(selector string) string { return "document.querySelectorAll(" + quote(selector) + ")" }

// press waits until a button with a text is enabled, and clicks it as a mouse does.
func (p *page) press(within, text string) {
	p.t.Helper()
	p.hit("button "+text, button(within, text))
}

// hit waits until an element is there, enabled and visible, and clicks into its middle.
func (p *page) hit(what, expression string) {
	p.t.Helper()
	p.await("to see an enabled "+what, "(e => e && !e.disabled && e.checkVisibility())("+expression+")")
	p.do(chromedp.MouseClickXY(p.middle(expression)))
}

// middle scrolls to an element, waits until it lies still with nothing over its middle, and returns where that is. A page moves
// what it shows as long as panels above fill.
func (p *page) middle(expression string) (x, y float64) {
	p.t.Helper()
	eventually(p.t, expression+" to lie still", func() bool {
		beforeX, beforeY := x, y
		at := eval[[]float64](p, "(e => { e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});"+
			" const b = e.getBoundingClientRect(), x = b.x + b.width / 2, y = b.y + b.height / 2, over = document.elementFromPoint(x, y);"+
			" return [x, y, (e.ownerSVGElement ?? e).contains(over) ? 1 : 0] })("+expression+")")
		x, y = at[0], at[1]
		return x == beforeX && y == beforeY && at[2] == 1
	})
	return x, y
}

// awaitOnline waits until the page shows that its robot is there, and speaks.
func (p *page) awaitOnline() {
	p.t.Helper()
	p.await("the page to be online", first(link)+"?.dataset.link == 'online' && "+first("header.top")+".dataset.stale == 'false'")
}

// awaitState waits until the page shows a state of the robot.
func (p *page) awaitState(name string) {
	p.t.Helper()
	p.await("the page to show "+name, first(state)+"?.dataset.state == "+quote(name))
}

// arm arms the robot. A robot refuses that if it was disarmed after the request was sent, by clocks that differ a little: then a
// person presses again.
func (p *page) arm() {
	p.t.Helper()
	eventually(p.t, "the page to show armed", func() bool {
		p.press("header", "Arm")
		for range 50 {
			if p.data(state, "state") == "armed" {
				return true
			}
			time.Sleep(50 * time.Millisecond)
		}
		return false
	})
}

// key sends a key as a keyboard does: down, and up after a while, if it is let go at all.
func (p *page) key(kind input.DispatchKeyEventType, key, code string, number int64) {
	p.t.Helper()
	p.do(call(input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: key, Code: code, WindowsVirtualKeyCode: number}))
}

func (p *page) space(kind input.DispatchKeyEventType) { p.t.Helper(); p.key(kind, " ", "Space", 32) }

func (p *page) escape() {
	p.t.Helper()
	p.key(input.DispatchKeyEventTypeRawKeyDown, "Escape", "Escape", 27)
	p.key(input.DispatchKeyEventTypeKeyUp, "Escape", "Escape", 27)
}

// still gives the page time to do what it must not do.
func still() { time.Sleep(1200 * time.Millisecond) }

// awaitSpikes waits until the raster has drawn some.
func (p *page) awaitSpikes() {
	p.t.Helper()
	eventually(p.t, "spikes in the raster", func() bool { return p.spikes() > 0 })
}

// spikes returns how many spikes the raster has drawn.
func (p *page) spikes() float64 {
	p.t.Helper()
	n, _ := strconv.ParseFloat(p.data("[data-panel=raster] [data-received]", "received"), 64)
	return n
}
