//go:build manual

package manual

import (
	"github.com/spf13/cobra"

	"fluxd/cmd/internal/manual/pages"
)

// Add adds the command.
func Add(root *cobra.Command) { root.AddCommand(pages.Command()) }
