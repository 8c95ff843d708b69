// Command ui makes the dashboard's page: it bundles src/ and sources/ into ../bridge/dashboard/page, which the binary embeds. It
// needs Go and nothing else. It is a module by itself, so that fluxd does not depend on esbuild.
//
//	go run .           make the page
//	go run . -check    compare the page with what its sources make
//	go run . -fetch    get sources/ again from the npm registry, as package-lock.json names them
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// page is where the page is written to.
const page = "../bridge/dashboard/page"

func main() {
	check := flag.Bool("check", false, "compare the page with what its sources make, and write nothing")
	fetch := flag.Bool("fetch", false, "get sources/ from the npm registry, as package-lock.json names them")
	flag.Parse()
	if err := run(*check, *fetch); err != nil {
		fmt.Fprintln(os.Stderr, "ui:", err)
		os.Exit(1)
	}
}

func run(check, fetch bool) error {
	if fetch {
		return fetchSources("package-lock.json", "sources")
	}
	files, err := bundle()
	if err != nil {
		return err
	}
	if check {
		return compare(files, page)
	}
	return write(files)
}

// write writes the files of the page, removes what else is in its folder, and prints the sizes.
func write(files map[string][]byte) error {
	if err := os.MkdirAll(page, 0o755); err != nil {
		return err
	}
	there, err := os.ReadDir(page)
	if err != nil {
		return err
	}
	for _, entry := range there {
		if _, ours := files[entry.Name()]; !ours {
			if err := os.RemoveAll(filepath.Join(page, entry.Name())); err != nil {
				return err
			}
		}
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(page, name), files[name], 0o644); err != nil {
			return err
		}
		fmt.Printf("%8d  %s\n", len(files[name]), name)
		total += len(files[name])
	}
	fmt.Printf("%8d  bytes in all, %d compressed\n", total, compressed(files))
	return nil
}

// compare returns an error if a folder is not what the page's sources make, byte by byte.
func compare(files map[string][]byte, folder string) error {
	var wrong []error
	differs := func(name, how string) {
		wrong = append(wrong, fmt.Errorf("%s %s: run make ui and commit the result", filepath.Join(folder, name), how))
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		switch there, err := os.ReadFile(filepath.Join(folder, name)); {
		case errors.Is(err, os.ErrNotExist):
			differs(name, "is missing")
		case err != nil:
			wrong = append(wrong, err)
		case !bytes.Equal(there, files[name]):
			differs(name, "is not what ui/src makes")
		}
	}
	there, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, entry := range there {
		if _, ours := files[entry.Name()]; !ours {
			differs(entry.Name(), "has no source")
		}
	}
	return errors.Join(wrong...)
}
