package sim

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

func TestPinLevelsAndPulls(t *testing.T) {
	p := NewPin("GPIO4", 4, still)
	if p.Pull() != gpio.Float || p.Read() != gpio.Low {
		t.Errorf("at the start: pull %v, %v", p.Pull(), p.Read())
	}
	for _, step := range []struct {
		what string
		do   func() error
		want gpio.Level
		does string
	}{
		{"pulled up", func() error { return p.In(gpio.PullUp, gpio.NoEdge) }, gpio.High, "IN"},
		{"driven low by the world", func() error { p.Drive(gpio.Low); return nil }, gpio.Low, "IN"},
		{"still driven, whatever the pull", func() error { return p.In(gpio.PullUp, gpio.NoEdge) }, gpio.Low, "IN"},
		{"released", func() error { p.Release(); return nil }, gpio.High, "IN"},
		{"pulled down", func() error { return p.In(gpio.PullDown, gpio.NoEdge) }, gpio.Low, "IN"},
		{"an output", func() error { return p.Out(gpio.High) }, gpio.High, "OUT"},
		{"which the world cannot move", func() error { p.Drive(gpio.Low); return nil }, gpio.High, "OUT"},
		{"and finds as the world has it", func() error { return p.In(gpio.PullUp, gpio.NoEdge) }, gpio.Low, "IN"},
		{"an output once more", func() error { return p.Out(gpio.Low) }, gpio.Low, "OUT"},
		{"released meanwhile", func() error { p.Release(); return nil }, gpio.Low, "OUT"},
		{"pulled up again", func() error { return p.In(gpio.PullNoChange, gpio.NoEdge) }, gpio.High, "IN"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := p.Read(); got != step.want || p.Function() != step.does {
			t.Errorf("%s: %v, %s; want %v, %s", step.what, got, p.Function(), step.want, step.does)
		}
	}
}

func TestPinEdges(t *testing.T) {
	for _, c := range []struct {
		edge          gpio.Edge
		rises, falls  bool
		edgesTwoMoves int
	}{{gpio.BothEdges, true, true, 1}, {gpio.RisingEdge, true, false, 1}, {gpio.FallingEdge, false, true, 1},
		{gpio.NoEdge, false, false, 0}} {
		t.Run(c.edge.String(), func(t *testing.T) {
			p := NewPin("GPIO17", 17, still)
			if err := p.In(gpio.PullDown, c.edge); err != nil {
				t.Fatal(err)
			}
			p.Drive(gpio.High)
			if got := p.WaitForEdge(0); got != c.rises {
				t.Errorf("rising: %v", got)
			}
			p.Drive(gpio.High)
			if p.WaitForEdge(0) {
				t.Error("no change, and yet an edge")
			}
			p.Drive(gpio.Low)
			if got := p.WaitForEdge(0); got != c.falls {
				t.Errorf("falling: %v", got)
			}
			for range 5 { // without a wait, at most one is remembered
				p.Drive(gpio.High)
				p.Drive(gpio.Low)
			}
			count := 0
			for p.WaitForEdge(0) {
				count++
			}
			if count != c.edgesTwoMoves {
				t.Errorf("%d edges remembered, want %d", count, c.edgesTwoMoves)
			}
		})
	}
}

// A wait is in progress while the world drives the line.
func TestEdgeWakesWhoWaits(t *testing.T) {
	p := NewPin("GPIO17", 17, still)
	if err := p.In(gpio.PullUp, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	woken := make(chan bool, 2)
	go func() { woken <- p.WaitForEdge(-1) }()
	p.Drive(gpio.Low)
	if !<-woken {
		t.Error("woken without an edge")
	}
	go func() { woken <- p.WaitForEdge(time.Minute) }()
	p.Release()
	if !<-woken {
		t.Error("waited a minute for an edge that was there")
	}
}

// In virtual time: how long each wait takes, and what ends it.
func TestWaitForEdgeEnds(t *testing.T) {
	const never = time.Hour
	for _, c := range []struct {
		name    string
		timeout time.Duration
		then    func(p *Pin) // after a second
		want    bool
		after   time.Duration
	}{
		{"with its timeout", 2 * time.Second, func(*Pin) {}, false, 2 * time.Second},
		{"with an edge", 2 * time.Second, func(p *Pin) { p.Drive(gpio.Low) }, true, time.Second},
		{"with an edge, without a timeout", -1, func(p *Pin) { p.Drive(gpio.Low) }, true, time.Second},
		{"with In", 2 * time.Second, func(p *Pin) { p.In(gpio.PullUp, gpio.BothEdges) }, false, time.Second},
		{"with In, without a timeout", -1, func(p *Pin) { p.In(gpio.PullUp, gpio.BothEdges) }, false, time.Second},
		{"not with an edge of an output", 2 * time.Second, func(p *Pin) { p.Out(gpio.Low); p.Drive(gpio.Low) }, false, 2 * time.Second},
		{"not with Halt", never, func(p *Pin) { p.Halt() }, false, never},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPin("GPIO17", 17, still)
				if err := p.In(gpio.PullUp, gpio.BothEdges); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				go func() {
					time.Sleep(time.Second)
					c.then(p)
				}()
				if got := p.WaitForEdge(c.timeout); got != c.want || time.Since(start) != c.after {
					t.Errorf("%v after %v, want %v after %v", got, time.Since(start), c.want, c.after)
				}
			})
		})
	}
}

func TestPWM(t *testing.T) {
	p := NewPin("GPIO12", 12, still)
	if err := p.PWM(gpio.DutyHalf, 20*physic.KiloHertz); err != nil {
		t.Fatal(err)
	}
	if duty, frequency := p.PWMState(); duty != gpio.DutyHalf || frequency != 20*physic.KiloHertz || p.Function() != "PWM" {
		t.Errorf("%v at %v, %s", duty, frequency, p.Function())
	}
	for _, bad := range []struct {
		duty      gpio.Duty
		frequency physic.Frequency
	}{{-1, physic.Hertz}, {gpio.DutyMax + 1, physic.Hertz}, {0, 0}, {0, -physic.Hertz}} {
		if err := p.PWM(bad.duty, bad.frequency); err == nil {
			t.Errorf("%v at %v was accepted", bad.duty, bad.frequency)
		}
	}
	if duty, _ := p.PWMState(); duty != gpio.DutyHalf {
		t.Errorf("a refused PWM changed the duty to %v", duty)
	}
	if err := p.Halt(); err != nil {
		t.Fatal(err)
	}
	if duty, frequency := p.PWMState(); duty != 0 || frequency != 0 || p.Read() != gpio.Low {
		t.Errorf("halted: %v at %v, %v", duty, frequency, p.Read())
	}
}

// Whatever other goroutines do with a pin, its duty cycle and frequency belong together, no call fails, and afterwards it works
// like new.
func TestPinFromManyGoroutines(t *testing.T) {
	p := NewPin("GPIO1", 1, still)
	var group sync.WaitGroup
	for turn := range 4 {
		duty, frequency := gpio.DutyMax/gpio.Duty(turn+2), physic.Frequency(turn+2)*physic.KiloHertz
		group.Go(func() {
			for k := range 200 {
				err := errors.Join(p.In(gpio.PullUp, gpio.BothEdges), p.PWM(duty, frequency))
				p.Drive(k&1 == 0)
				p.Read()
				p.WaitForEdge(0)
				if duty, frequency := p.PWMState(); duty != gpio.DutyMax/gpio.Duty(max(1, frequency/physic.KiloHertz)) && frequency != 0 ||
					frequency == 0 && duty != 0 {
					t.Errorf("duty %v at %v: those of two calls", duty, frequency)
				}
				if err := errors.Join(err, p.Halt()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if duty, frequency := p.PWMState(); duty != 0 || frequency != 0 {
		t.Errorf("halted by all: duty %v at %v", duty, frequency)
	}
	p.Drive(gpio.High)
	if err := p.In(gpio.PullUp, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	p.Drive(gpio.Low)
	if !p.WaitForEdge(0) || p.Read() != gpio.Low || p.WaitForEdge(0) {
		t.Error("afterwards it does not report one edge")
	}
}

func still() time.Duration { return 0 }

// Edges keep their times and their order, whatever made them and however late they are read.
func TestPinKeepsEdgesWithTheirTimes(t *testing.T) {
	now := time.Duration(0)
	p := NewPin("GPIO17", 17, func() time.Duration { return now })
	if err := p.In(gpio.PullDown, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	take := func(wantAt time.Duration, want gpio.Level) {
		t.Helper()
		if at, level, ok := p.NextEdge(0); !ok || at != wantAt || level != want {
			t.Errorf("%v %v %v, want %v at %v", at, level, ok, want, wantAt)
		}
	}
	none := func() {
		t.Helper()
		if at, level, ok := p.NextEdge(-1); ok {
			t.Errorf("an edge to %v at %v, want none", level, at)
		}
	}
	p.DriveAt(30, gpio.High) // handed in before the one that comes first
	p.DriveAt(10, gpio.High)
	p.DriveAt(20, gpio.Low)
	none()
	if p.Read() != gpio.Low {
		t.Error("high before its time")
	}
	now = 25
	take(10, gpio.High)
	take(20, gpio.Low)
	none()
	now = 40
	p.Drive(gpio.Low) // at 40, behind what was due at 30
	take(30, gpio.High)
	take(40, gpio.Low)
	none()
	p.DriveAt(10, gpio.High) // past
	take(10, gpio.High)
}

func TestPinDropsAndCountsWhatItHasNoRoomFor(t *testing.T) {
	p := NewPin("GPIO17", 17, still)
	if err := p.In(gpio.PullDown, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	for i := range maxEdges + 10 {
		p.Drive(i&1 == 0)
	}
	kept := 0
	for _, _, ok := p.NextEdge(0); ok; _, _, ok = p.NextEdge(0) {
		kept++
	}
	if kept != maxEdges || p.LostEdges() != 10 {
		t.Errorf("kept %d, lost %d", kept, p.LostEdges())
	}
}

// In virtual time: a wait returns a scheduled edge when its time has come.
func TestNextEdgeWaitsForWhatIsScheduled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := NewPin("GPIO17", 17, func() time.Duration { return time.Since(start) })
		if err := p.In(gpio.PullDown, gpio.BothEdges); err != nil {
			t.Fatal(err)
		}
		p.DriveAt(5*time.Second, gpio.High)
		if _, _, ok := p.NextEdge(2 * time.Second); ok || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %v", ok, time.Since(start))
		}
		go func() { time.Sleep(time.Second); p.DriveAt(4*time.Second, gpio.High) }() // an earlier one comes in meanwhile
		if at, _, ok := p.NextEdge(time.Minute); !ok || at != 4*time.Second || time.Since(start) != 4*time.Second {
			t.Errorf("%v at %v after %v", ok, at, time.Since(start))
		}
	})
}

func TestWorldsWatchWhatADriverPutsOut(t *testing.T) {
	now := time.Duration(7)
	p := NewPin("GPIO23", 23, func() time.Duration { return now })
	var seen []move
	p.Watch(func(at time.Duration, level gpio.Level) { seen = append(seen, move{at, level}) })
	for _, level := range []gpio.Level{gpio.Low, gpio.High, gpio.High, gpio.Low} {
		if err := p.Out(level); err != nil {
			t.Fatal(err)
		}
		now++
	}
	if want := []move{{8, gpio.High}, {10, gpio.Low}}; !slices.Equal(seen, want) {
		t.Errorf("saw %v, want %v", seen, want)
	}
}

// A device sees levels, PWM and pulls, and a pin that nothing drives.
func TestPinSignal(t *testing.T) {
	now := time.Duration(0)
	p := NewPin("GPIO4", 4, func() time.Duration { return now })
	expect := func(want Signal) {
		t.Helper()
		if got := p.Signal(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	expect(Signal{Floats: true}) // as at power-up
	p.Out(gpio.High)
	expect(Signal{High: gpio.DutyMax})
	p.PWM(gpio.DutyHalf, 50*physic.Hertz)
	expect(Signal{High: gpio.DutyHalf, Frequency: 50 * physic.Hertz})
	p.PWM(0, 50*physic.Hertz)
	expect(Signal{Frequency: 50 * physic.Hertz})
	p.Halt()
	expect(Signal{})
	p.In(gpio.PullUp, gpio.NoEdge)
	expect(Signal{High: gpio.DutyMax})
	p.In(gpio.Float, gpio.NoEdge)
	p.DriveAt(time.Second, gpio.High)
	expect(Signal{Floats: true})
	now = time.Second
	expect(Signal{High: gpio.DutyMax})
}

// Levels of a pin that nobody reads do not pile up.
func TestUnreadPin(t *testing.T) {
	now := time.Duration(0)
	p := NewPin("GPIO4", 4, func() time.Duration { return now })
	for i := range 10_000 {
		p.DriveAt(now, i%2 == 0)
		now += time.Millisecond
	}
	if len(p.scheduled) > 1 {
		t.Errorf("%d levels wait", len(p.scheduled))
	}
}
