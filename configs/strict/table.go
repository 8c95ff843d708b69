package strict

import (
	"fmt"
	"reflect"
	"strings"
)

// TableOfKinds returns a Markdown table of kinds: the name of each, its own keys (required ones in bold), and what it is.
func TableOfKinds(name string, kinds []Kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | keys | what it is |\n|---|---|---|\n", name)
	for _, k := range kinds {
		var keys []string
		for _, f := range Fields(k.Type()) {
			key := "`" + f.Key + "`"
			if f.Tag.Get("required") == "true" {
				key = "**" + key + "**"
			}
			keys = append(keys, key)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, strings.Join(keys, ", "), cell(k.About))
	}
	return b.String()
}

// TableOfKeys returns a Markdown table of the keys of all kinds: what each is for, its default, and its limits or choices. Kinds
// that describe a key alike share a line.
func TableOfKeys(name string, kinds []Kind) string {
	type row struct{ key, about, preset, span string }
	var rows []row
	owners := map[row][]string{}
	for _, k := range kinds {
		for _, f := range Fields(k.Type()) {
			r := row{f.Key, Doc(f.Tag), f.Tag.Get("default"), span(f.Tag)}
			if owners[r] == nil {
				rows = append(rows, r)
			}
			owners[r] = append(owners[r], "`"+k.Name+"`")
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| key | %s | what it is | default | from, to |\n|---|---|---|---|---|\n", name)
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n",
			r.key, strings.Join(owners[r], ", "), cell(r.about), r.preset, cell(r.span))
	}
	return b.String()
}

// TableOfStruct returns a Markdown table of the keys of a struct, in the same columns. For a Union it has the keys that all kinds
// share.
func TableOfStruct(t reflect.Type) string {
	var b strings.Builder
	b.WriteString("| key | what it is | default | from, to |\n|---|---|---|---|\n")
	union, _ := KindsOf(t)
	for _, f := range Fields(t) {
		about, preset := Doc(f.Tag), f.Tag.Get("default")
		if f.Key == union {
			about = "which one, of those in the table"
		}
		if when := f.Tag.Get("when"); when != "" {
			about += "; only with " + inWords(when)
		}
		if needed := f.Tag.Get("required"); needed == "true" {
			preset = "required"
		} else if needed != "" {
			preset = "required with " + inWords(needed)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Key, cell(about), preset, cell(span(f.Tag)))
	}
	return b.String()
}

// inWords writes a condition such as kind=a,b for a table.
func inWords(condition string) string {
	key, values := Condition(condition)
	return "`" + key + "` " + strings.Join(values, " or ")
}

// span returns what a tag allows: limits or choices.
func span(tag reflect.StructTag) string {
	if ends := limits(tag); ends != "" {
		return ends
	}
	return strings.ReplaceAll(tag.Get("enum"), ",", ", ")
}

// limits returns the limits of a tag, in words; "" if it has none.
func limits(tag reflect.StructTag) string {
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

// cell escapes text for a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
