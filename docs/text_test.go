//go:build unix

package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	quoted = regexp.MustCompile("`((?:bin/)?flux(?:d|ctl)|make) ([a-z]+(?:-[a-z]+)*)([^`]*)`")
	flag   = regexp.MustCompile(`--[a-z][a-z-]*`)
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	noSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Commands within the text exist, with the flags that they are shown with, and so do targets of make.
func TestDocumentationNamesCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs")
	}
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]string{} // by program and command; "" for one that does not exist
	helpOf := func(program, command string) string {
		key := program + " " + command
		if _, known := help[key]; !known {
			all, err := exec.Command(filepath.Join(folder, program), "--help").CombinedOutput()
			if err != nil {
				t.Fatal(err)
			}
			if help[key] = ""; regexp.MustCompile(`(?m)^  ` + command + ` `).Match(all) {
				one, err := exec.Command(filepath.Join(folder, program), command, "--help").CombinedOutput()
				if err != nil {
					t.Fatalf("%s --help: %v", key, err)
				}
				help[key] = string(one)
			}
		}
		return help[key]
	}
	for _, path := range pages(t) {
		text, err := os.ReadFile("../" + path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			program, command, rest := strings.TrimPrefix(m[1], "bin/"), m[2], m[3]
			if program == "make" {
				if !regexp.MustCompile(`(?m)^` + command + `:`).Match(makefile) {
					t.Errorf("%s: %s: the Makefile has no target %s", path, m[0], command)
				}
				continue
			}
			said := helpOf(program, command)
			if said == "" {
				t.Errorf("%s: %s: %s has no command %s", path, m[0], program, command)
			}
			for _, f := range flag.FindAllString(rest, -1) {
				if said != "" && !strings.Contains(said, f) {
					t.Errorf("%s: %s: %s %s has no flag %s", path, m[0], program, command, f)
				}
			}
		}
	}
}

// docs/commands.md has a row for each command.
func TestDocumentationListsCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs")
	}
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"fluxd", "fluxctl"} {
		text, err := exec.Command(filepath.Join(folder, program), "--help").CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		_, list, found := strings.Cut(string(text), "Available Commands:\n")
		if list, _, found = strings.Cut(list, "\n\n"); !found {
			t.Fatalf("%s --help lists no commands:\n%s", program, text)
		}
		for line := range strings.Lines(list) {
			name := strings.Fields(line)[0]
			if name != "help" && name != "completion" && !strings.Contains(string(page), "`"+program+" "+name) {
				t.Errorf("docs/commands.md has no row for %s %s", program, name)
			}
		}
	}
}

// headings are the anchors of a page, as GitHub makes them.
func headings(text string) map[string]bool {
	anchors, fenced := map[string]bool{}, false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if title := strings.TrimLeft(line, "#"); !fenced && title != line && strings.HasPrefix(title, " ") {
			slug := noSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			anchors[strings.ReplaceAll(slug, " ", "-")] = true
		}
	}
	return anchors
}

// Links lead to a file of the source, and to a heading that the page has.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, path := range pages(t) {
		text, err := os.ReadFile("../" + path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join("..", filepath.Dir(path), file)
			if file == "" {
				target = "../" + path
			}
			there, err := os.Stat(target)
			if err != nil {
				t.Errorf("%s: link to %s: %v", path, m[1], err)
				continue
			}
			if anchor == "" || there.IsDir() {
				continue
			}
			page, err := os.ReadFile(target)
			if err != nil {
				t.Fatal(err)
			}
			if !headings(string(page))[anchor] {
				t.Errorf("%s: link to %s: the page has no such heading", path, m[1])
			}
		}
	}
}
