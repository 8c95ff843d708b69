// Package manual adds the hidden command "manual" to a program, which writes its manual pages and shell completions, for
// packages. Only a build with the tag "manual" has it: cobra's generator would add 0.27 MB to each program that people install.
//
//	manual.Add(root) // at last
//
// "go run -tags manual ./cmd/fluxd manual DIR" then writes them: see package pages.
package manual
