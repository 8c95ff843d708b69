package sensors_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/sensors"
)

// numbered makes a recording of rows at given times in milliseconds. Its column n counts them.
func numbered(fail func(...any), starts ...int) *sensors.Recording {
	text := strings.Builder{}
	text.WriteString("t,n\n")
	for i, at := range starts {
		fmt.Fprintf(&text, "%d,%d\n", at, i)
	}
	rec, err := sensors.ReadRecording("run.csv", strings.NewReader(text.String()))
	if err != nil {
		fail(err)
	}
	return rec
}

// The random order of ten rows is the same on every machine.
func ExampleTimeline_Playlist() {
	rec := numbered(func(v ...any) { panic(v) }, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	log, err := sensors.NewLog(rec, sensors.LogOpts{Column: "n", Every: 100 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	for _, part := range []sensors.Part{sensors.Training, sensors.Test} {
		list, err := log.Timeline().Playlist(sensors.Split{Train: 700_000, Random: true, Seed: 1}, part, time.Hour)
		if err != nil {
			panic(err)
		}
		log.Play(list)
		fmt.Print(part, ":")
		for at := time.Duration(0); at < time.Second; at += 100 * time.Millisecond {
			if row, ok := log.RowAt(at); ok {
				fmt.Print(" ", row)
			}
		}
		fmt.Println()
	}
	// Output:
	// training: 9 0 1 4 8 2 3 9 0 1
	// test: 7 6 5
}

// Every row is in one part, and lasts as long as it was recorded; a finer recording stays with it.
func TestPartsOfASplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		starts := []int{0}
		for range rapid.IntRange(10, 40).Draw(t, "rows") {
			starts = append(starts, starts[len(starts)-1]+10*rapid.IntRange(1, 30).Draw(t, "tens"))
		}
		coarse := numbered(t.Fatal, starts...)
		log, err := sensors.NewLog(coarse, sensors.LogOpts{Column: "n", Every: ms, Time: &sensors.TimeColumn{Column: "t", Unit: "ms"}})
		if err != nil {
			t.Fatal(err)
		}
		whole := log.Timeline()
		fine, err := coarse.Evenly(10 * ms)
		if err != nil {
			t.Fatal(err)
		}
		split := sensors.Split{Train: 100_000 * rapid.Int64Range(1, 9).Draw(t, "tenths"), Random: rapid.Bool().Draw(t, "random"),
			Seed: rapid.Uint64().Draw(t, "seed")}
		total, played, compared := time.Duration(0), map[int]int{}, 0
		for _, part := range []sensors.Part{sensors.Training, sensors.Test} {
			list, err := whole.Playlist(split, part, whole.End())
			if err != nil {
				t.Fatal(err)
			}
			log.Play(list)
			total += list.End()
			endings := list.Endings(whole)
			for i, ending := range endings {
				row, ok := log.RowAt(ending.At - 1)
				if !ok || row != ending.Row {
					t.Errorf("just before %v row %d is played, %t; want %d, which ends there", ending.At, row, ok, ending.Row)
				}
				if played[row]++; part == sensors.Training && !split.Random && row != i {
					t.Errorf("row %d is played in place %d", row, i)
				}
			}
			compared += len(list.Endings(fine))
			row, ok := log.RowAt(list.End())
			if first, _ := log.RowAt(0); part == sensors.Training && (!ok || row != first) {
				t.Errorf("after the training row %d is played, %t, want the first again: %d", row, ok, first)
			}
			if _, err := log.Sample(list.End()); part == sensors.Test && (ok || !errors.Is(err, io.EOF)) {
				t.Errorf("after the test: %v, want the end", err)
			}
		}
		if total != whole.End() {
			t.Errorf("both parts last %v, the whole %v", total, whole.End())
		}
		for row := range coarse.Rows() {
			if played[row] != 1 {
				t.Errorf("row %d is played %d times", row, played[row])
			}
		}
		if want := min(coarse.Rows(), int(whole.End()/(10*ms))); compared != want {
			t.Errorf("%d rows of the finer recording end in one of the parts, want %d", compared, want)
		}
	})
}

func TestCoarsest(t *testing.T) {
	var all []*sensors.Timeline
	for _, c := range []struct{ rows, every int }{{100, 10}, {9, 100}, {10, 100}} {
		times, err := numbered(t.Fatal, slices.Repeat([]int{0}, c.rows)...).Evenly(time.Duration(c.every) * ms)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, times)
	}
	got, until := sensors.Coarsest(all)
	if got != all[1] || until != 900*ms {
		t.Errorf("got the timeline of %v, until %v", got.End(), until)
	}
	// What only one of the recordings has is left out.
	list, err := all[2].Playlist(sensors.Split{Train: 500_000}, sensors.Test, until)
	if err != nil || list.End() != 500*ms {
		t.Errorf("got %v, %v; want the last five of nine rows", list, err)
	}
}

func TestSplitNeedsRows(t *testing.T) {
	times, err := numbered(t.Fatal, 0, 1).Evenly(ms)
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []int64{0, 400_000, 1_000_000} {
		_, err := times.Playlist(sensors.Split{Train: share}, sensors.Training, times.End())
		expectError(t, err, "at least one row for training and one for the test")
	}
}
