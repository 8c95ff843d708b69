package worlds

import (
	"fmt"
	"math"
	"strings"
	"time"

	"fluxd/options"
	"fluxd/splitmix64"
)

var conditioningKind = Kind{
	Name: "conditioning", About: "a bell and a bump, after Pavlov: does the robot back off when the bell rings?",
	New: func() Options { return &ConditioningOpts{} },
}

// ConditioningOpts are the options of the world conditioning.
type ConditioningOpts struct {
	Phases []ConditioningPhase `yaml:"phases" doc:"what the robot goes through, in this order; absent: 3 bells, 10 pairs, 30 bells, half an hour of rest, 10 bells, 5 pairs"`
	Ring   time.Duration       `yaml:"ring" default:"500ms" min:"10ms" max:"1m" doc:"how long the bell rings"`
	Gap    time.Duration       `yaml:"gap" default:"1s" min:"50ms" max:"1m" doc:"time from the beginning of the bell to that of the bump; of backward pairs, the other way round. The robot has as long to answer"`
	Bump   time.Duration       `yaml:"bump" default:"100ms" min:"10ms" max:"1m" doc:"how long a bump lasts"`
	Every  time.Duration       `yaml:"every" default:"20s" min:"100ms" max:"1h" doc:"time from one trial to the next, on average"`
	Vary   float64             `yaml:"vary" default:"0.3" min:"0" max:"0.9" doc:"share by which that time is shorter or longer at random; the gap by a third of the share"`
}

// ConditioningPhase is a row of equal trials.
type ConditioningPhase struct {
	Name   string        `yaml:"name" required:"true" doc:"one word, for the score"`
	Trials int           `yaml:"trials" required:"true" min:"1" max:"1000" doc:"how many"`
	Gives  string        `yaml:"gives" default:"paired" enum:"paired,bell,bump,backward,unpaired" doc:"paired: the bell, then the bump; backward: the bump, then the bell; unpaired: both, far apart; bell, bump: one alone"`
	Rest   time.Duration `yaml:"rest" default:"0s" max:"1h" doc:"time before it in which nothing happens"`
	Every  time.Duration `yaml:"every" default:"0s" max:"1h" doc:"time from one trial to the next, on average; 0s: every of the world"`
}

// classic is the experiment of a world that names no phases: acquisition, extinction and recovery.
var classic = []ConditioningPhase{
	{Name: "before", Trials: 3, Gives: "bell"},
	{Name: "acquisition", Trials: 10, Gives: "paired"},
	{Name: "extinction", Trials: 30, Gives: "bell"},
	{Name: "recovery", Trials: 10, Gives: "bell", Rest: 30 * time.Minute},
	{Name: "again", Trials: 5, Gives: "paired"},
}

func (o *ConditioningOpts) phases() []ConditioningPhase {
	if len(o.Phases) == 0 {
		return classic
	}
	return o.Phases
}

// Check implements Options.
func (o *ConditioningOpts) Check() (mistakes []options.Mistake) {
	names := map[string]bool{}
	for i, p := range o.Phases {
		key := fmt.Sprintf("phases[%d].name", i)
		switch {
		case p.Name == "" || strings.ContainsFunc(p.Name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') &&
				r != '_'
		}):
			mistakes = append(mistakes, options.Wrong(key, "%q: expected small letters, digits and _, such as pairs", p.Name))
		case names[p.Name]:
			mistakes = append(mistakes, options.Wrong(key, "%q: two phases have this name", p.Name))
		}
		names[p.Name] = true
	}
	least := 4 * (o.Gap + o.Ring + o.Bump)
	slow := func(key string, every time.Duration) {
		if every < least {
			mistakes = append(mistakes, options.Wrong(key, "%v: expected at least %v, four times what a trial takes", every, least))
		}
	}
	slow("every", o.Every)
	for i, p := range o.Phases {
		if p.Every != 0 {
			slow(fmt.Sprintf("phases[%d].every", i), p.Every)
		}
	}
	return mistakes
}

func (o *ConditioningOpts) physics(*Robot) physics { return &conditioning{ConditioningOpts: *o} }

// conditioningStep is the step of the world conditioning.
const conditioningStep = 10 * time.Millisecond

// backing is the command of the wheels, on average, below which the robot backs off.
const backing = -0.1

// conditioning is an experimenter who rings a bell and bumps into the robot, and writes down when it backs off. The robot stands
// on the spot: what it does changes nothing of what comes.
type conditioning struct {
	ConditioningOpts
	bumps   []span // sorted
	bells   []ring // sorted; bumps that come alone, too
	end     int64
	steps   int64
	wheels  float64 // command, mean of both
	backs   bool
	bell    int // the next one that has not been judged
	bumping int // the next bump that is not over
}

// span is a stretch of time, in steps: from the first up to but not including the last.
type span struct{ from, to int64 }

// ring is a bell, or a bump that comes alone, and how the robot answered it.
type ring struct {
	span
	silent       bool // a bump
	phase, trial int
	until        int64 // an answer after this does not count
	judged       bool
	answer       int64 // steps from the bell to the robot's backing off; -1: it did not
}

func (s span) has(step int64) bool { return step >= s.from && step < s.to }

func (c *conditioning) step() time.Duration { return conditioningStep }

func (c *conditioning) parts() []part {
	return []part{{Name: "left_wheel", Doc: "the left wheel", Needed: true}, {Name: "right_wheel", Doc: "the right wheel",
		Needed: true}}
}

func (c *conditioning) quantities() []quantity {
	return []quantity{
		{Name: "bell", Doc: "1 while the bell rings"},
		{Name: "contact", Doc: "1 while something bumps into the robot"},
	}
}

func (c *conditioning) sense(_ *Sensor, _ *Mount, what string) (func() float64, error) {
	if what == "bell" {
		return func() float64 { return whether(c.rings()) }, nil
	}
	return func() float64 { return whether(c.bumping < len(c.bumps) && c.bumps[c.bumping].has(c.steps)) }, nil
}

// rings reports whether the bell rings.
func (c *conditioning) rings() bool {
	for i := max(0, c.bell-1); i < len(c.bells) && c.bells[i].from <= c.steps; i++ {
		if c.bells[i].has(c.steps) && !c.bells[i].silent {
			return true
		}
	}
	return false
}

func (c *conditioning) reset(random *splitmix64.Random) {
	*c = conditioning{ConditioningOpts: c.ConditioningOpts}
	about := func(d time.Duration, share float64) int64 {
		return max(1, int64(float64(float64(d/conditioningStep)*random.Between(1-share, 1+share))))
	}
	length := func(d time.Duration) int64 { return max(1, int64(d/conditioningStep)) }
	now := int64(0)
	for i, p := range c.phases() {
		now += int64(p.Rest / conditioningStep)
		pace := p.Every
		if pace == 0 {
			pace = c.Every
		}
		for trial := range p.Trials {
			every, gap := about(pace, c.Vary), about(c.Gap, c.Vary/3)
			now += every / 2 // the middle of the trial
			bell, bump := now, now
			switch p.Gives {
			case "paired":
				bump += gap
			case "backward":
				bell += gap
			case "unpaired": // from a quarter of a trial before the bell, or after it, to half a trial
				apart := int64(float64(float64(every/2-length(c.Bump)) * random.Between(0.5, 1)))
				if random.Below(2) == 0 {
					apart = -apart
				}
				bump += apart
			}
			if p.Gives != "bell" {
				c.bumps = append(c.bumps, span{bump, bump + length(c.Bump)})
			}
			r := ring{span: span{bell, bell + length(c.Ring)}, phase: i, trial: trial, until: bell + gap, answer: -1}
			if p.Gives == "bump" {
				r.span, r.silent = span{bump, bump + length(c.Bump)}, true
			}
			c.bells = append(c.bells, r)
			now += every - every/2
		}
	}
	c.end = now
}

func (c *conditioning) advance(commands []float64) {
	c.steps++
	c.wheels = float64((commands[0] + commands[1]) / 2)
	before := c.backs
	c.backs = c.wheels <= backing
	for c.bumping < len(c.bumps) && c.steps >= c.bumps[c.bumping].to {
		c.bumping++
	}
	if c.bell == len(c.bells) {
		return
	}
	b := &c.bells[c.bell]
	if b.answer < 0 && c.backs && !before && c.steps > b.from && c.steps <= b.until {
		b.answer = c.steps - b.from
	}
	if c.steps >= b.until {
		b.judged = true
		c.bell++
	}
}

func (c *conditioning) over() bool { return c.steps >= c.end }

// length is how long the experiment takes.
func (c *conditioning) length() time.Duration { return time.Duration(c.end) * conditioningStep }

// An outcome is what came of a phase: its bells (or bumps that come alone) so far, which of them the robot answered, and the mean
// time until it did.
type outcome struct {
	bells, answered int
	first           float64 // number of the first one that it answered, from 1; NaN: none
	gone            float64 // number of the first of three in a row that it did not answer; NaN: none
	seconds         float64
}

// inARow is how many bells in a row the robot must ignore until its answer counts as gone.
const inARow = 3

func (c *conditioning) outcome(phase int) outcome {
	o := outcome{first: math.NaN(), gone: math.NaN(), seconds: math.NaN()}
	steps, ignored := int64(0), 0
	for _, b := range c.bells {
		if b.phase != phase || !b.judged {
			continue
		}
		o.bells++
		if b.answer < 0 {
			if ignored++; ignored == inARow && math.IsNaN(o.gone) {
				o.gone = float64(b.trial + 2 - inARow)
			}
			continue
		}
		if o.answered == 0 {
			o.first = float64(b.trial + 1)
		}
		ignored = 0
		o.answered++
		steps += b.answer
	}
	if o.answered > 0 {
		o.seconds = float64(steps) * conditioningStep.Seconds() / float64(o.answered)
	}
	return o
}

func (c *conditioning) score(int64) Score {
	var s Score
	var said []string
	to := " at the bell"
	for i, p := range c.phases() {
		o, what := c.outcome(i), "bell"
		if p.Gives == "bump" {
			to, what = "", "bump"
		}
		share := math.NaN()
		if o.bells > 0 {
			share = float64(o.answered) / float64(o.bells)
			one := fmt.Sprintf("%s %d of %d", p.Name, o.answered, o.bells)
			switch {
			case o.answered == 0:
			case !math.IsNaN(o.gone) && o.gone > o.first:
				one += fmt.Sprintf(" (until %s %.0f)", what, o.gone-1)
			case o.answered < o.bells:
				one += fmt.Sprintf(" (from %s %.0f on)", what, o.first)
			}
			said = append(said, one)
		}
		s.Values = append(s.Values, Value{p.Name, share}, Value{p.Name + "_first", o.first}, Value{p.Name + "_gone", o.gone},
			Value{p.Name + "_s", o.seconds})
	}
	if said == nil {
		s.Text = "no bell or bump yet"
	} else {
		s.Text = "backed off" + to + ": " + strings.Join(said, ", ")
	}
	return s
}

func (c *conditioning) events() []Event { return nil }

// picture has a line for each phase, with a mark for each bell.
func (c *conditioning) picture(columns, rows int) string {
	const name = 12
	if columns < name+10 || rows < len(c.phases()) {
		return ""
	}
	var text strings.Builder
	for i, p := range c.phases() {
		var marks []rune
		for _, b := range c.bells {
			switch {
			case b.phase != i:
			case b.answer >= 0:
				marks = append(marks, '█')
			case b.judged:
				marks = append(marks, '▁')
			default:
				marks = append(marks, '·')
			}
		}
		marks = marks[:min(len(marks), columns-name)]
		fmt.Fprintf(&text, "%-*.*s%s\n", name, name-1, p.Name, string(marks))
	}
	return text.String()
}

// draw draws all: see World.Draw.
func (c *conditioning) draw(d *Drawing) { c.scenery(d) }

// Of the drawing: how wide a bell is, how high the bars are, and how many bells fit between two phases.
const bellWide, bellHigh, phaseGap = 0.02, 0.5, 2

// corner returns the upper right corner of the drawing.
func (c *conditioning) corner() Point {
	phases := 1
	for i := 1; i < len(c.bells); i++ {
		phases += int(oneIf(c.bells[i].phase != c.bells[i-1].phase))
	}
	return Point{X: float64(bellWide * float64(max(1, len(c.bells)+phaseGap*(phases-1)))), Y: bellHigh + 0.1}
}

// figures implements scenic: nothing moves.
func (c *conditioning) figures(d *Drawing) { d.High = c.corner() }

// changes implements changing: each judged bell is drawn.
func (c *conditioning) changes() int64 { return int64(c.bell) }

// scenery implements scenic: a bar for each bell. The sooner the answer, the higher the bar.
func (c *conditioning) scenery(d *Drawing) {
	x, phase := 0.0, -1
	for _, b := range c.bells {
		if b.phase != phase {
			if phase = b.phase; x > 0 {
				x += float64(phaseGap * bellWide)
			}
			d.Label(Point{X: x, Y: bellHigh + 0.02}, c.phases()[phase].Name)
		}
		d.Line(StyleGround, Point{X: x}, Point{X: x + bellWide})
		if b.answer >= 0 {
			left := 1 - float64(b.answer)/float64(b.until-b.from)
			d.Box(StyleGoal, Point{X: x}, Point{X: x + float64(0.8*bellWide), Y: float64(bellHigh * max(0.02, left))})
		}
		x += bellWide
	}
	d.High = c.corner()
}

func (c *conditioning) state() map[string]float64 {
	s := map[string]float64{"bell": whether(c.rings()), "backs_off": whether(c.backs)}
	for _, b := range c.bells {
		if b.judged { // the time of the answer; -1: there was none
			seconds := -1.0
			if b.answer >= 0 {
				seconds = float64(float64(b.answer) * conditioningStep.Seconds())
			}
			s[fmt.Sprintf("%s_%02d_s", c.phases()[b.phase].Name, b.trial+1)] = seconds
		}
	}
	return s
}

// Length returns how long an episode of a world lasts that knows it beforehand; 0 for others.
func Length(w World) time.Duration {
	s, is := w.(*stepped)
	if !is {
		return 0
	}
	known, is := s.physics.(interface{ length() time.Duration })
	if !is {
		return 0
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return known.length()
}
