package configs

import "fluxd/boards/sim/worlds"

// World returns what the robot file says of the world that its simulated board is in; false on a real board, and where the file names a
// world that there is none of.
func (r *Robot) World() (worlds.Options, bool) {
	return r.Board.Options, r.Board.Kind == "sim" && r.Board.Options != nil
}

// WorldWiring says of each wire what a world knows of it.
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
