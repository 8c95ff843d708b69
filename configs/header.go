package configs

import "fluxd/boards/header"

// CanonicalPin is header.CanonicalPin.
func CanonicalPin(name string) string { return header.CanonicalPin(name) }

// CanonicalBus is header.CanonicalBus.
func CanonicalBus(name string) string { return header.CanonicalBus(name) }
