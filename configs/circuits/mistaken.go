package circuits

import "slices"

// Mistaken recognises a file of another kind by its keys, and says which command reads it; "" if it is none of them.
func Mistaken(keys []string) string {
	has := func(key string) bool { return slices.Contains(keys, key) }
	switch {
	case has("Nodes") && has("Edges"):
		return "this is a network of the TENNLab framework: fluxd import makes a robot file of it"
	case has("format") && has("neurons") && has("synapses"):
		return "this is a network alone, as fluxd export prints it: fluxd play reads it"
	case has("tuned") && !has("network"):
		return "these are tuned values: fluxd run ROBOT --overlay reads them"
	}
	return ""
}
