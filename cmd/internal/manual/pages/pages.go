// Package pages writes the manual pages and shell completions of a program from its tree of commands.
//
//	root.AddCommand(pages.Command())
//
// "fluxd manual DIR" then writes DIR/man1/fluxd.1, a page for each of its commands, and DIR/fluxd.bash, .zsh and .fish.
package pages

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"fluxd/cmd/internal/usage"
)

// Command returns the command "manual DIR" of a program. It writes the pages of the program's root command, and of all that the
// root has. The pages have the date of --date, so that the same source gives the same bytes.
func Command() *cobra.Command {
	var date, version string
	c := &cobra.Command{
		Use: "manual DIR", Short: "Write manual pages and shell completions", Hidden: true, Args: usage.Args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			day, err := time.Parse(time.DateOnly, date)
			if err != nil {
				return fmt.Errorf("--date %q: expected a day such as 2026-11-27", date)
			}
			return write(c.Root(), args[0], day, version)
		},
	}
	c.Flags().StringVar(&date, "date", time.Unix(0, 0).UTC().Format(time.DateOnly), "the `day` in the pages' footers")
	c.Flags().StringVar(&version, "of", "", "the `version` in the pages' footers")
	return c
}

// write writes the files. It changes the tree of commands, which runs nothing afterwards.
func write(root *cobra.Command, folder string, day time.Time, version string) error {
	pages := filepath.Join(folder, "man1")
	if err := os.MkdirAll(pages, 0o755); err != nil {
		return err
	}
	for ending, generate := range map[string]func(name string) error{
		"bash": func(name string) error { return root.GenBashCompletionFileV2(name, true) },
		"zsh":  root.GenZshCompletionFile,
		"fish": func(name string) error { return root.GenFishCompletionFile(name, true) },
	} {
		if err := generate(filepath.Join(folder, root.Name()+"."+ending)); err != nil {
			return err
		}
	}
	for _, c := range root.Commands() {
		if c.Name() == "completion" || c.Name() == "help" { // every cobra program has them, and a package brings the completions
			root.RemoveCommand(c)
		}
	}
	root.DisableAutoGenTag = true
	plain(root)
	return doc.GenManTreeFromOpts(root, doc.GenManTreeOptions{Path: pages, CommandSeparator: "-", Header: &doc.GenManHeader{
		Section: "1", Date: &day, Source: cmp.Or(strings.TrimSpace(root.Name()+" "+version), root.Name()), Manual: root.Short}})
}

// plain prepares the texts of commands for cobra, which reads them as Markdown: indented lines stay as they are written, and
// signs that mean something in Markdown stand for themselves.
func plain(c *cobra.Command) {
	c.Long = markdown(cmp.Or(c.Long, c.Short+"."))
	escape := func(f *pflag.Flag) { f.Usage = signs.ReplaceAllString(f.Usage, `\$0`) }
	c.LocalNonPersistentFlags().VisitAll(escape)
	c.PersistentFlags().VisitAll(escape)
	for _, child := range c.Commands() {
		plain(child)
	}
}

// signs are those that Markdown reads. A backquote stays: in the text of a flag it marks the name of the value.
var signs = regexp.MustCompile(`[\\*_{}\[\]<>#|~]`)

// markdown turns the text of a command into Markdown: indented lines become a block that is shown as it is written.
func markdown(text string) string {
	var b strings.Builder
	block := false
	for line := range strings.Lines(text + "\n") {
		line = strings.TrimRight(line, "\n")
		switch indented := strings.HasPrefix(line, "  "); {
		case indented && !block:
			b.WriteString("\n```\n")
			block = true
		case !indented && block && line != "":
			b.WriteString("```\n\n")
			block = false
		}
		if !block {
			line = signs.ReplaceAllString(line, `\$0`)
		}
		b.WriteString(line + "\n")
	}
	if block {
		b.WriteString("```\n")
	}
	return strings.TrimSpace(b.String())
}
