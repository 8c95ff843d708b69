package strict

import (
	"fmt"
	"reflect"
	"strings"
)

// Table returns the options of a struct, to which opts points, as a Markdown table: key, what it is for, default and limits.
func Table(opts any) string {
	var b strings.Builder
	b.WriteString("| key | what it is | default | from, to |\n|---|---|---|---|\n")
	for _, f := range Fields(reflect.TypeOf(opts).Elem()) {
		preset := f.Tag.Get("default")
		if f.Tag.Get("required") == "true" {
			preset = "(required)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Key, cell(Doc(f.Tag)), preset, cell(span(f.Tag)))
	}
	return b.String()
}

// Keys and what they are for, in one cell: see TableOfKinds.
func keysInCell(k Kind) string {
	var all []string
	for _, f := range Fields(k.Type()) {
		var notes []string
		if preset := f.Tag.Get("default"); preset != "" && preset != "false" {
			notes = append(notes, preset)
		}
		if choices := f.Tag.Get("enum"); choices != "" {
			notes = append(notes, strings.ReplaceAll(choices, ",", ", "))
		} else if s := span(f.Tag); s != "" {
			notes = append(notes, s)
		}
		text := "`" + f.Key + "`"
		if len(notes) > 0 {
			text += " (" + strings.Join(notes, "; ") + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// TableOfKinds returns kinds as a Markdown table, a line each: name, its own keys with defaults and limits, what it is.
func TableOfKinds(name string, kinds []Kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | keys | what it is |\n|---|---|---|\n", name)
	for _, k := range kinds {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, cell(keysInCell(k)), cell(k.About))
	}
	return b.String()
}

// span is what the limits of a tag say.
func span(tag reflect.StructTag) string {
	low, high, above := tag.Get("min"), tag.Get("max"), tag.Get("above")
	switch {
	case low != "" && high != "":
		return low + " to " + high
	case above != "" && high != "":
		return "more than " + above + ", at most " + high
	case low != "":
		return "at least " + low
	case high != "":
		return "at most " + high
	case above != "":
		return "more than " + above
	}
	return ""
}

// cell is text in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
