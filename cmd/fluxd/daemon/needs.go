package daemon

import (
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/safety"
	"fluxd/configs"
	"slices"
)

// setUpSafety registers the robot's sensors and actuators with package safety.
func (r *Robot) setUpSafety() {
	k := r.safety
	for _, s := range r.sensors {
		s.watched = &safety.Sensor{Name: s.Name, Silent: s.Silent, StaleAfter: s.StaleAfter.Get, Lost: s.LostEdges}
		k.Sensors = append(k.Sensors, s.watched)
	}
	for _, o := range r.outputs {
		k.Actuators = append(k.Actuators, o.Actuator)
	}
	r.findNeeds()
}

// armsAtStart reports whether the actuators are armed at the start.
func armsAtStart(c *configs.Robot) bool {
	return c.Safety.Arm == "at_start" || c.Safety.Arm == "auto" && c.Board.Kind == "sim"
}

// findNeeds finds the sensors that each actuator needs: those that the configuration names, or else all sensors from which
// spikes can reach the actuator's neurons.
func (r *Robot) findNeeds() {
	byName := map[string]*safety.Sensor{}
	for _, s := range r.sensors {
		byName[s.Name] = s.watched
	}
	var reaches []map[int]bool // by sensor: the neurons that its spikes can reach
	for i, o := range r.outputs {
		if named := r.config.Actuators[i].Value.Needs; named != nil {
			for _, name := range *named {
				o.Needs = append(o.Needs, byName[name])
			}
			continue
		}
		if o.Label != nil {
			continue // a label moves nothing
		}
		if reaches == nil {
			var groups [][]int
			for _, s := range r.sensors {
				groups = append(groups, s.neurons)
			}
			reaches = r.config.Network.Reach(groups...)
		}
		for k, s := range r.sensors {
			for neuron, routes := range r.routes {
				if reaches[k][neuron] && slices.ContainsFunc(routes, func(to route) bool { return to.output == i }) {
					o.Needs = append(o.Needs, s.watched)
					break
				}
			}
		}
	}
}

// openPanel opens the robot's switches and status light, and takes the first reading of the emergency stop's switch.
func (r *Robot) openPanel() (hardware.Panel, error) {
	panel, err := r.body.OpenPanel()
	if panel.Stop != nil {
		r.safety.ReadStopSwitch(panel.Stop)
	}
	return panel, err
}
