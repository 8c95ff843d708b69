//go:build browser

package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A page is a tab of the browser, as a person sees it. When its test ends, the page has written no error to the console, has
// broken no rule of its Content-Security-Policy, and has asked nobody but its robot's server for anything.
type page struct {
	t       testing.TB
	address string // of its server
	context context.Context
	close   context.CancelFunc

	mu       sync.Mutex
	said     []string // errors and warnings on the console
	asked    []string // addresses
	sent     []string // what it has sent on WebSockets
	expected *regexp.Regexp
}

// open opens a page in a separate profile, and waits until it is loaded. Its faults are those of the test.
func open(t testing.TB, address string, prepare ...chromedp.Action[chromedp.Void]) *page {
	t.Helper()
	p := openTab(t, address, prepare...)
	t.Cleanup(p.finish)
	return p
}

func openTab(t testing.TB, address string, prepare ...chromedp.Action[chromedp.Void]) *page {
	t.Helper()
	p := &page{t: t, address: address}
	p.context, p.close = chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	t.Cleanup(p.close)
	// No deadline here: the context of the first action is the life of the tab.
	if err := chromedp.Do(p.context, chromedp.EmulateViewport(1440, 900)); err != nil {
		t.Fatal("no tab: ", err)
	}
	p.do(prepare...)
	p.do(chromedp.Navigate(address))
	return p
}

// listen notes what the page must not do.
func (p *page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning &&
			e.Type != runtime.ConsoleAPICalledTypeAssert {
			return
		}
		var words []string
		for _, one := range e.Args {
			words = append(words, fmt.Sprint(one.Description, string(one.Value)))
		}
		p.said = append(p.said, strings.Join(words, " "))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		p.said = append(p.said, text)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.said = append(p.said, e.Entry.Text+" "+e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		p.asked = append(p.asked, e.Request.URL)
	case *network.EventWebSocketFrameSent:
		p.sent = append(p.sent, string(e.Response.PayloadData))
	case *network.EventWebSocketCreated:
		p.asked = append(p.asked, e.URL)
	}
}

// expect allows what matches on the console: a browser reports a lost connection as an error, whatever the page does.
func (p *page) expect(pattern string) { p.expected = regexp.MustCompile(pattern) }

// lost is what a browser says when a server is away.
const lost = `WebSocket connection to .* failed|net::ERR_CONNECTION_REFUSED|net::ERR_CONNECTION_RESET|net::ERR_EMPTY_RESPONSE`

// faults lists what the page must not have done so far.
func (p *page) faults() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.said {
		if p.expected == nil || !p.expected.MatchString(one) {
			all = append(all, "on the console: "+one)
		}
	}
	for _, one := range p.asked {
		if !p.own(one) {
			all = append(all, "it asked for "+one)
		}
	}
	if len(p.asked) == 0 {
		all = append(all, "it asked for nothing: this test does not see requests")
	}
	return all
}

// finish reports what the page must not have done, and leaves a picture if the test failed.
func (p *page) finish() {
	for _, one := range p.faults() {
		p.t.Errorf("%s: %s", p.address, one)
	}
	if p.t.Failed() {
		p.picture()
	}
}

// own reports whether an address is at the server of the page.
func (p *page) own(address string) bool {
	if strings.HasPrefix(address, "data:") || strings.HasPrefix(address, "blob:") {
		return true
	}
	to, err := url.Parse(address)
	server, err2 := url.Parse(p.address)
	return err == nil && err2 == nil && to.Host == server.Host
}

var notFile = regexp.MustCompile(`[^A-Za-z0-9]+`)

// picture writes what the page shows into a file.
func (p *page) picture() {
	ctx, cancel := context.WithTimeout(p.context, time.Minute)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Log("no picture: ", err)
		return
	}
	file := filepath.Join(*pictures, "fluxd-"+notFile.ReplaceAllString(p.t.Name(), "-")+time.Now().Format("-150405.000")+".png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		p.t.Log("no picture: ", err)
		return
	}
	p.t.Log("the page at the end: ", file)
}

// do carries out actions, within a deadline.
func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.context, *patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// eval returns the value of an expression, which may be a promise.
func eval[T any](p *page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.context, *patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// await waits until an expression is true. It polls from outside: a hidden page gets no frames, and a busy one few.
func (p *page) await(what, expression string) {
	p.t.Helper()
	eventually(p.t, what, func() bool { return eval[bool](p, "Boolean("+expression+")") })
}

// quote makes a string of JavaScript.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// first is an expression for the first element that a selector finds.
func first(selector string) string { return "document.querySelector(" + quote(selector) + ")" }

// see waits until an element is visible.
func (p *page) see(selector string) {
	p.t.Helper()
	p.await("to see "+selector, first(selector)+"?.checkVisibility()")
}

// click waits for an element, and clicks it as a mouse does: what lies over it would get the click.
func (p *page) click(selector string) { p.t.Helper(); p.hit(selector, first(selector)) }

// text returns the text of an element, or nothing if there is no such element.
func (p *page) text(selector string) string {
	p.t.Helper()
	return eval[string](p, first(selector)+"?.innerText ?? ''")
}

// data returns a data- attribute of the first element that a selector finds, or nothing.
func (p *page) data(selector, name string) string {
	p.t.Helper()
	return eval[string](p, first(selector)+"?.getAttribute("+quote("data-"+name)+") ?? ''")
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(*patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for ", what)
		}
	}
}
