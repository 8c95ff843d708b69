//go:build browser

package browser_test

import (
	"context"
	"flag"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var watched = flag.Duration("watched", 40*time.Second, "for how long the page of a busy robot is measured")

// busy is a robot that spikes 20,000 times a second. Its loop has a deadline every millisecond besides.
const busy = `robot: busy
board: {kind: sim}
network:
  neurons: {cell: {count: 1000, noise: {rate: 20 Hz}}, beat: {pacemaker: 1ms}, a: {threshold: 100}}
  synapses: [{from: beat, to: a, weight: 30}]
actuators: {leg: {device: relay, pin: GPIO22, decode: {kind: count, neuron: a, full: 100 Hz, window: 50ms}}}
`

// A load is what a page costs the browser.
type load struct {
	script []float64 // milliseconds of JavaScript a frame, one mean of each second
	frames []float64 // a second
	heap   []float64 // bytes that were in use after forced collections, one of each tenth second
}

// countFrames counts the frames of a page.
const countFrames = `window.frames_ = 0; (function next() { frames_++; requestAnimationFrame(next) })()`

// measure measures a page. The counter of frames is part of its script.
func (p *page) measure(length time.Duration) (l load) {
	p.t.Helper()
	// Processor time, since other programs may have the processor while a script runs.
	p.do(call(performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}))
	eval[chromedp.Void](p, countFrames)
	script, frames := p.script(), eval[float64](p, "frames_")
	for second := 1; second <= int(length/time.Second); second++ {
		began := time.Now()
		time.Sleep(time.Second)
		scriptNow, framesNow := p.script(), eval[float64](p, "frames_")
		if framesNow > frames {
			l.script = append(l.script, (scriptNow-script)*1000/(framesNow-frames))
		}
		l.frames = append(l.frames, (framesNow-frames)/time.Since(began).Seconds())
		script, frames = scriptNow, framesNow
		if second%10 == 0 {
			l.heap = append(l.heap, p.heap())
			script, frames = p.script(), eval[float64](p, "frames_")
		}
	}
	return l
}

// call makes an action of a command of the browser.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// script returns for how long the page has run JavaScript, in seconds.
func (p *page) script() float64 {
	p.t.Helper()
	all, err := chromedp.Call(p.context, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, one := range all.Metrics {
		if one.Name == "ScriptDuration" {
			return one.Value
		}
	}
	p.t.Fatal("the browser does not measure ScriptDuration")
	return 0
}

// heap returns how many bytes are in use after a collection.
func (p *page) heap() float64 {
	p.t.Helper()
	for range 2 { // what the first one only marks as finalizable, the second one frees
		p.do(call(heapprofiler.CollectGarbage, cdp.Empty{}))
	}
	use, err := chromedp.Call(p.context, runtime.GetHeapUsage, cdp.Empty{})
	if err != nil {
		p.t.Fatal(err)
	}
	return use.UsedSize
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// At 20,000 spikes a second the page stays smooth, and does not grow: what it keeps of the past is bounded.
func TestBusyRobot(t *testing.T) {
	r := start(t, busy, places(t)[0])
	p := open(t, r.page)
	p.awaitOnline()
	p.awaitSpikes()
	l := p.measure(*watched)
	seen := p.spikes()
	t.Logf("script %.2f ms a frame (median of seconds), %.0f frames/s, heap %s MB every ten seconds", median(l.script),
		median(l.frames),
		megabytes(l.heap))
	// A bound on a time is for make dashboard-bench, on a machine at rest.
	if got := median(l.script); *watched >= time.Minute && got >= 2 {
		t.Errorf("the script takes %.2f ms a frame: expected less than 2", got)
	}
	// The first half fills what the page keeps of the past.
	early, late := l.heap[len(l.heap)/2-1], slices.Min(l.heap[len(l.heap)/2:])
	if late > early*1.3+1e6 {
		t.Errorf("the heap grows from %.1f MB to %.1f MB at least", early/1e6, late/1e6)
	}
	if seen < 20_000 {
		t.Errorf("the page has drawn %.0f spikes: this test measures too little", seen)
	}
}

func megabytes(all []float64) (text string) {
	for _, one := range all {
		text += strconv.FormatFloat(one/1e6, 'f', 1, 64) + " "
	}
	return text
}
