package diagram

import (
	"fmt"
	"slices"
	"strings"

	"fluxd/boards/header"
)

// headerRows is the number of rows of the header, with two pins each.
const headerRows = 20

// rowOf and onLeft say where a pin of the header is.
func rowOf(position int) int    { return (position - 1) / 2 }
func onLeft(position int) bool  { return position%2 == 1 }
func isSupply(net string) bool  { return !strings.HasPrefix(net, "GPIO") }
func middle(rows []int) float64 { return float64(sum(rows)) / float64(max(1, len(rows))) }

func sum(rows []int) (total int) {
	for _, r := range rows {
		total += r
	}
	return total
}

// place gives each box its side and its rows: near its pins, and none over another one. It returns the number of rows of the
// picture.
func (p *plan) place() int {
	height := map[bool]int{}
	var later []*box // only on a bus, so that any side will do
	put := func(b *box, left bool) {
		b.left = left
		height[left] += len(b.rows) + 1
	}
	for _, b := range p.boxes {
		left, right := 0, 0
		for _, r := range b.rows {
			if pin, found := header.Find(r.net); found && !r.shared {
				if onLeft(pin.Position) {
					left++
				} else {
					right++
				}
			}
		}
		switch {
		case left+right == 0:
			later = append(later, b)
		case left == right:
			put(b, height[true] <= height[false])
		default:
			put(b, left > right)
		}
	}
	for _, b := range later { // on the left, where the buses are, unless it is full there
		n := len(b.rows) + 1
		put(b, height[true]+n <= headerRows+1 || height[true] <= height[false])
	}
	rows := max(headerRows, height[true]-1, height[false]-1)
	for _, left := range []bool{true, false} {
		var side []*box
		for _, b := range p.boxes {
			if b.left == left {
				side = append(side, b)
			}
		}
		slices.SortStableFunc(side, func(a, b *box) int {
			switch x, y := a.wants(), b.wants(); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		free := 0
		for _, b := range side {
			b.first = max(free, int(b.wants()-float64(len(b.rows))/2+0.5))
			free = b.end() + 1
		}
		limit := rows
		for _, b := range slices.Backward(side) {
			b.first = min(b.first, limit-len(b.rows))
			limit = b.first - 1
		}
	}
	return rows
}

// wants returns the row where the middle of a box would be best: at the mean of its pins.
func (b *box) wants() float64 {
	var own, shared []int
	for _, r := range b.rows {
		if pin, found := header.Find(r.net); found {
			if r.shared {
				shared = append(shared, rowOf(pin.Position))
			} else {
				own = append(own, rowOf(pin.Position))
			}
		}
	}
	if len(own) == 0 {
		own = shared
	}
	return middle(own)
}

// A net is one wire on one side of the header: from a pin to all terminals there.
type net struct {
	name  string
	class class
	pin   int   // its position on the header
	from  int   // height of the pin, in units
	to    []int // heights of the terminals, in units, downwards
	lane  int   // of its vertical part, counted from the header
}

// A row of the picture has unit heights: the pins are in its middle, at 0. A wire to the other side passes below its own row, and
// terminals are at heights that no pin and no such wire has. So no two horizontal parts lie on each other.
const (
	units      = 26
	toRight    = 11 // of a wire from the left column to the right side
	toLeft     = 15
	toTerminal = 5
)

// span returns the ends of the vertical part.
func (n *net) span() (top, bottom int) {
	return min(n.from, slices.Min(n.to)), max(n.from, slices.Max(n.to))
}

// nets lists the wires of one side, with their lanes.
func (p *plan) nets(left bool) []*net {
	var all []*net
	by := map[string]*net{}
	for _, b := range p.boxes {
		if b.left != left {
			continue
		}
		for i, r := range b.rows {
			if r.net == "" {
				continue
			}
			n := by[r.net]
			if n == nil {
				n = &net{name: r.net, class: r.class}
				by[r.net] = n
				all = append(all, n)
			}
			n.to = append(n.to, (b.first+i)*units+toTerminal)
		}
	}
	for _, n := range all {
		slices.Sort(n.to)
		n.pin = pinOf(n, left)
		n.from = rowOf(n.pin) * units
		switch {
		case onLeft(n.pin) && !left:
			n.from += toRight
		case !onLeft(n.pin) && left:
			n.from += toLeft
		}
	}
	order(all)
	for i, n := range all {
		n.lane = i
	}
	for _, b := range p.boxes { // which pin of a supply it is, is known only now
		for i := range b.rows {
			if n := by[b.rows[i].net]; b.left == left && n != nil {
				b.rows[i].aside = fmt.Sprintf("%s, pin %d", n.name, n.pin)
			}
		}
	}
	return all
}

// pinOf returns the pin of a net. Of the pins of a supply it is the one on this side, if there is one, that is nearest to the
// middle of the terminals; of several equally near, the upper one.
func pinOf(n *net, left bool) int {
	if pin, found := header.Find(n.name); found {
		return pin.Position
	}
	best, least := 0, 0
	for _, pin := range header.Pins {
		if pin.Name != n.name {
			continue
		}
		far := abs(rowOf(pin.Position)*units - (n.to[0]+n.to[len(n.to)-1])/2)
		if onLeft(pin.Position) != left {
			far += headerRows * units
		}
		if best == 0 || far < least {
			best, least = pin.Position, far
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// order sorts wires by lane, from the header outwards, so that few cross. It begins with an order in which wires that go the same
// way do not cross, and swaps neighbours while that helps.
func order(all []*net) {
	slices.SortStableFunc(all, func(a, b *net) int {
		if x, y := isSupply(a.name), isSupply(b.name); x != y { // supplies run beside the boxes
			if x {
				return 1
			}
			return -1
		}
		down := a.to[0] > a.from
		if other := b.to[0] > b.from; down != other {
			if down {
				return 1
			}
			return -1
		}
		if down {
			return b.from - a.from
		}
		return a.from - b.from
	})
	for swapped := true; swapped; {
		swapped = false
		for i := range len(all) - 1 {
			if crossings(all[i+1], all[i]) < crossings(all[i], all[i+1]) {
				all[i], all[i+1] = all[i+1], all[i]
				swapped = true
			}
		}
	}
}

// crossings counts how often two wires cross if the first one has the lane nearer to the header.
func crossings(near, far *net) (count int) {
	top, bottom := near.span()
	if far.from > top && far.from < bottom { // on its way to its lane
		count++
	}
	top, bottom = far.span()
	for _, to := range near.to { // on its way to its terminals
		if to > top && to < bottom {
			count++
		}
	}
	return count
}
