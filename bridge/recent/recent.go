// Package recent recognises the second delivery of a request, by its id.
package recent

// IDs remembers the latest ids. It belongs to one goroutine.
type IDs struct {
	known map[string]bool
	order []string // a ring; once it is full, the oldest id is at next
	next  int
}

// New remembers so many ids.
func New(capacity int) *IDs {
	return &IDs{known: make(map[string]bool), order: make([]string, capacity)}
}

// Add remembers an id. It returns false if the id is known already.
func (m *IDs) Add(id string) bool {
	if m.known[id] {
		return false
	}
	delete(m.known, m.order[m.next])
	m.order[m.next] = id
	m.known[id] = true
	m.next = (m.next + 1) % len(m.order)
	return true
}
