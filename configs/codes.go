package configs

import (
	"reflect"
	"time"

	"fluxd/configs/strict"
	"fluxd/core"
	"fluxd/encoders"
)

// encode checks a code of a sensor that is read every so often, and turns its amounts into the unit in which the sensor measures;
// known says whether that is known.
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
		ranging.Settle()
	}
	v.Check(path, e.Options)
}

// weight checks what a spike pours.
func (v *validator) weight(path string, e *Encode) {
	if *e.Weight == 0 {
		v.Fail(path, "0 does nothing; leave it out to fire the neuron")
	}
	if to := v.robot.Index[e.To]; to != nil {
		n := &v.robot.Network.Neurons[to[0]]
		if _, err := core.Water(*e.Weight, n.Leak); err != nil && n.Leak >= 0 {
			v.Fail(path, "onto %s: %v", n.Name, err)
		}
	}
}

// decode checks what makes the commands of an actuator.
func (v *validator) decode(path string, a *Actuator) {
	opts := a.Decode.Options
	if opts == nil {
		return
	}
	v.listensTo(path, opts)
	if winner, is := opts.(*encoders.WinnerTakeAllOpts); is {
		if winner.Label = actuatorKind(a.Device).Label; a.Options == nil {
			return // they may be words or numbers
		}
	}
	v.Check(path, opts)
}

// listensTo checks the names of the neurons that options have.
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
