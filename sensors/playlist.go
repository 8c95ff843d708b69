package sensors

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"fluxd/splitmix64"
)

// A Part says which rows of a recording are played.
type Part int

// The parts of a recording.
const (
	Whole    Part = iota // all rows, in their order
	Training             // the rows for training, again and again
	Test                 // the other rows, once
)

// String names the part.
func (p Part) String() string { return [...]string{"whole", "training", "test"}[p] }

// A Split divides the rows of a recording into those for training and those for a test.
type Split struct {
	Train  int64  // millionths of the rows that are for training; the number of rows is rounded down
	Random bool   // draw the rows, and play them in the order drawn; else the first rows are for training
	Seed   uint64 // of a random split
}

// A Playlist says when which part of the recorded time is played. All recordings of a robot play the same one, so that what was
// recorded at the same time stays together.
type Playlist struct {
	from   []time.Duration // recorded time at which each row begins
	starts []time.Duration // when each row is played, rising; its last is the end
	loop   bool            // training begins again at its end
}

// Playlist returns one part of a split. Rows keep their durations. Those that end after until are left out: another recording is
// shorter. It fails if a part has no row.
//
// A random split shuffles all rows (Fisher and Yates, from the last row down, with splitmix64 from the seed) and takes the rows
// for training from the front. So it is the same on every machine.
func (t *Timeline) Playlist(split Split, part Part, until time.Duration) (*Playlist, error) {
	var rows []int
	for row := 0; row < t.rows && t.Start(row+1) <= until; row++ {
		rows = append(rows, row)
	}
	if split.Random {
		random := splitmix64.Random(split.Seed)
		for i := len(rows) - 1; i > 0; i-- {
			j := int(random.Below(uint64(i) + 1))
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	training := int(int64(len(rows)) * split.Train / 1_000_000)
	if training == 0 || training == len(rows) {
		return nil, fmt.Errorf("expected at least one row for training and one for the test, got %d and %d", training,
			len(rows)-training)
	}
	p := &Playlist{starts: []time.Duration{0}, loop: part == Training}
	switch part {
	case Training:
		rows = rows[:training]
	case Test:
		rows = rows[training:]
	case Whole: // in the order of the split
	}
	for i, row := range rows {
		p.from = append(p.from, t.Start(row))
		p.starts = append(p.starts, p.starts[i]+t.Start(row+1)-t.Start(row))
	}
	return p, nil
}

// End is when the last row ends for the first time.
func (p *Playlist) End() time.Duration { return p.starts[len(p.from)] }

// Loops reports whether the playlist begins again at its end.
func (p *Playlist) Loops() bool { return p.loop }

// At returns the recorded time that is played at a time. It reports false before the start, and after the end of a test.
func (p *Playlist) At(at time.Duration) (recorded time.Duration, ok bool) {
	if at < 0 || at >= p.End() && !p.loop {
		return 0, false
	}
	at %= p.End()
	row, exact := slices.BinarySearch(p.starts, at)
	if !exact {
		row-- // the row before has not ended yet
	}
	return p.from[row] + at - p.starts[row], true
}

// An Ending is the end of a row of a recording.
type Ending struct {
	Row int
	At  time.Duration // when it is played; in the first round, if the playlist loops
}

// Endings returns the ends of the rows of a recording within the playlist, in the order in which they are played.
func (p *Playlist) Endings(of *Timeline) (all []Ending) {
	for i, from := range p.from {
		length := p.starts[i+1] - p.starts[i]
		first := sort.Search(of.rows, func(row int) bool { return of.Start(row+1) > from })
		for row := first; row < of.rows && of.Start(row+1) <= from+length; row++ {
			all = append(all, Ending{row, p.starts[i] + of.Start(row+1) - from})
		}
	}
	return all
}

// Coarsest returns the timeline whose rows last longest on average, the first of several, and the time at which the shortest
// recording ends. A split divides its rows: so no row of another recording is in both parts, but for one that reaches over a
// border.
func Coarsest(all []*Timeline) (coarsest *Timeline, until time.Duration) {
	for i, t := range all {
		if i == 0 || t.End()/time.Duration(t.rows) > coarsest.End()/time.Duration(coarsest.rows) {
			coarsest = t
		}
		if i == 0 || t.End() < until {
			until = t.End()
		}
	}
	return coarsest, until
}
