// Package tap is a stream of what happens in a robot, as records: readings, spikes, commands, and the spikes that rewards bring
// in. Any number of readers can follow it. The goroutine that owns the network writes it, in real and in virtual time, and
// never waits: a reader that is too slow loses records, and knows how many.
//
//	stream := tap.New(1 << 16)
//	reader := stream.Follow() // from now on
//	defer reader.Leave()
//	stream.Write(tap.Record{At: 1250, Kind: tap.Spike, Index: 3})
//	records, lost := reader.Read(nil)
//
// Without a reader, writing costs one comparison.
package tap

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// A Kind is what a record is about.
type Kind uint8

// The kinds of records, with the meaning of Index and Value.
const (
	Reading Kind = iota + 1 // of sensor Index; Value is in millionths of its unit
	Spike                   // of neuron Index; Value is 0
	Command                 // for actuator Index; Value is in millionths of full scale, or the position of a label's choice
	Reward                  // reward Index has brought in Value spikes
)

// A Record is one occurrence. Indexes count from 0, in the order of the configuration or of the network.
type Record struct {
	At    int64 // microseconds since the start of the robot
	Kind  Kind
	Index int32
	Value int64
}

// A Tap holds the latest records. One goroutine at a time may write.
type Tap struct {
	size      int
	made      sync.Once
	slots     []slot        // made for the first reader
	begun     atomic.Uint64 // records whose slots have been written, or are being written
	written   atomic.Uint64 // records that can be read
	followers atomic.Int32
}

// A slot holds a record. It may be overwritten while it is read; the reader notices that afterwards.
type slot struct {
	at, value atomic.Int64
	what      atomic.Uint64 // kind and index
}

// New makes a tap that holds at least size records, and at least 1.
func New(size int) *Tap {
	return &Tap{size: 1 << bits.Len(uint(max(size, 1)-1))}
}

// Followed reports whether there is a reader. It saves the preparation of records that are not read.
func (t *Tap) Followed() bool { return t.followers.Load() != 0 }

// Write adds a record in place of the oldest. It neither waits nor allocates.
func (t *Tap) Write(r Record) {
	if !t.Followed() {
		return
	}
	n := t.written.Load()
	t.begun.Store(n + 1)
	s := &t.slots[n&uint64(len(t.slots)-1)]
	s.at.Store(r.At)
	s.value.Store(r.Value)
	s.what.Store(uint64(r.Kind)<<32 | uint64(uint32(r.Index)))
	t.written.Store(n + 1)
}

// Follow returns a reader for all records from now on.
func (t *Tap) Follow() *Reader {
	t.made.Do(func() { t.slots = make([]slot, t.size) })
	t.followers.Add(1)
	return &Reader{tap: t, next: t.written.Load()}
}

// A Reader follows a tap. It belongs to one goroutine.
type Reader struct {
	tap  *Tap
	next uint64
	left bool
}

// Read appends the records since the last call, in order, and returns how many others were overwritten before they could be
// read.
func (r *Reader) Read(to []Record) (records []Record, lost uint64) {
	t, size := r.tap, uint64(len(r.tap.slots))
	end, start := t.written.Load(), len(to)
	if oldest := end - min(end, size); r.next < oldest {
		lost, r.next = oldest-r.next, oldest
	}
	first := r.next
	for ; r.next < end; r.next++ {
		s := &t.slots[r.next&(size-1)]
		what := s.what.Load()
		to = append(to, Record{At: s.at.Load(), Kind: Kind(what >> 32), Index: int32(uint32(what)), Value: s.value.Load()})
	}
	// Records that the writer has begun to overwrite in the meantime may be mixed from two: drop them.
	if torn := t.begun.Load(); torn > first+size {
		gone := min(torn-size-first, end-first)
		lost += gone
		to = append(to[:start], to[start+int(gone):]...)
	}
	return to, lost
}

// Leave ends the reading. Further calls do nothing.
func (r *Reader) Leave() {
	if !r.left {
		r.left = true
		r.tap.followers.Add(-1)
	}
}
