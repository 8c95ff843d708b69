package circuits

import "slices"

// Mistaken recognises files of other kinds by their keys, and says which command takes them; "" for none of them.
func Mistaken(keys []string) string {
	has := func(key string) bool { return slices.Contains(keys, key) }
	switch {
	case has("Nodes") && has("Edges"):
		return "this is a network of the TENNLab framework: fluxd import makes a robot of it"
	case has("format") && has("neurons") && has("synapses"):
		return "this is a network alone, as fluxd export prints it: fluxd play takes it"
	case has("tuned") && !has("network"):
		return "these are values that were tuned: fluxd run ROBOT --overlay takes them"
	}
	return ""
}
