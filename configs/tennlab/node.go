package tennlab

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// tennlabNode is a node, and what reaches it. All amounts are in thousandths of a unit.
type tennlabNode struct {
	path      string
	id        int64
	threshold int64   // of the first sum that fires
	exactly   float64 // the number that RISP compares with
	leaks     bool
	input     bool
	arrivals  int64 // that one step can bring
	most      int64 // sum of those above 0
	least     int64 // and below
	amounts   map[int64]bool
	biased    bool
}

// arrives notes what one arrival brings.
func (n *tennlabNode) arrives(amount int64) {
	n.arrivals++
	n.most += max(amount, 0)
	n.least += min(amount, 0)
	n.amounts[amount] = true
}

// bias is what makes the difference between a sum of 0 and no arrival: a hundred-thousandth of a unit, with the leak at which
// that is 1 of water.
const (
	perThousandth = 100 // of it
	biasLeak      = 10  // units a second
)

// neuron writes the neuron that computes what a node does.
func (im *importer) neuron(out *bytes.Buffer, n *tennlabNode) {
	forgets := n.leaks || n.threshold == 0 && im.p.potential == 0
	im.fits(n)
	fraction := n.threshold
	for amount := range n.amounts {
		fraction = divisor(fraction, amount)
	}
	leak, floor, threshold := int64(0), im.p.potential, inUnits(n.threshold, 0)
	switch {
	case n.threshold < 0:
		im.refuse(n.path, "node %d fires from %s on: expected at least 0: below it RISP fires without water", n.id, inUnits(n.threshold, 0))
	case n.threshold == 0 && im.p.vrisp:
		im.refuse(n.path, "threshold 0 of node %d: VRISP fires there in every step, whatever arrives", n.id)
	case n.threshold == 0 && forgets:
		n.biased = true
		leak, floor, threshold = biasLeak, 0, inUnits(0, 1)
		if fraction != 0 && n.arrivals >= fraction*perThousandth {
			im.refuse(n.path, "threshold 0 of node %d: expected fewer than %d arrivals in a step, counted %d", n.id, fraction*perThousandth, n.arrivals)
		}
		for amount := range n.amounts {
			if max(amount, -amount) >= math.MaxInt32/perThousandth {
				im.refuse(n.path, "threshold 0 of node %d: expected weights below %s, got %s", n.id, inUnits(math.MaxInt32/perThousandth, 0), inUnits(amount, 0))
			}
		}
	case forgets:
		// A fraction a microsecond: all amounts are whole numbers of water, and what is left of them below the threshold is gone
		// in time.
		if fraction = divisor(fraction, 1000); n.input && !im.p.discrete {
			fraction = 1 // an input spike may bring any
		}
		leak, floor = 1000*fraction, 0
		if n.threshold/fraction > im.step.Microseconds() {
			im.refuse(n.path, "a level of %s cannot leak out within %v: expected a longer step, at least %dus", inUnits(n.threshold, 0), im.step, n.threshold/fraction)
		}
	}
	if im.tells(n) {
		im.proves(n, forgets)
	}
	fmt.Fprintf(out, "    n%d: {threshold: %s, leak: %d, floor: %s, refractory: 0us}\n", n.id, threshold, leak, inUnits(floor, 0))
}

// divisor is the greatest number that divides both.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

// fits refuses what a charge of VRISP cannot hold: it has 8 bits, and wraps around.
func (im *importer) fits(n *tennlabNode) {
	if !im.p.vrisp {
		return
	}
	most, least := n.most, n.least
	if !n.leaks {
		most, least = most+max(n.threshold-1000, 0), least+im.p.potential
	}
	if n.threshold > math.MaxInt8*1000 || most > math.MaxInt8*1000 || least < math.MinInt8*1000 {
		im.refuse(n.path, "the charge of node %d can come to anything from %s to %s before it is compared with its threshold of %s: VRISP keeps it in 8 bits, %d to %d, and wraps around",
			n.id, inUnits(least, 0), inUnits(most, 0), inUnits(n.threshold, 0), math.MinInt8, math.MaxInt8)
	}
}

// tells reports whether the amounts of a node are such that binary fractions do not hold them: then RISP's sums are not exact.
func (im *importer) tells(n *tennlabNode) bool {
	const eighth = 125 // a multiple of both 1/1000 and a power of 2
	if im.p.discrete {
		return false
	}
	odd := im.p.potential%eighth != 0 || n.exactly*8 != math.Trunc(n.exactly*8) && im.p.inclusive
	for amount := range n.amounts {
		odd = odd || amount%eighth != 0
	}
	return odd
}

// proves goes through all sums that RISP can come to, in whichever order it adds, and refuses the node where one of them is on
// the other side of the threshold than the sum of the thousandths: 0.1 added eight times is 0.7999999999999999 there.
func (im *importer) proves(n *tennlabNode, forgets bool) {
	type sum struct {
		risp float64
		true int64
	}
	low, high := n.least, n.most
	if !forgets {
		low, high = low+im.p.potential, high+n.threshold
	}
	amounts := slices.Sorted(maps.Keys(n.amounts))
	seen := map[sum]bool{{}: true}
	for next := []sum{{}}; len(next) > 0; {
		s := next[len(next)-1]
		next = next[:len(next)-1]
		if (s.risp >= n.exactly) != (s.true >= n.threshold) {
			im.refuse(n.path, "node %d: RISP adds up binary fractions, and comes to %v where the sum is %s, with its threshold at %v: expected multiples of 0.125, or others that cannot miss it",
				n.id, s.risp, inUnits(s.true, 0), n.exactly)
			return
		}
		reach := func(to sum) {
			if to.true >= low && to.true <= high && !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
		if !forgets {
			reach(sum{max(s.risp, float64(im.p.potential)/1000), max(s.true, im.p.potential)})
		}
		for _, amount := range amounts {
			reach(sum{s.risp + float64(amount)/1000, s.true + amount})
		}
		if im.tries--; im.tries < 0 {
			im.refuse(n.path, "node %d: RISP adds up binary fractions, and there are too many sums to tell whether all are exact: expected multiples of 0.125", n.id)
			return
		}
	}
}

// inUnits writes an amount of thousandths of a unit, and of the bias besides.
func inUnits(thousandths, bias int64) string {
	return strconv.FormatFloat((float64(thousandths)*perThousandth+float64(bias))/(1000*perThousandth), 'f', -1, 64)
}
