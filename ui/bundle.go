package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// libraries are the files that are kept of each npm package in sources/, beside its licence and its package.json, by the name
// under which they are imported.
var libraries = map[string]string{
	"preact":                   "preact/dist/preact.mjs",
	"preact/hooks":             "preact/hooks/dist/hooks.mjs",
	"@preact/signals":          "@preact/signals/dist/signals.module.js",
	"@preact/signals-core":     "@preact/signals-core/dist/signals-core.module.js",
	"htm":                      "htm/dist/htm.module.js",
	"uplot":                    "uplot/dist/uPlot.esm.js",
	"uplot/dist/uPlot.min.css": "uplot/dist/uPlot.min.css",
}

// asIs are the files of src/ that are part of the page as they are.
var asIs = []string{"index.html", "icon.svg"}

// bundle returns the files of the page by name. The same sources always make the same bytes.
func bundle() (map[string][]byte, error) {
	folder, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     folder,
		EntryPoints:       []string{"src/app.js"},
		Outdir:            "out", // never written
		Alias:             aliases(),
		Bundle:            true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone, // licences.txt has them whole
	})
	var wrong []error
	for _, message := range append(result.Errors, result.Warnings...) {
		where := "src"
		if at := message.Location; at != nil {
			where = fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column)
		}
		wrong = append(wrong, fmt.Errorf("%s: %s", where, message.Text))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	files := map[string][]byte{}
	for _, file := range result.OutputFiles {
		files[filepath.Base(file.Path)] = file.Contents
	}
	for _, name := range asIs {
		if files[name], err = os.ReadFile(filepath.Join("src", name)); err != nil {
			return nil, err
		}
	}
	if files["licences.txt"], err = licences(); err != nil {
		return nil, err
	}
	return files, nil
}

// aliases returns the files of the libraries, by the name under which they are imported.
func aliases() map[string]string {
	all := map[string]string{}
	for name, file := range libraries {
		all[name] = "./sources/" + file
	}
	return all
}

// packages returns the names of the npm packages that are in libraries.
func packages() []string {
	var names []string
	for name := range libraries {
		parts := strings.SplitN(name, "/", 3)
		if strings.HasPrefix(name, "@") {
			names = append(names, parts[0]+"/"+parts[1])
		} else {
			names = append(names, parts[0])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// licences returns the licences of all libraries: each asks that its text goes with every copy.
func licences() ([]byte, error) {
	var all bytes.Buffer
	all.WriteString("The dashboard contains these libraries.\n")
	for _, name := range packages() {
		text, err := os.ReadFile(filepath.Join("sources", name, "LICENSE"))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&all, "\n%s\n%s\n\n%s\n", name, strings.Repeat("-", len(name)), bytes.TrimSpace(text))
	}
	return all.Bytes(), nil
}

// compressed returns how many bytes the page has when each file is compressed for the way.
func compressed(files map[string][]byte) int {
	var all int
	for _, text := range files {
		var to bytes.Buffer
		w := gzip.NewWriter(&to)
		w.Write(text)
		w.Close()
		all += to.Len()
	}
	return all
}
