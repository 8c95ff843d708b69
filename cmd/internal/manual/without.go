//go:build !manual

package manual

import "github.com/spf13/cobra"

// Add adds nothing: this build is one that people install.
func Add(*cobra.Command) {}
