package lab

import (
	"encoding/csv"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"fluxd/configs"
)

// flinches lets habituate live in a world, and returns how often it drew back in a phase.
func flinches(t *testing.T, world string, trials int, set ...string) func(phase string) []int {
	t.Helper()
	robot, err := configs.LoadWith("habituate", configs.Changes{World: world})
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(101)
	e := &Experiment{Config: robot, Seed: seed, Network: &seed, Trials: trials, Episodes: 1, Jobs: 2, Set: set,
		Log: slog.New(slog.DiscardHandler)}
	all := e.trialsOf(t)
	return func(phase string) (counts []int) {
		for _, one := range all {
			n := 0
			for i := range 10 {
				if seconds, is := one.Episodes[0].State[fmt.Sprintf("%s_%02d_s", phase, i+1)]; is && seconds >= 0 {
					n++
				}
			}
			counts = append(counts, n)
		}
		return counts
	}
}

// between fails if one of the robots drew back less or more often. It returns a row for the table.
func between(t *testing.T, what string, counts []int, least, most int) figure {
	t.Helper()
	low, high := slices.Min(counts), slices.Max(counts)
	if low < least || high > most {
		t.Errorf("%s: it drew back from %d to %d touches, want %d to %d", what, low, high, least, most)
	}
	return figure{what, fmt.Sprintf("draws back from %d to %d (%d robots)", low, high, len(counts))}
}

// habituates measures what habituate shows of the characteristics of habituation, with their numbers in Rankin and others 2009.
func habituates(trials int) func(*testing.T) []figure {
	return func(t *testing.T) []figure {
		usual := flinches(t, "", trials)
		rare := flinches(t, "testdata/rare.yaml", trials)
		noises := flinches(t, "testdata/noises.yaml", trials)
		weak := flinches(t, "", trials, "touch.encode.weight=150")
		strong := flinches(t, "", trials, "touch.encode.weight=250")
		return []figure{
			between(t, "ten touches, 20 s apart (1: the answer decreases)", usual("touches"), 4, 6),
			between(t, "ten more after half an hour of rest (2: spontaneous recovery)", usual("after_rest"), 4, 6),
			between(t, "ten touches, 2 minutes apart (4: decreases less)", rare("touches"), 9, 10),
			between(t, "ten weak touches (5: decreases sooner)", weak("touches"), 2, 3),
			between(t, "ten strong touches (5: decreases later)", strong("touches"), 6, 8),
			between(t, "a noise after ten touches (7: the decrease is that of touches only)", usual("noise"), 1, 1),
			between(t, "ten touches after a noise (8: dishabituation)", usual("after_noise"), 3, 4),
			between(t, "ten touches after the second noise (9: less so)", noises("after_second"), 1, 2),
			between(t, "ten touches after the fourth noise (9: less so)", noises("after_fourth"), 0, 2),
		}
	}
}

// The same in short: two robots.
func TestHabituateInShort(t *testing.T) {
	t.Parallel() // in virtual time
	habituates(2)(t)
}

// An answer that decreases does so touch by touch: the wheels turn back for a shorter time.
func TestHabituationIsGradual(t *testing.T) {
	t.Parallel() // in virtual time
	robot, err := configs.Load("habituate")
	if err != nil {
		t.Fatal(err)
	}
	spikes := t.TempDir() + "/spikes.csv"
	seed := uint64(101)
	e := &Experiment{Config: robot, Seed: seed, Network: &seed, Trials: 1, Episodes: 1, Jobs: 1, For: 170 * time.Second,
		Spikes: spikes, Log: slog.New(slog.DiscardHandler)}
	e.trialsOf(t)
	counts := volleys(t, spikes, "shy", time.Second)
	if len(counts) < 7 || counts[0] != 5 || counts[len(counts)-1] > 2 {
		t.Fatalf("spikes for each touch: %v, want 5 at first and 1 or 2 at last", counts)
	}
	for i := 1; i < len(counts); i++ {
		if counts[i] > counts[i-1]+1 { // chance may add one
			t.Errorf("spikes for each touch: %v, want fewer and fewer", counts)
		}
	}
}

// volleys returns how many spikes of a neuron come together, in a file of spikes: a pause of some length parts them.
func volleys(t *testing.T, name, neuron string, pause time.Duration) (counts []int) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := -pause
	for _, row := range rows[1:] {
		if row[1] != neuron {
			continue
		}
		us, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		at := time.Duration(us) * time.Microsecond
		if at-last >= pause {
			counts = append(counts, 0)
		}
		counts[len(counts)-1]++
		last = at
	}
	return counts
}
