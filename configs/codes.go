package configs

import (
	"reflect"
	"time"

	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/encoders"
)

// encode checks the encoder of a sensor that is read at intervals of every (-1: unknown). It converts the encoder's amounts into
// the unit of the sensor, if that is known.
func (v *validator) encode(path string, e *Encode, every time.Duration, unit string, known bool) {
	v.names.Exists(path+".to", e.To)
	if e.Weight != nil {
		v.weight(path+".weight", e)
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
	if ranging, is := e.Options.(encoders.Ranging); is {
		ranging.KeepDirection()
	}
	v.Check(path, e.Options)
}

// weight checks the units that each spike adds.
func (v *validator) weight(path string, e *Encode) {
	if *e.Weight == 0 {
		v.Fail(path, "0 has no effect: leave it out to fire the neuron")
	}
	if to := v.robot.Index[e.To]; to != nil {
		n := &v.robot.Network.Neurons[to[0]]
		if _, err := core.Water(*e.Weight, n.Leak); err != nil && n.Leak >= 0 {
			v.Fail(path, "onto %s: %v", n.Name, err)
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
	if winner, is := opts.(*encoders.WinnerTakeAllOpts); is {
		if winner.Label = actuatorKind(a.Device).Label; a.Options == nil {
			return // the device is unknown: choices may be words or numbers
		}
	}
	v.Check(path, opts)
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
