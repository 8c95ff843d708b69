package tap

import "fluxd/bridge/protocol"

// Spikes is a reader that picks the spikes from the records of a tap. It implements bridge.SpikeReader.
type Spikes struct {
	*Reader
	records []Record
}

// Read appends the spikes since the last call, and returns how many records were lost. Lost records of other kinds count, too,
// since they may have been spikes.
func (s *Spikes) Read(to []protocol.Spike) (all []protocol.Spike, lost uint64) {
	s.records, lost = s.Reader.Read(s.records[:0])
	for _, one := range s.records {
		if one.Kind == Spike {
			to = append(to, protocol.Spike{At: one.At, Neuron: int(one.Index)})
		}
	}
	return to, lost
}
