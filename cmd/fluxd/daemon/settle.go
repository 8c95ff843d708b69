package daemon

import (
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/machine"
)

// settle asks the machine for what the configuration wants, and says once what it refuses.
func (r *Robot) settle(grant func(machine.Settings) machine.Granted) {
	want := r.config.Realtime
	r.granted = protocol.Realtime(grant(machine.Settings{LockMemory: want.LockMemory, Priority: want.Priority, MemoryLimit: int64(want.MemoryLimit)}))
	if r.granted.Refused != nil {
		r.log.Warn("the robot runs without all of its realtime settings", "refused", strings.Join(r.granted.Refused, "; "))
	}
}
