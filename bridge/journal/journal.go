// Package journal makes events of what users do with a robot, at most one a second of each kind and user: a slider that sends ten
// changes a second becomes one event a second, with the latest values.
//
//	j := journal.New(publish)
//	if entry, changes := journal.Of("set", "ann", request, response); changes {
//		j.Note(entry, now) // the first is published at once
//	}
//	j.Flush(now) // once a second
package journal

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"fluxd/bridge/protocol"
)

// Limits of what is remembered, so that no client can fill the memory.
const (
	mostKeys  = 64  // kinds of one user; further users are noted together
	mostItems = 8   // that an event names
	mostHeld  = 256 // leases
)

// several stands for the users for whom there is no room.
const several = "several users"

// An Entry is what a user has done.
type Entry struct {
	Kind   protocol.EventKind
	User   string
	Detail string        // behind the user's name: ", revision 3"
	Items  []Item        // what was changed
	Hold   time.Duration // the same again within this time is no event: a lease that is renewed
}

// An Item is what was changed, and to what.
type Item struct{ Subject, Text string }

// A Journal combines entries. It may be used from any goroutine.
type Journal struct {
	publish func(kind protocol.EventKind, text string)

	mutex sync.Mutex
	open  map[key]*gathered
	held  map[heldKey]heldText
}

type key struct {
	kind protocol.EventKind
	user string
}

// gathered is what a user has done since the last event about it.
type gathered struct {
	times  int // 0: nothing
	detail string
	items  map[string]string // texts by subject
	others int               // changes of subjects for which there is no room
}

type heldKey struct {
	key
	subject string
}

type heldText struct {
	text  string
	until time.Duration
}

// New returns an empty journal.
func New(publish func(kind protocol.EventKind, text string)) *Journal {
	return &Journal{publish: publish, open: map[key]*gathered{}, held: map[heldKey]heldText{}}
}

// Note adds an entry. It is published now if there was none of its kind and user in the last second, otherwise with the next
// Flush.
func (j *Journal) Note(e Entry, now time.Duration) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	k := key{e.Kind, e.User}
	if e.Hold > 0 && j.renews(k, e, now) {
		return
	}
	g, known := j.open[k]
	if !known && len(j.open) >= mostKeys {
		k.user = several
		g, known = j.open[k]
	}
	if !known {
		g = &gathered{}
		j.open[k] = g
	}
	g.add(e)
	if !known {
		j.release(k, g)
	}
}

// renews reports whether all items are as they were, within their hold, and holds them for longer.
func (j *Journal) renews(k key, e Entry, now time.Duration) bool {
	same := true
	for _, i := range e.Items {
		at := heldKey{k, i.Subject}
		before, known := j.held[at]
		same = same && known && before.text == i.Text && now < before.until
		if known || len(j.held) < mostHeld {
			j.held[at] = heldText{i.Text, now + e.Hold}
		}
	}
	return same
}

func (g *gathered) add(e Entry) {
	if g.items == nil {
		g.items = map[string]string{}
	}
	g.times++
	g.detail = e.Detail
	for _, i := range e.Items {
		if _, known := g.items[i.Subject]; known || len(g.items) < mostItems {
			g.items[i.Subject] = i.Text
		} else {
			g.others++
		}
	}
}

// release publishes what was gathered.
func (j *Journal) release(k key, g *gathered) {
	var texts []string
	for _, subject := range slices.Sorted(maps.Keys(g.items)) {
		texts = append(texts, strings.TrimSpace(subject+" "+g.items[subject]))
	}
	text := "by " + k.user + g.detail
	if len(texts) > 0 {
		text += ": " + strings.Join(texts, ", ")
	}
	if g.others > 0 {
		text += fmt.Sprintf(", and %d more", g.others)
	}
	if g.times > 1 {
		text += fmt.Sprintf("; %d times in the last second", g.times)
	}
	*g = gathered{}
	j.publish(k.kind, text)
}

// Flush publishes what was gathered since the last Flush. Call it once a second.
func (j *Journal) Flush(now time.Duration) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	maps.DeleteFunc(j.held, func(_ heldKey, h heldText) bool { return now >= h.until })
	sorted := slices.SortedFunc(maps.Keys(j.open), func(a, b key) int {
		return strings.Compare(a.kind.Code()+" "+a.user, b.kind.Code()+" "+b.user)
	})
	for _, k := range sorted {
		if g := j.open[k]; g.times > 0 {
			j.release(k, g)
		} else {
			delete(j.open, k)
		}
	}
}
