package strict

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/configs/amounts"
)

// Schema returns the JSON Schema (draft 2020-12) of a type, for editors. It has keys, kinds, choices, defaults and descriptions.
// It does not say which keys of a kind belong together.
func Schema(t reflect.Type, title string) []byte {
	schema := schemaOf(t, "")
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = title
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // maps, strings and numbers can always be marshalled
	}
	return text
}

const namePattern = "^[A-Za-z0-9_-]{1,64}$"

func schemaOf(t reflect.Type, tag reflect.StructTag) map[string]any {
	made := map[string]any{}
	switch t {
	case reflect.TypeFor[time.Duration]():
		made = map[string]any{"type": "string", "pattern": `^[0-9.]+ *(us|µs|ms|s|m|h)`, "examples": []string{"5ms"}}
		if strings.HasPrefix(tag.Get("min"), "-") {
			made["pattern"], made["examples"] = `^-?[0-9.]+ *(us|µs|ms|s|m|h)`, []string{"-20us"}
		}
	case reflect.TypeFor[physic.Frequency]():
		made = map[string]any{"type": "string", "pattern": `^[0-9.]+ *(mHz|Hz|kHz|MHz)$`, "examples": []string{"200 Hz"}}
	case reflect.TypeFor[Bytes]():
		made = map[string]any{"type": "string", "pattern": `^[0-9]+ *(KiB|MiB|GiB)$`, "examples": []string{"64 MiB"}}
	default:
		if own, is := reflect.New(t).Interface().(Value); is {
			made = own.Schema()
		} else {
			made = schemaOfKind(t, tag)
		}
	}
	if tag.Get("none") != "" {
		made = map[string]any{"anyOf": []any{made, map[string]any{"const": noneWord}}}
	}
	if doc := Doc(tag); doc != "" {
		if ends := limits(tag); ends != "" {
			doc += "; " + ends
		}
		made["description"] = doc
	}
	if choices := tag.Get("enum"); choices != "" {
		made["enum"] = strings.Split(choices, ",")
	}
	if preset := tag.Get("default"); preset != "" {
		made["default"] = preset
		var value any
		if json.Unmarshal([]byte(preset), &value) == nil {
			made["default"] = value
		}
	}
	return made
}

// schemaOfKind returns the schema of a type without a special form.
func schemaOfKind(t reflect.Type, tag reflect.StructTag) map[string]any {
	unit, hasUnit := tag.Lookup("unit")
	physical, isPhysical := scales[t]
	switch {
	case isAmount(t):
		return map[string]any{"type": []string{"string", "number"}, "examples": []string{"0.9 m"}}
	case isChoice(t):
		return map[string]any{"type": []string{"string", "number"}}
	case isPhysical:
		return map[string]any{"type": []string{"string", "number"}, "examples": []string{"20 " + physical.unit}}
	case t.Kind() == reflect.Int64 && hasUnit && unit == "":
		return map[string]any{"type": "number"}
	case t.Kind() == reflect.Int64 && hasUnit && unit == "1"+amounts.PerSecond:
		return map[string]any{"type": "string", "pattern": `^[0-9.]+ */s$`, "examples": []string{"4/s"}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), valueTag(tag))
	case reflect.Struct:
		return schemaOfStruct(t)
	case reflect.Array:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), valueTag(tag)),
			"minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Slice:
		element := t.Elem()
		if !strings.HasPrefix(element.Name(), "Named[") {
			return map[string]any{"type": "array", "items": schemaOf(element, valueTag(tag))}
		}
		value, _ := element.FieldByName("Value")
		return map[string]any{"type": "object", "additionalProperties": schemaOf(value.Type, ""),
			"propertyNames": map[string]any{"pattern": namePattern}}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Uint64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Uint16:
		return map[string]any{"type": []string{"integer", "string"}}
	}
	return map[string]any{"type": "string"}
}

// valueTag returns the part of a list's tag that says how its elements are written.
func valueTag(tag reflect.StructTag) reflect.StructTag {
	var kept []string
	for _, key := range []string{"unit", "min"} {
		if text, is := tag.Lookup(key); is {
			kept = append(kept, key+":"+strconv.Quote(text))
		}
	}
	return reflect.StructTag(strings.Join(kept, " "))
}

// Doc returns the description of a key.
func Doc(tag reflect.StructTag) string {
	doc := tag.Get("doc")
	if none := tag.Get("none"); none != "" {
		doc += "; " + noneWord + ": " + none
	}
	return doc
}

func schemaOfStruct(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var required []string
	union, kinds := KindsOf(t)
	for _, f := range Fields(t) {
		if f.Key == union {
			f = discriminator(f, kinds)
		}
		properties[f.Key] = schemaOf(f.Type, f.Tag)
		if f.Tag.Get("required") == "true" {
			required = append(required, f.Key)
		}
	}
	all := keysOfKinds(kinds)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		owners := all[key]
		properties[key] = schemaOfOwned(owners)
		if len(owners) == len(kinds) && !slices.ContainsFunc(owners, func(o owned) bool { return !o.required }) {
			required = append(required, key) // by every kind
		}
	}
	made := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		made["required"] = required
	} else {
		made["type"] = []string{"object", "null"} // "eye:" alone has all defaults
	}
	return made
}

// owned is an option of one kind.
type owned struct {
	kind     string
	schema   map[string]any
	required bool
}

// keysOfKinds returns the options of all kinds, by key.
func keysOfKinds(kinds []Kind) map[string][]owned {
	all := map[string][]owned{}
	for _, k := range kinds {
		for _, f := range Fields(k.Type()) {
			all[f.Key] = append(all[f.Key], owned{k.Name, schemaOf(f.Type, f.Tag), f.Tag.Get("required") == "true"})
		}
	}
	return all
}

// schemaOfOwned returns the schema of a key that several kinds have: the parts that are equal, and the description of each kind.
func schemaOfOwned(owners []owned) map[string]any {
	made := maps.Clone(owners[0].schema)
	var kinds, about []string
	for _, o := range owners {
		kinds = append(kinds, o.kind)
		about = append(about, fmt.Sprintf("%s: %v", o.kind, o.schema["description"]))
		for key, value := range made {
			if !reflect.DeepEqual(value, o.schema[key]) {
				delete(made, key)
			}
		}
	}
	if made["description"] == nil {
		made["description"] = strings.Join(about, "; ")
	}
	made["description"] = fmt.Sprintf("%v (%s)", made["description"], strings.Join(kinds, ", "))
	return made
}
