package configs

import (
	"fmt"
	"reflect"
	"time"

	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/encoders"
)

// encode checks the encoder of a sensor that is read at intervals of every (-1: unknown). It converts the encoder's amounts into
// the unit of the sensor, if that is known.
func (v *validator) encode(path string, e *Encode, every time.Duration, unit string, known bool) {
	neurons := v.targets(path+".to", e.To)
	if e.Weight != nil {
		v.weight(path+".weight", *e.Weight, neurons)
	}
	if e.Options == nil {
		return
	}
	if known {
		v.Units(path, e.Options, unit, "the sensor measures in")
	}
	if paced, is := e.Options.(encoders.Paced); is {
		paced.Pace(every)
	}
	if spreading, is := e.Options.(encoders.Spreading); is {
		spreading.Spread(len(neurons))
	}
	if ranging, is := e.Options.(encoders.Ranging); is {
		ranging.KeepDirection()
	}
	v.Check(path, e.Options)
}

// targets checks the names of the neurons that a sensor feeds, and returns their indices; nil if one is not known.
func (v *validator) targets(path string, to Targets) []int {
	given, known := map[int]bool{}, v.Readable(path)
	for i, name := range to {
		at := path
		if len(to) > 1 {
			at += fmt.Sprintf("[%d]", i)
		}
		v.names.Exists(at, name)
		known = known && v.robot.Index[name] != nil
		for _, neuron := range v.robot.Index[name] {
			if given[neuron] {
				v.Fail(at, "%s: expected each neuron once", v.robot.Network.Neurons[neuron].Name)
				known = false
				break
			}
			given[neuron] = true
		}
	}
	if !known {
		return nil
	}
	return to.Neurons(v.robot.Index)
}

// OpenEncoder makes the encoder of a sensor with a name. The seed of the robot's network is for codes with random spikes.
func (c *Sensor) OpenEncoder(name string, seed uint64) (encoders.Encoder, error) {
	encoder, err := c.Encode.Options.Open(c.Every)
	if random, is := encoder.(encoders.Random); is && err == nil {
		random.Reseed(seed, name)
	}
	return encoder, err
}

// weight checks the units that each spike adds. Neurons may differ in their leak.
func (v *validator) weight(path string, units float64, neurons []int) {
	if units == 0 {
		v.Fail(path, "0 has no effect: leave it out to fire the neuron")
	}
	for _, i := range neurons {
		n := &v.robot.Network.Neurons[i]
		if _, err := core.Water(units, n.Leak); err != nil && n.Leak >= 0 {
			v.Fail(path, "onto %s: %v", n.Name, err)
			return
		}
	}
}

// decode checks the decoder of an actuator.
func (v *validator) decode(path string, a *Actuator) {
	opts := a.Decode.Options
	if opts == nil {
		return
	}
	v.listensTo(path, opts)
	if directed, is := opts.(encoders.Directed); is {
		directed.KeepDirection()
	}
	if gathering, is := opts.(encoders.Gathering); is {
		gathering.Gather(v.members(gathering.Gathers()))
	}
	if winner, is := opts.(*encoders.WinnerTakeAllOpts); is {
		if winner.Label = actuatorKind(a.Device).Label; a.Options == nil {
			return // the device is unknown: choices may be words or numbers
		}
	}
	v.Check(path, opts)
}

// members returns the names of the neurons of a population; nil if it is not known.
func (v *validator) members(population string) (names []string) {
	for _, i := range v.robot.Index[population] {
		names = append(names, v.robot.Network.Neurons[i].Name)
	}
	if len(names) == 1 && names[0] != population && v.Mistakes() > 0 {
		return nil // its number may be wrong
	}
	return names
}

// ListensTo returns the names of the neurons that the decoder listens to, as the robot file has them: a population is one name.
func (d *Decode) ListensTo() (names []string) {
	if gathering, is := d.Options.(encoders.Gathering); is && gathering.Gathers() != "" {
		return []string{gathering.Gathers()}
	}
	for _, name := range d.Options.Neurons() {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// listensTo checks that the neurons that a decoder names exist.
func (v *validator) listensTo(path string, opts encoders.DecoderOptions) {
	of := reflect.ValueOf(opts).Elem()
	for _, f := range strict.Fields(of.Type()) {
		if f.Tag.Get("neuron") == "" {
			continue
		}
		switch value := of.FieldByIndex(f.Index); value.Kind() {
		case reflect.String:
			v.names.Exists(path+"."+f.Key, value.String())
		case reflect.Slice:
			for i := range value.Len() {
				name := value.Index(i).FieldByName("Name").String()
				v.names.Exists(path+"."+f.Key+"."+name, name)
			}
		}
	}
}
