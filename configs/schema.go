package configs

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// Schema returns the JSON Schema (draft 2020-12) of a configuration, for editors. It knows keys, kinds, choices, defaults and what
// each is for; what belongs together only Load checks.
func Schema() []byte {
	schema := schemaOf(reflect.TypeFor[Robot](), "")
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "fluxd robot"
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // it is made of maps, strings and numbers
	}
	return text
}

const namePattern = "^[A-Za-z0-9_-]{1,64}$"

func schemaOf(t reflect.Type, tag reflect.StructTag) map[string]any {
	made := map[string]any{}
	switch t {
	case reflect.TypeFor[time.Duration]():
		made = map[string]any{"type": "string", "pattern": `^[0-9.]+ *(us|µs|ms|s|m|h)`, "examples": []string{"5ms"}}
	case reflect.TypeFor[Offset]():
		made = map[string]any{"type": "string", "pattern": `^-?[0-9.]+ *(us|µs|ms|s|m|h)`, "examples": []string{"-20us"}}
	case reflect.TypeFor[Frequency]():
		made = map[string]any{"type": "string", "pattern": `^[0-9.]+ *(mHz|Hz|kHz|MHz)$`, "examples": []string{"200 Hz"}}
	case reflect.TypeFor[Slew]():
		made = map[string]any{"type": "string", "pattern": `^[0-9.]+ */s$`, "examples": []string{"4/s"}}
	case reflect.TypeFor[Bytes]():
		made = map[string]any{"type": "string", "pattern": `^[0-9]+ *(KiB|MiB|GiB)$`, "examples": []string{"64 MiB"}}
	case reflect.TypeFor[Quantity]():
		made = map[string]any{"type": []string{"string", "number"}, "examples": []string{"0.9 m"}}
	case reflect.TypeFor[Raw]():
		made = map[string]any{}
	case reflect.TypeFor[Numbers](), reflect.TypeFor[Spans]():
		one := "number"
		if t == reflect.TypeFor[Spans]() {
			one = "string"
		}
		made = map[string]any{"type": []string{one, "array", "object"}, "items": map[string]any{"type": one},
			"properties": map[string]any{"min": map[string]any{"type": one}, "max": map[string]any{"type": one}}, "additionalProperties": false}
	case reflect.TypeFor[Choice]():
		made = map[string]any{"type": []string{"string", "number"}}
	default:
		switch t.Kind() {
		case reflect.Pointer:
			return schemaOf(t.Elem(), tag)
		case reflect.Struct:
			made = schemaOfStruct(t)
		case reflect.Array:
			made = map[string]any{"type": "array", "items": schemaOf(t.Elem(), ""), "minItems": t.Len(), "maxItems": t.Len()}
		case reflect.Slice:
			if element := t.Elem(); strings.HasPrefix(element.Name(), "Named[") {
				value, _ := element.FieldByName("Value")
				made = map[string]any{"type": "object", "additionalProperties": schemaOf(value.Type, ""), "propertyNames": map[string]any{"pattern": namePattern}}
			} else {
				made = map[string]any{"type": "array", "items": schemaOf(element, "")}
			}
		case reflect.Bool:
			made = map[string]any{"type": "boolean"}
		case reflect.Int, reflect.Uint64:
			made = map[string]any{"type": "integer"}
		case reflect.Float64:
			made = map[string]any{"type": "number"}
		case reflect.Uint16:
			made = map[string]any{"type": []string{"integer", "string"}}
		default:
			made = map[string]any{"type": "string"}
		}
	}
	if tag.Get("none") != "" {
		made = map[string]any{"anyOf": []any{made, map[string]any{"const": noneWord}}}
	}
	if doc := docOf(tag); doc != "" {
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

// docOf is what a key is for.
func docOf(tag reflect.StructTag) string {
	doc := tag.Get("doc")
	if none := tag.Get("none"); none != "" {
		doc += "; " + noneWord + ": " + none
	}
	return doc
}

func schemaOfStruct(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range fieldsOf(t) {
		properties[f.key] = schemaOf(t.Field(f.index).Type, f.tag)
		if f.tag.Get("required") == "true" {
			required = append(required, f.key)
		}
	}
	made := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		made["required"] = required
	} else {
		made["type"] = []string{"object", "null"} // "eye:" alone is all defaults
	}
	return made
}
