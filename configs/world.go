package configs

import "fluxd/boards/sim/worlds"

// World returns the options of the simulated board's world. It returns false for a real board, and for a world that does not
// exist.
func (r *Robot) World() (worlds.Options, bool) {
	return r.Board.Options, r.Board.Kind == "sim" && r.Board.Options != nil
}

// WorldWiring converts wires to those of package worlds.
func WorldWiring(wires []Connection) []worlds.Connection {
	wiring := make([]worlds.Connection, len(wires))
	for i, c := range wires {
		wiring[i] = worlds.Connection{
			Name: c.Name, Device: c.Device, Role: c.Role, Pin: c.Pin, Bus: c.Bus, Address: c.Address,
			Input: c.Direction == "in", ActiveLow: c.ActiveLow,
		}
	}
	return wiring
}
