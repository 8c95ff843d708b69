package tap

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func ExampleTap() {
	stream := New(1024)
	stream.Write(Record{At: 10, Kind: Spike, Index: 1}) // without a reader
	reader := stream.Follow()
	defer reader.Leave()
	stream.Write(Record{At: 20, Kind: Reading, Index: 0, Value: 1_500_000})
	stream.Write(Record{At: 30, Kind: Spike, Index: 2})
	records, lost := reader.Read(nil)
	fmt.Println(records, lost)
	// Output: [{20 1 0 1500000} {30 2 2 0}] 0
}

// A reader gets every record once, in order, or counts it as lost. The latest records are never lost.
func TestEveryRecordIsReadOrCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 40).Draw(t, "size")
		stream := New(size)
		readers := []*Reader{stream.Follow(), stream.Follow()}
		seen := make([]uint64, len(readers))
		next := int64(0)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			for range rapid.IntRange(0, 60).Draw(t, "writes") {
				stream.Write(Record{At: next, Kind: Command, Index: int32(-next), Value: next})
				next++
			}
			k := rapid.IntRange(0, len(readers)-1).Draw(t, "reader")
			records, lost := readers[k].Read(nil)
			seen[k] += lost
			for _, r := range records {
				if r.At != int64(seen[k]) || r.Value != r.At || r.Index != int32(-r.At) || r.Kind != Command {
					t.Fatalf("got %+v, want number %d", r, seen[k])
				}
				seen[k]++
			}
			if seen[k] != uint64(next) {
				t.Fatalf("%d of %d records are accounted for", seen[k], next)
			}
			if lost > 0 && len(records) < size {
				t.Fatalf("%d lost, and only %d kept of a tap of %d", lost, len(records), size)
			}
		}
	})
}

// A reader never gets a mixture of two records, even while the tap is written.
func TestReadersWhileWriting(t *testing.T) {
	stream := New(64)
	const records = 100_000
	var ready, done sync.WaitGroup
	for range 2 {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			reader := stream.Follow()
			defer reader.Leave()
			ready.Done()
			got, lost, last := uint64(0), uint64(0), int64(-1)
			for got+lost < records {
				all, missed := reader.Read(nil)
				got, lost = got+uint64(len(all)), lost+missed
				for _, r := range all {
					if r.At <= last || r.Value != ^r.At || r.Index != int32(r.At%1000) {
						t.Errorf("got %+v after %d", r, last)
						return
					}
					last = r.At
				}
			}
			if last != records-1 {
				t.Errorf("the last record is %d", last)
			}
		}()
	}
	ready.Wait()
	for i := range int64(records) {
		stream.Write(Record{At: i, Kind: Spike, Index: int32(i % 1000), Value: ^i})
	}
	done.Wait()
}

func TestLeaveEndsTheWriting(t *testing.T) {
	stream := New(8)
	reader := stream.Follow()
	reader.Leave()
	reader.Leave()
	stream.Write(Record{Kind: Spike})
	if all, lost := stream.Follow().Read(nil); stream.written.Load() != 0 || len(all) != 0 || lost != 0 {
		t.Errorf("%v, %d lost", all, lost)
	}
	if n := testing.AllocsPerRun(100, func() { stream.Write(Record{Kind: Spike}) }); n != 0 {
		t.Errorf("%g allocations a record", n)
	}
	if got := New(5).size; !slices.Contains([]int{8}, got) {
		t.Errorf("%d places for 5", got)
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, followed := range []bool{false, true} {
		b.Run(fmt.Sprintf("followed=%t", followed), func(b *testing.B) {
			stream := New(1 << 16)
			if followed {
				defer stream.Follow().Leave()
			}
			for i := range b.N {
				stream.Write(Record{At: int64(i), Kind: Spike, Index: int32(i)})
			}
		})
	}
}
