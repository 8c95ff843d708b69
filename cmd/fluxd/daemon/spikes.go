package daemon

import (
	"fluxd/bridge"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/tap"
)

// tapSize is how many records the tap holds for slow followers: half a second of a hundred thousand spikes a second.
const tapSize = 1 << 16

// FollowSpikes implements bridge.SpikeSource.
func (r *Robot) FollowSpikes() bridge.SpikeReader { return &spikeReader{Reader: r.tap.Follow()} }

// A spikeReader picks the spikes from the tap's records.
type spikeReader struct {
	*tap.Reader
	records []tap.Record
}

// Read implements bridge.SpikeReader. Lost records of other kinds count as lost, too, since they may have been spikes.
func (s *spikeReader) Read(to []protocol.Spike) (all []protocol.Spike, lost uint64) {
	s.records, lost = s.Reader.Read(s.records[:0])
	for _, one := range s.records {
		if one.Kind == tap.Spike {
			to = append(to, protocol.Spike{At: one.At, Neuron: int(one.Index)})
		}
	}
	return to, lost
}
