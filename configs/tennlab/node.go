package tennlab

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// tennlabNode is a node, with the arrivals that can reach it. All amounts are in thousandths of a unit.
type tennlabNode struct {
	path      string
	id        int64
	threshold int64   // the smallest sum that fires it
	exactly   float64 // the number that RISP compares with
	leaks     bool
	input     bool
	arrivals  int64          // the largest number in one step
	most      int64          // sum of all positive arrivals
	least     int64          // sum of all negative arrivals
	amounts   map[int64]bool // of single arrivals
	biased    bool           // the bias is added to each arrival, see below
}

// arrives adds a possible arrival.
func (n *tennlabNode) arrives(amount int64) {
	n.arrivals++
	n.most += max(amount, 0)
	n.least += min(amount, 0)
	n.amounts[amount] = true
}

// The bias distinguishes arrivals that sum up to 0 from no arrival. It is a hundred-thousandth of a unit, and biasLeak is the
// leak at which that is 1 of the engine's water.
const (
	perThousandth = 100 // biases in a thousandth of a unit
	biasLeak      = 10  // units per second
)

// neuron writes the neuron that computes the same as a node.
func (im *importer) neuron(out *bytes.Buffer, n *tennlabNode) {
	forgets := n.leaks || n.threshold == 0 && im.p.potential == 0
	im.checkCharge(n)
	fraction := n.threshold
	for amount := range n.amounts {
		fraction = divisor(fraction, amount)
	}
	leak, floor, threshold := int64(0), im.p.potential, inUnits(n.threshold, 0)
	switch {
	case n.threshold < 0:
		im.refuse(n.path, "node %d has the threshold %s: expected at least 0: below 0 RISP fires without arrivals", n.id,
			inUnits(n.threshold, 0))
	case n.threshold == 0 && im.p.vrisp:
		im.refuse(n.path, "threshold 0 of node %d: VRISP fires it in every step, whatever arrives", n.id)
	case n.threshold == 0 && forgets:
		n.biased = true
		leak, floor, threshold = biasLeak, 0, inUnits(0, 1)
		if fraction != 0 && n.arrivals >= fraction*perThousandth {
			im.refuse(n.path, "threshold 0 of node %d: expected fewer than %d arrivals in a step, got %d",
				n.id, fraction*perThousandth, n.arrivals)
		}
		for amount := range n.amounts {
			if max(amount, -amount) >= math.MaxInt32/perThousandth {
				im.refuse(n.path, "threshold 0 of node %d: expected weights below %s, got %s",
					n.id, inUnits(math.MaxInt32/perThousandth, 0), inUnits(amount, 0))
			}
		}
	case forgets:
		// The leak is one fraction in a microsecond. So all amounts are whole numbers of the engine's water, and every level
		// below the threshold has leaked out in time.
		if fraction = divisor(fraction, 1000); n.input && !im.p.discrete {
			fraction = 1 // an input spike may have any amount
		}
		leak, floor = 1000*fraction, 0
		if n.threshold/fraction > im.step.Microseconds() {
			im.refuse(n.path, "a level of %s cannot leak out within %v: expected a longer step, at least %dus",
				inUnits(n.threshold, 0), im.step, n.threshold/fraction)
		}
	}
	if im.inexact(n) {
		im.checkSums(n, forgets)
	}
	fmt.Fprintf(out, "    n%d: {threshold: %s, leak: %d, floor: %s, refractory: 0us}\n", n.id, threshold, leak, inUnits(floor, 0))
}

// divisor returns the greatest common divisor.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

// checkCharge refuses a node whose charge could wrap around in VRISP, which keeps charges in 8 bits.
func (im *importer) checkCharge(n *tennlabNode) {
	if !im.p.vrisp {
		return
	}
	most, least := n.most, n.least
	if !n.leaks {
		most, least = most+max(n.threshold-1000, 0), least+im.p.potential
	}
	if n.threshold > math.MaxInt8*1000 || most > math.MaxInt8*1000 || least < math.MinInt8*1000 {
		im.refuse(n.path, "the charge of node %d can be anything from %s to %s before it is compared with its threshold of %s: "+
			"VRISP keeps it in 8 bits, %d to %d, and wraps around",
			n.id, inUnits(least, 0), inUnits(most, 0), inUnits(n.threshold, 0), math.MinInt8, math.MaxInt8)
	}
}

// inexact reports whether binary fractions cannot hold some amount of a node. Then RISP's sums are not exact.
func (im *importer) inexact(n *tennlabNode) bool {
	const eighth = 125 // thousandths: the smallest multiple of 1/1000 that is a power of 2
	if im.p.discrete {
		return false
	}
	odd := im.p.potential%eighth != 0 || n.exactly*8 != math.Trunc(n.exactly*8) && im.p.inclusive
	for amount := range n.amounts {
		odd = odd || amount%eighth != 0
	}
	return odd
}

// checkSums tries all sums that RISP can come to, in every order of additions. It refuses the node if one of them is on another
// side of the threshold than the exact sum: 0.1 added eight times is 0.7999999999999999 in RISP.
func (im *importer) checkSums(n *tennlabNode, forgets bool) {
	type sum struct {
		risp  float64
		exact int64 // thousandths
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
		if (s.risp >= n.exactly) != (s.exact >= n.threshold) {
			im.refuse(n.path, "node %d: RISP adds binary fractions and gets %v instead of %s, with a threshold of %v: "+
				"expected multiples of 0.125, or other amounts whose sums stay on their side of the threshold",
				n.id, s.risp, inUnits(s.exact, 0), n.exactly)
			return
		}
		reach := func(to sum) {
			if to.exact >= low && to.exact <= high && !seen[to] {
				seen[to] = true
				next = append(next, to)
			}
		}
		if !forgets {
			reach(sum{max(s.risp, float64(im.p.potential)/1000), max(s.exact, im.p.potential)})
		}
		for _, amount := range amounts {
			reach(sum{s.risp + float64(amount)/1000, s.exact + amount})
		}
		if im.tries--; im.tries < 0 {
			im.refuse(n.path, "node %d: RISP adds binary fractions, and there are too many sums to check: "+
				"expected multiples of 0.125", n.id)
			return
		}
	}
}

// inUnits writes an amount of thousandths, plus a number of biases, in units.
func inUnits(thousandths, bias int64) string {
	return strconv.FormatFloat((float64(thousandths)*perThousandth+float64(bias))/(1000*perThousandth), 'f', -1, 64)
}
