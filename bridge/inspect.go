package bridge

import (
	"context"
	"encoding/json"
	"time"

	"fluxd/bridge/leases"
	"fluxd/bridge/protocol"
)

// learningEvery is the time between two publications of what is learnt.
const learningEvery = 500 * time.Millisecond

// Inspector shows the inside of the network: the verb network, and what watch publishes of neurons and of learning.
type Inspector interface {
	// Network returns the circuit with its weights.
	Network(ctx context.Context) (protocol.Network, error)
	// CheckNeurons returns an error for a name that no neuron has.
	CheckNeurons(names []string) error
	// Neurons returns the present state of some neurons, and Learning that of everything that learns. The bridge sets the times.
	Neurons(ctx context.Context, names []string) (protocol.Neurons, error)
	Learning(ctx context.Context) (protocol.Learning, error)
}

func (b *Bridge) network(ctx context.Context, _ string, _ protocol.Request, to *protocol.Response) error {
	if !b.networkRate.Allow() { // it is large, and every user may ask for it
		return refuse(protocol.Busy, "too many requests for the network: try again in a second")
	}
	n, err := b.robot.Inspector.Network(ctx)
	if err == nil {
		to.Network = &n
	}
	return err
}

// publishWatched publishes neurons, learning and the world while there are leases for them.
func (b *Bridge) publishWatched() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.watchBegins:
		}
		var measures, learning time.Duration // when each is due
		for {
			now := b.running()
			w := b.leases.At(now)
			if len(w.Neurons) == 0 && !w.Learning && !w.World {
				break
			}
			connected := b.client.IsConnectionOpen()
			if now >= measures {
				measures = due(measures, now, b.robot.Telemetry.TelemetryEvery())
				if connected {
					b.publishNeurons(w)
					b.publishWorld(w)
				}
			}
			if now >= learning {
				learning = due(learning, now, learningEvery)
				if connected && w.Learning {
					b.publishLearning()
				}
			}
			// A lease that begins, and a shorter TelemetryEvery, take effect after learningEvery at the latest.
			timer.Reset(min(measures, learning) - b.running())
			select {
			case <-b.ctx.Done():
				return
			case <-b.watchBegins:
			case <-timer.C:
			}
		}
	}
}

// due returns when something is due next. Publications that were missed are not made up for.
func due(last, now, every time.Duration) time.Duration {
	if next := last + every; next > now {
		return next
	}
	return now + every
}

func (b *Bridge) publishNeurons(w leases.Wants) {
	if len(w.Neurons) == 0 {
		return
	}
	n, err := b.robot.Inspector.Neurons(b.ctx, w.Neurons)
	n.Time = b.clock().UnixMilli()
	b.publishState(b.topics.Neurons(), n, err)
}

func (b *Bridge) publishLearning() {
	l, err := b.robot.Inspector.Learning(b.ctx)
	l.Time = b.clock().UnixMilli()
	b.publishState(b.topics.Learning(), l, err)
}

// publishState publishes a state at QoS 0. A state that cannot be had in time is dropped.
func (b *Bridge) publishState(topic string, state any, err error) {
	if err != nil {
		b.outbox.dropped.Add(1)
		return
	}
	payload, err := json.Marshal(state)
	if err != nil { // a number that is not finite
		b.outbox.dropped.Add(1)
		return
	}
	b.outbox.put(message{topic: topic, payload: payload})
}
