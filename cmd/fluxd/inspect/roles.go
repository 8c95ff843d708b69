package inspect

import (
	"slices"

	"fluxd/bridge/protocol"
	"fluxd/configs"
)

// rising are the roles, the one that counts most last.
var rising = []protocol.Role{protocol.RoleInner, protocol.RoleSensor, protocol.RoleMotor, protocol.RoleReward}

// ranks returns the role of each neuron, as an index into rising.
func ranks(config *configs.Robot) []uint8 {
	all := make([]uint8, len(config.Network.Neurons))
	raise := func(role protocol.Role, neurons []int) {
		rank := uint8(slices.Index(rising, role))
		for _, n := range neurons {
			all[n] = max(all[n], rank)
		}
	}
	for _, s := range config.Sensors {
		raise(protocol.RoleSensor, s.Value.Encode.To.Neurons(config.Index))
	}
	for _, a := range config.Actuators {
		for _, name := range a.Value.Decode.Options.Neurons() {
			raise(protocol.RoleMotor, config.Index[name])
		}
	}
	for _, r := range rewardsOf(config) {
		raise(protocol.RoleReward, config.Index[r.Neuron])
	}
	return all
}

// rewardsOf lists which reward makes which neurons spike. A Neuron may be the name of a population.
func rewardsOf(config *configs.Robot) (all []protocol.NetworkReward) {
	add := func(name, neuron string, sign int) {
		one := protocol.NetworkReward{Reward: name, Neuron: neuron, Sign: sign}
		if neuron != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	for _, w := range config.Rewards {
		add(w.Name, w.Value.To, 1)
		add(w.Name, w.Value.Against, -1)
		for _, c := range w.Value.Credit {
			add(w.Name, c.To, 1)
			add(w.Name, c.Against, -1)
		}
	}
	return all
}

// addRoles gives groups of neurons, in the order of the network, their roles. of has the rank of each neuron.
func addRoles(groups []protocol.NeuronGroup, of []uint8) {
	first := 0
	for k := range groups {
		last := first + groups[k].Count
		groups[k].Role = rising[slices.Max(of[first:last])]
		first = last
	}
}
