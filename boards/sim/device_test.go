package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

func TestPinLevelsAndPulls(t *testing.T) {
	p := newPin(4, still)
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
		{"let go", func() error { p.Release(); return nil }, gpio.High, "IN"},
		{"pulled down", func() error { return p.In(gpio.PullDown, gpio.NoEdge) }, gpio.Low, "IN"},
		{"an output", func() error { return p.Out(gpio.High) }, gpio.High, "OUT"},
		{"which the world cannot move", func() error { p.Drive(gpio.Low); return nil }, gpio.High, "OUT"},
		{"and finds as the world has it", func() error { return p.In(gpio.PullUp, gpio.NoEdge) }, gpio.Low, "IN"},
		{"an output once more", func() error { return p.Out(gpio.Low) }, gpio.Low, "OUT"},
		{"let go meanwhile", func() error { p.Release(); return nil }, gpio.Low, "OUT"},
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
	}{{gpio.BothEdges, true, true, 1}, {gpio.RisingEdge, true, false, 1}, {gpio.FallingEdge, false, true, 1}, {gpio.NoEdge, false, false, 0}} {
		t.Run(c.edge.String(), func(t *testing.T) {
			p := newPin(17, still)
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
			for range 5 { // nobody waits: at most one is remembered
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

// Somebody waits while the world moves the line.
func TestEdgeWakesWhoWaits(t *testing.T) {
	p := newPin(17, still)
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

// In a bubble of virtual time: how long each wait takes, and what ends it.
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
				p := newPin(17, still)
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
	p := newPin(12, still)
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

// Whatever the others do to a pin, its duty and frequency belong together, no call fails, and afterwards it works as a new one.
func TestPinFromManyGoroutines(t *testing.T) {
	p := newPin(1, still)
	var group sync.WaitGroup
	for turn := range 4 {
		duty, frequency := gpio.DutyMax/gpio.Duty(turn+2), physic.Frequency(turn+2)*physic.KiloHertz
		group.Go(func() {
			for k := range 200 {
				err := errors.Join(p.In(gpio.PullUp, gpio.BothEdges), p.PWM(duty, frequency))
				p.Drive(k&1 == 0)
				p.Read()
				p.WaitForEdge(0)
				if duty, frequency := p.PWMState(); duty != gpio.DutyMax/gpio.Duty(max(1, frequency/physic.KiloHertz)) && frequency != 0 || frequency == 0 && duty != 0 {
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

// The sensor, opcode by opcode. Light is 400 lx unless said otherwise.
func TestBH1750(t *testing.T) {
	type step struct {
		at   int // ms
		send []byte
		want int // the register after it, -1: not read
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"off it shows nothing", []step{{0, nil, 0}, {500, nil, 0}}},
		{"continuous high resolution: 480 counts after 180 ms", []step{{0, []byte{0x01}, -1}, {0, []byte{0x10}, -1}, {179, nil, 0}, {180, nil, 480}, {500, nil, 480}}},
		{"high resolution 2: twice the counts", []step{{0, []byte{0x11}, -1}, {180, nil, 960}}},
		{"low resolution: after 24 ms", []step{{0, []byte{0x13}, -1}, {23, nil, 0}, {24, nil, 480}}},
		{"the same command again does not start anew", []step{{0, []byte{0x13}, -1}, {20, []byte{0x13}, -1}, {24, nil, 480}}},
		{"another one does", []step{{0, []byte{0x13}, -1}, {20, []byte{0x10}, -1}, {199, nil, 0}, {200, nil, 480}}},
		{"one shot: measures once, then is off", []step{{0, []byte{0x23}, -1}, {24, nil, 480}, {100, []byte{0x07}, -1}, {200, nil, 480}}},
		{"reset clears the register while on", []step{{0, []byte{0x13}, -1}, {30, nil, 480}, {31, []byte{0x07}, 0}}},
		{"power down keeps the register and stops measuring", []step{{0, []byte{0x13}, -1}, {30, nil, 480}, {31, []byte{0x00}, 480}, {32, []byte{0x07}, 480}}},
		{"measurement time register: 138 is twice as sensitive and slow", []step{{0, []byte{0x44}, -1}, {0, []byte{0x6a}, -1}, {0, []byte{0x10}, -1}, {359, nil, 0}, {360, nil, 960}}},
		{"its upper bits alone: 133 for 69", []step{{0, []byte{0x44}, -1}, {0, []byte{0x10}, -1}, {346, nil, 0}, {347, nil, 925}}},
		{"its lower bits alone: 74 for 69", []step{{0, []byte{0x6a}, -1}, {0, []byte{0x10}, -1}, {193, nil, 0}, {194, nil, 514}}},
		{"31, by way of 5, which is out of range", []step{{0, []byte{0x40}, -1}, {0, []byte{0x7f}, -1}, {0, []byte{0x10}, -1}, {80, nil, 0}, {81, nil, 215}}},
		{"a measurement time out of range is ignored", []step{{0, []byte{0x40}, -1}, {0, []byte{0x61}, -1}, {0, []byte{0x10}, -1}, {180, nil, 480}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewBH1750(func(time.Duration) int64 { return 400_000_000 })
			for _, step := range c.steps {
				at := time.Duration(step.at) * time.Millisecond
				if step.send != nil {
					if err := s.Tx(at, step.send, nil); err != nil {
						t.Fatal(err)
					}
				}
				if step.want < 0 {
					continue
				}
				var r [2]byte
				if err := s.Tx(at, nil, r[:]); err != nil {
					t.Fatal(err)
				}
				if got := int(r[0])<<8 | int(r[1]); got != step.want {
					t.Errorf("at %d ms: %d, want %d", step.at, got, step.want)
				}
			}
		})
	}
}

func TestBH1750Limits(t *testing.T) {
	light := int64(0)
	s := NewBH1750(func(time.Duration) int64 { return light })
	read := func(at time.Duration) int {
		var r [2]byte
		if err := s.Tx(at, []byte{0x13}, r[:]); err != nil {
			t.Fatal(err)
		}
		return int(r[0])<<8 | int(r[1])
	}
	read(0)
	for i, c := range []struct {
		lux  int64
		want int
	}{{0, 0}, {1, 0}, {7, 5}, {100_000, 65535}, {3, 0}} {
		light = c.lux * 1_000_000
		if got := read(time.Duration(i+1) * 24 * time.Millisecond); got != c.want {
			t.Errorf("%d lx in the low resolution: %d, want %d", c.lux, got, c.want)
		}
	}
	if err := s.Tx(0, []byte{0xff}, nil); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("an opcode that it does not have: %v", err)
	}
	if err := s.Tx(0, []byte{0x01, 0x10}, nil); !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), "one opcode") {
		t.Errorf("two opcodes in one transaction: %v", err)
	}
}

func Example() {
	now := time.Duration(0)
	board := New(func() time.Duration { return now })
	arena := NewArena(board, ArenaOpts{Seed: 1})
	before := arena.State()

	// Both wheels half ahead, for a second.
	for _, name := range []string{"GPIO13", "GPIO12"} {
		wheel, err := board.Pin(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		wheel.PWM(gpio.DutyHalf, 20*physic.KiloHertz)
	}
	now += time.Second
	arena.Advance(now)
	after := arena.State()
	fmt.Printf("%.2f m/s, %.2f m nearer to the wall ahead\n", after.Left, before.Ahead-after.Ahead)
	// Output: 0.25 m/s, 0.24 m nearer to the wall ahead
}

func still() time.Duration { return 0 }

// Edges keep their times and their order, whoever made them and however late they are taken.
func TestPinKeepsEdgesWithTheirTimes(t *testing.T) {
	now := time.Duration(0)
	p := newPin(17, func() time.Duration { return now })
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
	p := newPin(17, still)
	if err := p.In(gpio.PullDown, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	for i := range edgeRoom + 10 {
		p.Drive(i&1 == 0)
	}
	kept := 0
	for _, _, ok := p.NextEdge(0); ok; _, _, ok = p.NextEdge(0) {
		kept++
	}
	if kept != edgeRoom || p.LostEdges() != 10 {
		t.Errorf("kept %d, lost %d", kept, p.LostEdges())
	}
}

// In a bubble of virtual time: who waits gets an edge that was scheduled when its time has come.
func TestNextEdgeWaitsForWhatIsScheduled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := newPin(17, func() time.Duration { return time.Since(start) })
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
	p := newPin(23, func() time.Duration { return now })
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
