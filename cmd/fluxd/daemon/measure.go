package daemon

import (
	"context"
	"fluxd/actuators"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/metrics"
)

// Snapshot implements metrics.Robot.
func (r *Robot) Snapshot() metrics.Snapshot {
	s := metrics.Snapshot{
		Health: r.Health(), Readings: r.Sensors(), Neurons: r.network.Neurons(), Arrivals: r.arrivals.Load(),
		Stalled: r.safety.Stalled(), Loop: &r.loopLateness, EdgeToWrite: &r.toWrite[byEdge], SpikeToWrite: &r.toWrite[bySpike],
		LostReadings: r.dropped.Load(), LostSpikes: r.decoderDrops.Load(), Link: r.links.State(), Broker: r.links.Process(),
	}
	for _, one := range r.sensors {
		s.Sensors = append(s.Sensors, metrics.Sensor{Name: one.Name, Stale: one.watched.Stale(), Failing: one.Failing(),
			Failed: one.Failed(), Lost: one.LostEdges()})
	}
	for _, o := range r.outputs {
		one := metrics.Actuator{Name: o.Name}
		if o.Label != nil {
			label := o.Label.Name()
			one.Label = &label
		} else {
			failed, _, failing := o.Guard.Faults()
			one.Command, one.Failed, one.Failing = float64(o.Guard.Applied())/float64(actuators.Full), uint64(failed), failing
			one.Held = o.Guard.Held().Reasons()
		}
		s.Actuators = append(s.Actuators, one)
	}
	for _, w := range r.rewards {
		paid, against := w.Count()
		s.Rewards = append(s.Rewards, metrics.Reward{Name: w.Name, For: paid, Against: against})
	}
	if episode, score, ok := r.around.Score(); ok {
		s.World = &metrics.World{Episode: episode}
		for _, v := range score {
			s.World.Score = append(s.World.Score, metrics.Value(v))
		}
	}
	return s
}

// Faults implements metrics.Robot.
func (r *Robot) Faults(ctx context.Context) []string {
	faults := r.safety.Faults()
	if err := r.ask(ctx, func() answer { return answer{} }).err; err != nil && !r.safety.Stalled() {
		return append(faults, protocol.LoopStalled.Code()+": "+err.Error())
	}
	return faults
}
