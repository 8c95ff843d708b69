package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/internal/picture"
	"fluxd/cmd/internal/printable"
)

const (
	// Obey is how soon a robot has to obey an emergency stop that was sent to it.
	Obey = time.Second
	// againEvery is how often an emergency stop is sent again to robots that have not obeyed.
	againEvery = 300 * time.Millisecond
)

// Verdict says whether a robot has obeyed an emergency stop.
type Verdict struct {
	Robot string   `json:"robot"`
	State State    `json:"state"`
	Done  bool     `json:"stopped"`
	After *float64 `json:"after_ms,omitempty"` // from when it was sent to this robot until the robot said so
	Why   string   `json:"problem,omitempty"`  // why it has not obeyed, or not in time
	Exit  int      `json:"exit"`
}

// stopping is an emergency stop of one robot.
type stopping struct {
	robot *Robot
	id    string // each attempt adds a number to it
	sent  time.Time
	tries int
	after time.Duration // until it obeyed
	done  bool
	error *protocol.Error
}

// stops are the emergency stops of all robots.
type stops struct {
	mutex sync.Mutex
	all   map[*Robot]*stopping
	queue chan *stopping // to be sent: each robot once at most
	wake  chan struct{}  // one token when something has changed
}

// Stop stops all robots. It sends the stop to each robot in the moment in which it learns its name, before it waits for anything:
// for other robots, other brokers or answers. Robots that seem to be offline get it too. Stop returns when all have obeyed, or
// have had their broker's patience.
func Stop(ctx context.Context, sources []Source, match func(string) bool, warnings io.Writer) ([]Verdict, error) {
	s := &stops{all: map[*Robot]*stopping{}, queue: make(chan *stopping, MaxRobots), wake: make(chan struct{}, 1)}
	ended, cancel := context.WithCancel(ctx)
	var sender sync.WaitGroup
	sender.Go(func() { // a handler of the library must not wait, and a write to a slow broker may
		for {
			select {
			case <-ended.Done():
				return
			case one := <-s.queue:
				s.send(one)
			}
		}
	})
	defer sender.Wait()
	defer cancel()
	roster := Open(ctx, sources, Options{
		Match: match, Extra: []string{protocol.Topics("+").Response("estop")}, Seen: s.seen,
		Found: func(r *Robot) {
			one := &stopping{robot: r, id: uuid.NewString()}
			s.mutex.Lock()
			s.all[r] = one
			s.mutex.Unlock()
			s.queue <- one // has room for each robot
		},
	})
	defer roster.Close()
	if err := s.wait(ctx, roster, patience(sources), warnings); err != nil {
		return nil, err
	}
	return s.verdicts(roster, time.Now())
}

// patience returns the longest patience with a broker.
func patience(sources []Source) (longest time.Duration) {
	for _, s := range sources {
		longest = max(longest, s.Target.Patience)
	}
	return longest
}

// send sends the stop to a robot, under the user's name and without one: a broker may not pass on the former.
func (s *stops) send(one *stopping) {
	s.mutex.Lock()
	now := time.Now()
	if one.sent.IsZero() {
		one.sent = now
	}
	one.tries++
	request := protocol.Request{ID: fmt.Sprintf("%s-%d", one.id, one.tries), Time: now.UnixMilli(), TTL: 30_000}
	broker := one.robot.Broker
	s.mutex.Unlock()
	text, err := json.Marshal(request)
	if err != nil {
		panic(err) // cannot happen: a text and two numbers
	}
	publish(broker, one.robot.Topics, text)
}

func publish(broker *link.Broker, topics protocol.Topics, text []byte) {
	broker.Publish(topics.RequestBy("estop", broker.User), 1, false, text)
	if broker.User != "" {
		broker.Publish(topics.Request("estop"), 1, false, text)
	}
}

// seen looks for signs that a robot has stopped: its answer, or its health.
func (s *stops) seen(r *Robot, m paho.Message) {
	now := time.Now()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	one := s.all[r]
	if one == nil || one.done || one.sent.IsZero() || m.Retained() {
		return
	}
	switch m.Topic() {
	case r.Topics.Response("estop"):
		var answer protocol.Response
		if len(m.Payload()) > protocol.MaxRequest || printable.Decode(m.Payload(), &answer) != nil {
			return
		}
		switch ours := strings.HasPrefix(answer.ID, one.id); {
		case ours && answer.Error != nil:
			one.error = answer.Error
		case ours && answer.Status == protocol.StatusOK, answer.Answers(""): // without an id: to all who have asked
			one.done = true
		}
	case r.Topics.Health():
		var h protocol.Health
		one.done = printable.Decode(m.Payload(), &h) == nil && h.Safety.State == "stopped"
	}
	if one.done {
		one.after = now.Sub(one.sent)
		link.Notify(s.wake)
	}
}

// wait waits until all robots have obeyed, or have had time enough. It sends the stop again to those that have not.
func (s *stops) wait(ctx context.Context, roster *Roster, patience time.Duration, warnings io.Writer) error {
	tick := time.NewTicker(againEvery)
	defer tick.Stop()
	warned := false
	for {
		now := time.Now()
		waiting, late := s.waiting(now, patience)
		if !warned && len(late) > 0 {
			warned = true
			slices.SortFunc(late, picture.Natural)
			fmt.Fprintf(warnings, "fluxctl: not stopped within %v, still trying: %s\n", Obey, names(late))
		}
		select {
		case <-roster.ready:
			if err := roster.problem(); err != nil && len(roster.Robots()) == 0 {
				return err
			}
			if waiting == 0 && roster.settled(now) {
				return nil
			}
		default:
		}
		select {
		case <-ctx.Done():
			return outcome.Absentf("interrupted: robots may still move")
		case <-s.wake:
		case <-time.After(20 * time.Millisecond):
		case <-tick.C:
			s.again()
		}
	}
}

// waiting returns how many robots have not obeyed and have time left, and the names of those that are late.
func (s *stops) waiting(now time.Time, patience time.Duration) (waiting int, late []string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, one := range s.all {
		since := now.Sub(one.sent)
		if one.done {
			continue
		}
		if one.sent.IsZero() || since < max(patience, Obey) {
			waiting++
		}
		if !one.sent.IsZero() && since >= Obey {
			late = append(late, one.robot.Name)
		}
	}
	return waiting, late
}

// again sends the stop again to all robots that have not obeyed.
func (s *stops) again() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, one := range s.all {
		if !one.done && !one.sent.IsZero() {
			select {
			case s.queue <- one:
			default: // the broker is slow: the queue has them already
			}
		}
	}
}

// verdicts returns what became of each robot, sorted by name.
func (s *stops) verdicts(roster *Roster, now time.Time) ([]Verdict, error) {
	if err := roster.problem(); err != nil && len(roster.Robots()) == 0 {
		return nil, err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	byKey := map[string]*stopping{}
	for _, one := range s.all {
		byKey[one.robot.Place+" "+one.robot.Name] = one
	}
	var all []Verdict
	for _, r := range roster.Robots() {
		v := Verdict{Robot: r.Name, State: r.State(now), Exit: outcome.Absent}
		one := byKey[r.Place+" "+r.Name]
		switch {
		case r.Topics == "" || one == nil:
			v.Why = r.problem(now)
			if v.Why == "" {
				v.Why = "its broker has not answered"
			}
		case one.done:
			ms := one.after.Round(100*time.Microsecond).Seconds() * 1e3
			v.Done, v.After, v.Exit = true, &ms, outcome.OK
			if one.after > Obey {
				v.Why, v.Exit = fmt.Sprintf("not within %v", Obey), outcome.Absent
			}
		case one.error != nil:
			v.Why, v.Exit = "refused: "+one.error.Message, outcome.Refused
		case v.State == Offline:
			v.Why = "offline and without an answer: it does not hear its broker, and may still move"
		default:
			v.Why = "no answer: it may still move"
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, roster.None()
	}
	return all, nil
}

// PrintVerdicts prints a line for each robot.
func PrintVerdicts(all []Verdict, out io.Writer) error {
	for _, v := range all {
		text := v.Why
		if v.Done {
			text = fmt.Sprintf("stopped after %.0f ms", *v.After)
			if v.Why != "" {
				text += ": " + v.Why
			}
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", v.Robot, text); err != nil {
			return err
		}
	}
	return nil
}

// Failed returns an error with the worst exit code if a robot has not obeyed in time.
func Failed(all []Verdict) error {
	worst, late, missing := outcome.OK, []string{}, []string{}
	for _, v := range all {
		worst = max(worst, v.Exit)
		switch {
		case v.Exit == outcome.OK:
		case v.Done:
			late = append(late, v.Robot)
		default:
			missing = append(missing, v.Robot)
		}
	}
	if worst == outcome.OK {
		return nil
	}
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d robots have NOT stopped: %s", len(missing), len(all), names(missing)))
	}
	if len(late) > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d robots stopped later than %v: %s", len(late), len(all), Obey, names(late)))
	}
	return outcome.Failure{Exit: worst, Err: fmt.Errorf("%s", strings.Join(parts, "; "))}
}

// names lists names, the first of them.
func names(all []string) string {
	const shown = 20
	if len(all) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:shown], ", "), len(all)-shown)
	}
	return strings.Join(all, ", ")
}
