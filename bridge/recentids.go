package bridge

// memory remembers the latest ids.
type recentIDs struct {
	known map[string]bool
	order []string // a ring, oldest at next once it is full
	next  int
}

func newRecentIDs(capacity int) *recentIDs {
	return &recentIDs{known: make(map[string]bool), order: make([]string, capacity)}
}

// add remembers an id. It reports false when it is known already.
func (m *recentIDs) add(id string) bool {
	if m.known[id] {
		return false
	}
	delete(m.known, m.order[m.next])
	m.order[m.next] = id
	m.known[id] = true
	m.next = (m.next + 1) % len(m.order)
	return true
}
