package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Spike is a spike of the robot's network.
type Spike struct {
	At     int64 // microseconds since the robot started
	Neuron int   // its index in Description.NeuronNames
}

// spikesVersion is the first byte of a batch of spikes.
const spikesVersion = 1

// EncodeSpikes appends a batch of spikes in order of time: the version, a byte of 1; the time of the first spike and the count;
// then for each spike the time since the one before and the neuron. All numbers but the version are unsigned varints as in
// Protocol Buffers: seven bits a byte, the lowest first.
func EncodeSpikes(to []byte, spikes []Spike) []byte {
	to = append(to, spikesVersion)
	before := int64(0)
	if len(spikes) > 0 {
		before = spikes[0].At
	}
	to = binary.AppendUvarint(to, uint64(before))
	to = binary.AppendUvarint(to, uint64(len(spikes)))
	for _, s := range spikes {
		to = binary.AppendUvarint(to, uint64(s.At-before))
		to = binary.AppendUvarint(to, uint64(s.Neuron))
		before = s.At
	}
	return to
}

// DecodeSpikes reads a batch that EncodeSpikes has written.
func DecodeSpikes(batch []byte) ([]Spike, error) {
	if len(batch) == 0 || batch[0] != spikesVersion {
		return nil, fmt.Errorf("spikes: expected version %d: the robot's fluxd and this program have different versions", spikesVersion)
	}
	rest := batch[1:]
	short := false
	next := func() uint64 {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			short = true
			return 0
		}
		rest = rest[n:]
		return v
	}
	at, count := next(), next()
	if short || count > uint64(len(rest)) { // each takes at least two bytes
		return nil, errors.New("spikes: the batch is cut short")
	}
	spikes := make([]Spike, 0, count)
	for range count {
		at += next()
		neuron := next()
		if short || int64(at) < 0 || neuron > 1<<31 {
			return nil, errors.New("spikes: the batch is cut short or malformed")
		}
		spikes = append(spikes, Spike{At: int64(at), Neuron: int(neuron)})
	}
	if len(rest) > 0 {
		return nil, errors.New("spikes: there are bytes behind the batch")
	}
	return spikes, nil
}
