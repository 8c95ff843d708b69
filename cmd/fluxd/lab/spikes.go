package lab

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/files"
)

// A spikeFile is a file with the spikes of an episode, in the form that fluxd play reads and writes: its times count from the
// start of the episode.
type spikeFile struct {
	file  *os.File
	out   *bufio.Writer // its first error is returned by Flush
	line  []byte
	begin core.Tick
}

// recordSpikes writes the spikes of an episode from now on, if they are wanted, until the function that it returns is called.
func (r *run) recordSpikes(s *daemon.Simulation) (end func() error, err error) {
	name := of(r.number, r.Spikes)
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := files.Create(name)
	if err != nil {
		return nil, err
	}
	w := &spikeFile{file: f, out: bufio.NewWriterSize(f, 1<<16), begin: core.Tick(s.Now() / time.Microsecond)}
	w.out.WriteString("time_us,neuron\n")
	s.Spiked = func(spikes []core.Spike) { w.add(r.config, spikes) }
	return func() error {
		s.Spiked = nil
		return errors.Join(w.out.Flush(), f.Close())
	}, nil
}

func (w *spikeFile) add(robot *configs.Robot, spikes []core.Spike) {
	for _, s := range spikes {
		w.line = strconv.AppendInt(w.line[:0], int64(s.At-w.begin), 10)
		w.line = append(w.line, ',')
		w.line = append(w.line, robot.Network.Neurons[s.Neuron].Name...)
		w.out.Write(append(w.line, '\n'))
	}
}
