package tuning

import (
	"errors"
	"fmt"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/kept"
	"fluxd/configs"
)

// RestoreFrom applies the values that were tuned in the last run, before anything runs, and returns them; nil when there is no
// file yet. Values that this robot does not accept are left out; then the file is kept aside, as is a file that cannot be used at
// all.
func (t *Tuner) RestoreFrom(file *kept.File) (*configs.Overlay, error) {
	data, err := file.Read()
	if data == nil && err == nil {
		return nil, nil
	}
	var o *configs.Overlay
	if err == nil {
		if o, err = configs.ParseOverlay(file.Name, data); err != nil {
			err = file.Reject(err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("tuning: %w; the robot is as configured", err)
	}
	left, err := t.Restore(o)
	if err != nil {
		return nil, fmt.Errorf("tuning: %w; the robot is as configured", file.Reject(err))
	}
	if left == nil {
		return o, nil
	}
	err = file.Reject(errors.Join(left...))
	err = fmt.Errorf("tuning: some values were left out, the others are in effect: %w", err)
	return o, errors.Join(err, t.SaveTo(file, t.Revision()))
}

// SaveTo writes the tuned values for the next run, unless the file already has this revision or a later one; 0 writes always. The
// disk may be slow, so the goroutine that owns the network must not call it.
func (t *Tuner) SaveTo(file *kept.File, revision protocol.Revision) error {
	file.Lock() // before the values are read, so that they are written in the order in which they are read
	defer file.Unlock()
	if revision > 0 && t.saved >= revision {
		return nil
	}
	o := t.Overlay()
	text, err := o.Text()
	if err == nil {
		err = file.Write(text)
	}
	if err != nil {
		return fmt.Errorf("save tuned values: %w", err)
	}
	t.saved = protocol.Revision(o.Revision)
	return nil
}
