//go:build browser

package browser_test

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe-core/axe.min.js
var axe string

// axeHash is of axe-core 4.14.1, as testdata/axe-core/README.md says.
const axeHash = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

// A look is a size of the window and a choice of colours.
type look struct {
	width, height int64
	colours       string
}

func (l look) String() string { return fmt.Sprintf("%dx%d %s", l.width, l.height, l.colours) }

// looks are the smallest phone and a 4K screen, and what lies between, in both colours.
var looks = []look{
	{360, 640, "light"}, {360, 640, "dark"}, {1440, 900, "light"}, {1440, 900, "dark"}, {3840, 2160, "light"}, {3840, 2160, "dark"},
}

// as makes the page look so.
func (l look) as(p *page) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(l.width, l.height), call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.colours}}}))
}

// A finding is a rule of accessibility that an element breaks.
type finding struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// inspect returns what axe-core finds on the page as it is.
func (p *page) inspect() []finding {
	p.t.Helper()
	eval[any](p, "window.axe || (() => {"+axe+"})(), 0")
	return eval[[]finding](p, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => (
		{id: v.id, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 300) + ' ' + (n.any[0]?.message ?? ''))})))`)
}

// sticksOut lists elements that are wider than the window, outside of boxes that scroll.
const sticksOut = `(() => {
	const width = document.documentElement.clientWidth, found = [];
	if (document.documentElement.scrollWidth > width) found.push('the page is ' + document.documentElement.scrollWidth + ' wide');
	for (const e of document.querySelectorAll('body *')) {
		const b = e.getBoundingClientRect();
		if (b.width == 0 || b.right <= width + 1 || !e.checkVisibility()) continue;
		let box = e.parentElement;
		while (box && !/auto|scroll|hidden|clip/.test(getComputedStyle(box).overflowX)) box = box.parentElement;
		if (!box || box == document.body || box == document.documentElement) found.push(e.outerHTML.slice(0, 200));
	}
	return found.slice(0, 5);
})()`

// The page fits on a phone and on a 4K screen, dark and light, and axe-core finds nothing against it.
func TestLooks(t *testing.T) {
	if sum := sha256.Sum256([]byte(axe)); hex.EncodeToString(sum[:]) != axeHash {
		t.Fatalf("axe.min.js has the hash %x: expected %s", sum, axeHash)
	}
	locked := startWithUsers(t, lightseeker(t))
	demo, learner := start(t, lightseeker(t), places(t)[0]), start(t, example(t, "phototaxis"), places(t)[0])
	pages := []struct {
		name, address string
		ready         func(p *page)
	}{
		{"the login form", locked.page, func(p *page) { p.see("form.login") }},
		{"the demo robot", demo.page, func(p *page) { p.awaitOnline(); p.awaitSpikes() }},
		{"a robot that learns", learner.page, func(p *page) { p.awaitOnline(); p.awaitSpikes() }},
		{"two panels", demo.page + "?view=world,raster", func(p *page) { p.awaitOnline(); p.awaitSpikes() }},
		{"all robots", demo.page + "?view=robots", func(p *page) { p.see("[data-robot]") }},
		{"a stopped robot", learner.page, func(p *page) { p.awaitOnline(); p.click(estopButton); p.awaitState("stopped") }},
	}
	for _, one := range pages {
		t.Run(one.name, func(t *testing.T) {
			p := open(t, one.address)
			one.ready(p)
			for _, l := range looks {
				l.as(p)
				p.await("the page to have its size", fmt.Sprintf("innerWidth == %d", l.width))
				var out []string // what draws itself gets its new size with the next frames
				eventually(t, fmt.Sprintf("the page to fit: %v", l), func() bool {
					if found := eval[[]string](p, sticksOut); fmt.Sprint(found) != fmt.Sprint(out) {
						out = found
						t.Logf("%v: too wide: %q", l, out)
					}
					return len(out) == 0
				})
				for _, found := range p.inspect() {
					t.Errorf("%v: %s (%s), %d times: %s", l, found.Help, found.ID, len(found.Nodes),
						strings.Join(found.Nodes[:min(3, len(found.Nodes))], "\n    "))
				}
			}
		})
	}
}

// axe-core finds what is wrong on a page that is wrong: otherwise it would prove nothing.
func TestInspectionFinds(t *testing.T) {
	server := stranger(t, "<main><img src='data:,'><button></button><p style='color:#ccc;background:#fff'>pale</p></main>"+
		"<div style='width:5000px'>wide</div>")
	p := openTab(t, server.URL+"/")
	found := fmt.Sprint(p.inspect())
	for _, rule := range []string{"image-alt", "button-name", "color-contrast", "html-has-lang"} {
		if !strings.Contains(found, rule) {
			t.Errorf("axe-core finds %s: expected %s too", found, rule)
		}
	}
	if len(eval[[]string](p, sticksOut)) == 0 {
		t.Error("a page of 5000 pixels fits")
	}
}

// controls marks the controls of the page with numbers, and returns what they are. What follows the pointer without having the
// focus is one too: somebody without a mouse could not use it.
const controls = `(() => {
	const found = [];
	const name = e => e.outerHTML.slice(0, 160);
	for (const e of document.querySelectorAll('button, input, select, textarea, a[href], summary, [tabindex]')) {
		if (e.disabled || !e.checkVisibility() || e.tabIndex < 0) continue;
		e.dataset.reach = found.length;
		found.push(name(e));
	}
	for (const e of document.querySelectorAll('body *')) {
		const cursor = getComputedStyle(e).cursor;
		if (!/pointer|grab|move|resize/.test(cursor) || !e.checkVisibility()) continue;
		if (e.closest('[data-reach], label, :disabled, [tabindex], [data-keys]')) continue;
		found.push('without the keyboard: ' + name(e));
	}
	return found;
})()`

// focused returns the number of the element that has the focus; "unseen" if neither it nor a part of it looks otherwise than
// without; and what it is.
const focused = `(e => {
	const looks = () => [e, ...e.querySelectorAll('*')].map(part => (s => [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.stroke,
		s.strokeWidth, s.fill, s.opacity, s.visibility, s.display, s.backgroundColor, s.borderColor, s.textDecorationLine].join())(
		getComputedStyle(part))).join(';');
	if (e == document.body) return ['', '', ''];
	const with_ = looks();
	e.blur();
	const without = looks();
	e.focus();
	return [e.dataset.reach ?? '', with_ == without ? 'unseen' : 'seen', e.outerHTML.slice(0, 160)];
})(document.activeElement)`

// With the keyboard alone every control is reached, and one sees where one is.
func TestKeyboardReachesEverything(t *testing.T) {
	for _, robot := range []string{"lightseeker", "phototaxis"} {
		t.Run(robot, func(t *testing.T) {
			r := start(t, example(t, robot), places(t)[0])
			p := open(t, r.page)
			p.awaitOnline()
			p.awaitSpikes()
			names := eval[[]string](p, controls)
			reached := map[string]bool{}
			for range 2 * len(names) {
				p.key(input.DispatchKeyEventTypeRawKeyDown, "Tab", "Tab", 9)
				p.key(input.DispatchKeyEventTypeKeyUp, "Tab", "Tab", 9)
				at := eval[[]string](p, focused)
				if reached[at[0]] && at[0] == "0" {
					break
				}
				if at[0] != "" && !reached[at[0]] && at[1] == "unseen" {
					t.Errorf("one does not see the focus: %s", at[2])
				}
				reached[at[0]] = true
			}
			for i, name := range names {
				if !reached[fmt.Sprint(i)] {
					t.Errorf("not reached: %s", name)
				}
			}
			t.Logf("%d controls", len(names))
		})
	}
}
