package lab

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"fluxd/configs"
)

// A lesson is what a robot that learns goes through in each trial, each from its own random weights and in its own world.
type lesson struct {
	robot         string
	seed          uint64 // of the first trial's network and world: no number of the robot was chosen on these seeds
	trials        int
	train, test   time.Duration
	episode       time.Duration // of the training; 0: all of it is one episode
	set           []string      // further changes, as PATH=VALUE
	configuration func(*configs.Robot)
}

// experiment returns the experiment of a lesson.
func (l *lesson) experiment(t *testing.T) *Experiment {
	t.Helper()
	robot := load(t, l.robot)
	if l.configuration != nil {
		l.configuration(robot)
	}
	return &Experiment{Config: robot, Fresh: true, For: l.episode, Seed: l.seed, Network: &l.seed, Trials: l.trials, Jobs: 2,
		Train: l.train, Test: l.test, Set: l.set, Log: slog.New(slog.DiscardHandler)}
}

// seeds names the seeds of the trials.
func (l *lesson) seeds() string {
	return fmt.Sprintf("seeds %d to %d", l.seed, l.seed+uint64(l.trials)-1)
}

// reached reports whether an episode has reached the goal of its world.
func reached(e *Episode) bool { return e.World.Reached }

// medianOf returns the median over trials.
func medianOf(all []*Trial, value func(*Trial) float64) float64 {
	var numbers []float64
	for _, one := range all {
		numbers = append(numbers, value(one))
	}
	return newSpread(numbers).median
}

// rangeOf writes the least and the largest number over trials.
func rangeOf(all []*Trial, value func(*Trial) float64) string {
	var numbers []float64
	for _, one := range all {
		numbers = append(numbers, value(one))
	}
	return number(slices.Min(numbers)) + " to " + number(slices.Max(numbers))
}
