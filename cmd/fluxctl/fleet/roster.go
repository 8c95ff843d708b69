// Package fleet finds many robots, at one broker or at several, and stops, lists and watches them.
//
//	roster := fleet.Open(ctx, []fleet.Source{{Target: target}}, fleet.Options{})
//	defer roster.Close()
//	err := roster.Settle(ctx)
//	for _, r := range roster.Robots() {
//		fmt.Println(r.Name, r.State(time.Now()))
//	}
//
// A robot is found by its retained status or, at the hub of a NATS fleet, where nothing is retained, by its health.
package fleet

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/internal/picture"
	"fluxd/cmd/internal/printable"
)

// MaxRobots bounds how many robots a roster has. Any client of an open broker may make up robots.
const MaxRobots = 4096

const (
	// settleLeast is how long Settle listens for the health of robots of which nothing is retained. Robots publish it once a second.
	settleLeast = 1500 * time.Millisecond
	// settleMost is how long it listens for the health of a robot that is known.
	settleMost = silence
)

// Source is a broker with robots.
type Source struct {
	Target   link.Target
	Robot    string // a robot that is known to be there; "": none
	Optional bool   // that there is no such broker is no error
}

// Options configure a roster.
type Options struct {
	Match func(name string) bool // which robots count; nil: all

	// Extra are filters to subscribe to beside those for status and health. Seen is called for each message, after the roster has
	// taken it in, one at a time for each broker. It must not wait for anything.
	Extra []string
	Seen  func(r *Robot, m paho.Message)
	// Found is called once for each robot whose name can be one, as soon as it is known. It must not wait for anything.
	Found func(r *Robot)
}

// Roster is a list of robots that is kept up to date until Close.
type Roster struct {
	options Options
	sources []Source
	cancel  context.CancelFunc
	workers sync.WaitGroup
	ready   chan struct{} // closed when each source has answered, or has failed

	mutex    sync.Mutex
	robots   map[key]*Robot
	brokers  []*link.Broker
	away     map[string]bool // brokers that are lost at present, by name
	failed   []error
	usage    error // the command line names a broker wrongly
	leftOut  int   // robots for which there is no room
	readyAt  time.Time
	attempts int // sources that are still to answer
}

// key is a robot at a broker: two brokers may have robots of the same name.
type key struct {
	source int
	name   string
}

// Open begins to connect to all sources at the same time. It does not wait for them.
func Open(ctx context.Context, sources []Source, o Options) *Roster {
	if o.Match == nil {
		o.Match = func(string) bool { return true }
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &Roster{options: o, sources: sources, cancel: cancel, ready: make(chan struct{}), robots: map[key]*Robot{},
		away: map[string]bool{}, attempts: len(sources)}
	for i, s := range sources {
		if s.Robot != "" {
			r.add(key{i, s.Robot}, nil)
		}
		r.workers.Go(func() { r.follow(ctx, i, s) })
	}
	if len(sources) == 0 {
		r.readyAt = time.Now()
		close(r.ready)
	}
	return r
}

// Close disconnects from all brokers.
func (r *Roster) Close() {
	r.cancel()
	r.workers.Wait()
}

// follow connects to a source and keeps its robots up to date until the context ends.
func (r *Roster) follow(ctx context.Context, index int, s Source) {
	broker, err := link.Dial(ctx, s.Target)
	if err == nil {
		defer broker.Close()
		r.mutex.Lock()
		r.brokers = append(r.brokers, broker)
		r.mutex.Unlock()
		subscribed := r.subscribe(index, broker)
		if s.Robot != "" { // not later: nothing is waited for before a stop is sent
			r.reached(key{index, s.Robot}, broker)
		}
		if err = broker.Granted(ctx, subscribed); err == nil { // the first token of Connected is of this connection
			select {
			case <-broker.Connected:
			case <-ctx.Done():
			}
		}
	}
	if err != nil {
		r.fail(ctx, index, s, err)
		r.answered()
		return
	}
	r.answered()
	for {
		select {
		case <-ctx.Done():
			return
		case <-broker.Connected: // the broker does not keep subscriptions over a lost connection
			if broker.Granted(ctx, r.subscribe(index, broker)) == nil {
				r.setAway(broker.Name, false)
			}
		case <-broker.Lost:
			r.setAway(broker.Name, true)
		}
	}
}

func (r *Roster) subscribe(index int, broker *link.Broker) paho.Token {
	filters := map[string]byte{protocol.Topics("+").Status(): 0, protocol.Topics("+").Health(): 0}
	for _, one := range r.options.Extra {
		filters[one] = 0
	}
	return broker.SubscribeMultiple(filters, func(_ paho.Client, m paho.Message) { r.take(index, broker, m, time.Now()) })
}

// answered counts a source that has answered, or has failed.
func (r *Roster) answered() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.attempts--; r.attempts == 0 {
		r.readyAt = time.Now()
		close(r.ready)
	}
}

func (r *Roster) setAway(name string, away bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.away[name] = away
}

// fail notes why a source does not answer.
func (r *Roster) fail(ctx context.Context, index int, s Source, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if known := r.robots[key{index, s.Robot}]; known != nil && ctx.Err() == nil {
		known.Failure = err
	}
	switch {
	case outcome.Code(err) == outcome.Usage:
		r.usage = err
	case !s.Optional && s.Robot == "":
		r.failed = append(r.failed, err)
	}
}

// add adds a robot that is not known yet. It returns nil if there is no room for it.
func (r *Roster) add(at key, broker *link.Broker) *Robot {
	name := printable.Line(at.name)
	if !r.options.Match(name) {
		return nil
	}
	r.mutex.Lock()
	if len(r.robots) >= MaxRobots {
		r.leftOut++
		r.mutex.Unlock()
		return nil
	}
	s := r.sources[at.source]
	one := &Robot{Name: name, Topics: topicsOf(at.name), Broker: broker, Place: place(s.Target)}
	r.robots[at] = one
	r.mutex.Unlock()
	if broker != nil && one.Topics != "" && r.options.Found != nil {
		r.options.Found(one)
	}
	return one
}

// reached notes that the broker of a known robot has answered.
func (r *Roster) reached(at key, broker *link.Broker) {
	r.mutex.Lock()
	one := r.robots[at]
	if one != nil {
		one.Broker = broker
	}
	r.mutex.Unlock()
	if one != nil && one.Topics != "" && r.options.Found != nil {
		r.options.Found(one)
	}
}

// take takes a message in.
func (r *Roster) take(index int, broker *link.Broker, m paho.Message, now time.Time) {
	levels := strings.Split(m.Topic(), "/")
	if len(levels) < 3 || levels[0] != protocol.Root || levels[1] == "" {
		return
	}
	at := key{index, levels[1]}
	r.mutex.Lock()
	one := r.robots[at]
	r.mutex.Unlock()
	about := strings.Join(levels[2:], "/")
	if one == nil {
		if about != "status" && about != "tele/health" || len(m.Payload()) == 0 { // an empty one clears what was retained
			return
		}
		if one = r.add(at, broker); one == nil {
			return
		}
	}
	switch about {
	case "status":
		var s protocol.Status
		if printable.Decode(m.Payload(), &s) == nil {
			r.mutex.Lock()
			one.Status, one.statusAt = &s, now
			r.mutex.Unlock()
		}
	case "tele/health":
		var h protocol.Health
		if printable.Decode(m.Payload(), &h) == nil {
			r.mutex.Lock()
			if one.Health = &h; !m.Retained() {
				one.heardAt = now
			}
			r.mutex.Unlock()
		}
	}
	if r.options.Seen != nil {
		r.options.Seen(one, m)
	}
}

// place returns a broker's URL without user and password, for people.
func place(t link.Target) string {
	scheme, rest, _ := strings.Cut(t.URL, "://")
	return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:]
}

// Robots returns copies of all robots that match, sorted by name.
func (r *Roster) Robots() []*Robot {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var all []*Robot
	for _, one := range r.robots {
		copied := *one
		all = append(all, &copied)
	}
	byName(all, picture.Natural)
	return all
}

// LeftOut returns how many messages were of robots for which there was no room.
func (r *Roster) LeftOut() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.leftOut
}

// Away returns the names of the brokers to which the connection is lost at present.
func (r *Roster) Away() (names []string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for name, away := range r.away {
		if away {
			names = append(names, name)
		}
	}
	return names
}

// Settle waits until the list is complete: until each broker has answered, and each robot that is known and not offline has
// published its health. It returns an error if a broker was named that does not answer. A robot whose own broker does not answer
// is Unreachable, which is no error.
func (r *Roster) Settle(ctx context.Context) error {
	select {
	case <-r.ready:
	case <-ctx.Done():
		return outcome.Absentf("interrupted")
	}
	if err := r.problem(); err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !r.settled(time.Now()) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return outcome.Absentf("interrupted")
		}
	}
	return nil
}

// settled reports whether the list is complete.
func (r *Roster) settled(now time.Time) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.readyAt.IsZero() {
		return false
	}
	since := now.Sub(r.readyAt)
	if len(r.brokers) == 0 || since >= settleMost {
		return true
	}
	for _, one := range r.robots {
		if one.State(now) == Silent {
			return false
		}
	}
	return since >= settleLeast
}

// problem returns why brokers that were named do not answer.
func (r *Roster) problem() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	switch {
	case r.usage != nil:
		return r.usage
	case len(r.failed) > 0:
		return outcome.Failure{Exit: outcome.Absent, Err: errors.Join(r.failed...)}
	}
	return nil
}

// None is the error of a search that has found no robot.
func (r *Roster) None() error {
	var places []string
	for _, s := range r.sources {
		places = append(places, place(s.Target))
	}
	return outcome.Absentf("no robot that was asked for at %s: is fluxd running, and connected to it? %s",
		strings.Join(places, ", "), "fluxctl list shows all robots")
}
