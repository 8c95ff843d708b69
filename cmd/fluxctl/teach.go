package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"fluxd/bridge/protocol"
)

// spiking asks for spikes and prints how many came of it.
func spiking(ctx context.Context, s settings, verb string, request protocol.Request, out io.Writer) error {
	return ask(ctx, s, verb, request, out, func(a protocol.Response) string { return fmt.Sprintf("%d spikes", a.Spikes) })
}

// parseTrains reads neuron, neuron=count and neuron=count@every.
func parseTrains(args []string) (map[string]protocol.Train, error) {
	trains := map[string]protocol.Train{}
	for _, arg := range args {
		neuron, many, several := strings.Cut(arg, "=")
		train := protocol.Train{Count: 1, Every: 10_000}
		if several {
			count, every, apart := strings.Cut(many, "@")
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 || n > protocol.MaxTrain {
				return nil, fmt.Errorf("%s: expected neuron=count@every, such as %s=5@10ms, with a count of 1 to %d", arg, neuron, protocol.MaxTrain)
			}
			train.Count = n
			if apart {
				d, err := time.ParseDuration(every)
				if err != nil || d < time.Microsecond || d > time.Second {
					return nil, fmt.Errorf("%s: expected neuron=count@every, such as %s=5@10ms, with 1us to 1s between two spikes", arg, neuron)
				}
				train.Every = d.Microseconds()
			}
		}
		if _, twice := trains[neuron]; twice || neuron == "" {
			return nil, fmt.Errorf("%q: expected each neuron once", arg)
		}
		trains[neuron] = train
	}
	return trains, nil
}
