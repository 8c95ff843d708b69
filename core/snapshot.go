package core

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"maps"
	"math"
	"slices"
)

// A snapshot is what a network has learnt, as bytes:
//
//	8 bytes   "FLUXSNAP"
//	4 bytes   version, 1
//	32 bytes  fingerprint of the network
//	8 bytes   how many weights follow
//	8 bytes   each: a long-term weight in units, an IEEE 754 double, in the order of the plastic synapses in the description
//	32 bytes  SHA-256 of all before
//
// Numbers are little-endian. Weights are in units, so a leak that has been tuned meanwhile does not change their meaning.
const (
	snapshotMagic   = "FLUXSNAP"
	snapshotVersion = 1
	snapshotHeader  = 8 + 4 + sha256.Size + 8
)

// Errors of a snapshot that cannot be restored; ask with errors.Is.
var (
	// ErrCorrupt is a snapshot that is no snapshot, is cut short, or was changed.
	ErrCorrupt = errors.New("corrupt snapshot")
	// ErrForeign is a snapshot of another network, or of another version of this format.
	ErrForeign = errors.New("foreign snapshot")
)

// Fingerprint identifies what the weights of a snapshot belong to: the names of the neurons, and for every synapse what it connects,
// its kind, whether it is plastic and its sign. What can be tuned is not part of it.
func (n *Network) Fingerprint() [32]byte {
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

// Snapshot returns what the network has learnt.
func (n *Network) Snapshot() []byte {
	fingerprint := n.Fingerprint()
	b := append([]byte(nil), snapshotMagic...)
	b = binary.LittleEndian.AppendUint32(b, snapshotVersion)
	b = append(b, fingerprint[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(n.plastics)))
	learnt := n.Learnt()
	for _, i := range slices.Sorted(maps.Keys(learnt)) {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(learnt[i]))
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// Restore gives the network what a snapshot says that it had learnt: all of it, or nothing when it fails with ErrCorrupt, ErrForeign,
// or ErrRange where a weight is outside the limits that are now configured.
func (n *Network) Restore(snapshot []byte) error {
	if len(snapshot) < snapshotHeader+sha256.Size || string(snapshot[:8]) != snapshotMagic {
		return fmt.Errorf("%d bytes, expected %q and at least %d: %w", len(snapshot), snapshotMagic, snapshotHeader+sha256.Size, ErrCorrupt)
	}
	body, sum := snapshot[:len(snapshot)-sha256.Size], snapshot[len(snapshot)-sha256.Size:]
	if version := binary.LittleEndian.Uint32(body[8:]); version != snapshotVersion {
		return fmt.Errorf("version %d, expected %d: %w", version, snapshotVersion, ErrForeign)
	}
	if sha256.Sum256(body) != [32]byte(sum) {
		return fmt.Errorf("the checksum does not match: %w", ErrCorrupt)
	}
	if [32]byte(body[12:12+sha256.Size]) != n.Fingerprint() {
		return fmt.Errorf("it belongs to a network with other neurons or synapses: %w", ErrForeign)
	}
	count := binary.LittleEndian.Uint64(body[12+sha256.Size:])
	if weights := body[snapshotHeader:]; count != uint64(len(n.plastics)) || uint64(len(weights)) != 8*count {
		return fmt.Errorf("%d bytes of %d weights, expected %d: %w", len(weights), count, len(n.plastics), ErrCorrupt)
	}
	learnt := make(map[int]float64, count)
	weights := body[snapshotHeader:]
	for _, i := range slices.Sorted(slices.Values(n.sources())) {
		learnt[int(i)] = math.Float64frombits(binary.LittleEndian.Uint64(weights))
		weights = weights[8:]
	}
	return n.Learn(learnt)
}
