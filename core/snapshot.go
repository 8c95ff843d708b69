package core

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"
)

// A snapshot is what a network has learnt, as bytes:
//
//	8 bytes   "FLUXSNAP"
//	4 bytes   version, 2
//	32 bytes  fingerprint of the network
//	8 bytes   a number that the caller chooses; version 1 has none and is read as 0
//	8 bytes   the number of weights that follow
//	8 bytes   each: a long-term weight in units, an IEEE 754 double, in the order of the plastic synapses in the description
//	32 bytes  SHA-256 of all bytes before
//
// Numbers are little-endian. Weights are in units, so their meaning does not change if a leak is tuned.
const (
	snapshotMagic   = "FLUXSNAP"
	snapshotVersion = 2
	snapshotHeader  = 8 + 4 + sha256.Size // what versions 1 and 2 have in common
)

// MaxSnapshot is the largest size of a snapshot, in bytes: about a hundred million weights.
const MaxSnapshot = 800 << 20

// Errors of a snapshot that cannot be restored, for errors.Is.
var (
	// ErrCorrupt: the bytes are no snapshot, are cut short, or were changed.
	ErrCorrupt = errors.New("corrupt snapshot")
	// ErrForeign: the snapshot is of another network, or of another version of this format.
	ErrForeign = errors.New("foreign snapshot")
)

// Fingerprint identifies the network that the weights of a snapshot belong to: by the names of its neurons, and for each synapse
// by the neurons that it connects, its kind, whether it is plastic, and its sign if it is. What can be tuned is not part of it.
func (n *Network) Fingerprint() [32]byte { return n.plans.Load().fingerprint() }

func (n *plan) fingerprint() [32]byte {
	h := sha256.New()
	d := n.Description()
	number(h, uint64(len(d.Neurons)))
	for i := range d.Neurons {
		number(h, uint64(len(d.Neurons[i].Name)))
		h.Write([]byte(d.Neurons[i].Name))
	}
	number(h, uint64(len(d.Synapses)))
	for i := range d.Synapses {
		s := &d.Synapses[i]
		number(h, uint64(s.From))
		number(h, uint64(s.To))
		sign := uint64(0)
		if s.Plastic != nil {
			sign = 1
			if s.Weight < 0 {
				sign = 2
			}
		}
		number(h, uint64(s.Kind)<<8|sign)
	}
	return [32]byte(h.Sum(nil))
}

func number(h hash.Hash, x uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], x)
	h.Write(b[:])
}

// Snapshot returns the long-term weights of the network. The number is stored with them, and Restore returns it.
func (n *Network) Snapshot(number uint64) []byte { return n.copyWeights().Snapshot(number) }

// Snapshot encodes the copy as Network.Snapshot does.
func (c *WeightCopy) Snapshot(number uint64) []byte {
	fingerprint := c.plan.fingerprint()
	b := make([]byte, 0, snapshotHeader+16+8*len(c.weights)+sha256.Size)
	b = append(b, snapshotMagic...)
	b = binary.LittleEndian.AppendUint32(b, snapshotVersion)
	b = append(b, fingerprint[:]...)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(c.weights)))
	sources, weights := c.plan.sources(), c.units()
	order := make([]uint32, len(sources))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Compare(sources[a], sources[b]) })
	for _, i := range order {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(weights[i]))
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// Restored says what Restore did.
type Restored struct {
	Number  uint64 // the number that was given to Snapshot
	Clamped int    // how many weights were outside the limits of today, and are now at the nearest limit
}

// Restore sets the long-term weights to those of a snapshot: all, or none if it fails. It fails with ErrCorrupt, ErrForeign, or
// ErrRange if a value cannot be a weight of this network.
func (n *Network) Restore(snapshot []byte) (Restored, error) {
	c, done, err := n.PrepareRestore(snapshot)
	if err == nil {
		n.Commit(c)
	}
	return done, err
}

// PrepareRestore is Restore up to a change that the owner of the network commits. Any goroutine may call it, as Prepare.
func (n *Network) PrepareRestore(snapshot []byte) (*Change, Restored, error) {
	plan := n.plans.Load()
	if len(snapshot) < snapshotHeader+sha256.Size || string(snapshot[:8]) != snapshotMagic {
		return nil, Restored{}, fmt.Errorf("%d bytes: expected at least %d, which begin with %q: %w", len(snapshot),
			snapshotHeader+sha256.Size, snapshotMagic, ErrCorrupt)
	}
	body, sum := snapshot[:len(snapshot)-sha256.Size], snapshot[len(snapshot)-sha256.Size:]
	version := binary.LittleEndian.Uint32(body[8:])
	if version > snapshotVersion {
		return nil, Restored{}, fmt.Errorf("version %d of this format is of a later version of fluxd, expected 1 to %d: %w", version,
			snapshotVersion, ErrForeign)
	}
	if version < 1 {
		return nil, Restored{}, fmt.Errorf("version %d, expected 1 to %d: %w", version, snapshotVersion, ErrForeign)
	}
	if sha256.Sum256(body) != [32]byte(sum) {
		return nil, Restored{}, fmt.Errorf("the checksum does not match: %w", ErrCorrupt)
	}
	if [32]byte(body[12:12+sha256.Size]) != plan.fingerprint() {
		return nil, Restored{}, fmt.Errorf("expected a snapshot of this network, this one has other neurons or synapses: %w",
			ErrForeign)
	}
	rest, done := body[snapshotHeader:], Restored{}
	next := func() (x uint64) {
		if len(rest) < 8 {
			rest = nil
			return math.MaxUint64
		}
		x, rest = binary.LittleEndian.Uint64(rest), rest[8:]
		return x
	}
	if version > 1 {
		done.Number = next()
	}
	if count := next(); count != uint64(len(plan.plastics)) || uint64(len(rest)) != 8*count {
		return nil, Restored{}, fmt.Errorf("%d bytes of %d weights, expected %d weights: %w", len(rest), count,
			len(plan.plastics), ErrCorrupt)
	}
	learnt := make(map[int]float64)
	for _, i := range slices.Sorted(slices.Values(plan.sources())) {
		learnt[int(i)] = math.Float64frombits(next())
	}
	c, clamped, err := plan.prepareNearest(learnt)
	if err != nil {
		return nil, Restored{}, err
	}
	done.Clamped = clamped
	return c, done, nil
}
