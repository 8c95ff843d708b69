package bridge

// recentIDs remembers the latest ids of requests, to recognise a second delivery.
type recentIDs struct {
	known map[string]bool
	order []string // a ring; once it is full, the oldest id is at next
	next  int
}

func newRecentIDs(capacity int) *recentIDs {
	return &recentIDs{known: make(map[string]bool), order: make([]string, capacity)}
}

// add remembers an id. It returns false if the id is known already.
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
