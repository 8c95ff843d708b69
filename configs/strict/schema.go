package strict

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// Schema returns the JSON Schema (draft 2020-12) of a type, for editors. It knows keys, kinds, choices, defaults and what each is for;
// what belongs together only its validation checks.
func Schema(t reflect.Type, title string) []byte {
	schema := schemaOf(t, "")
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = title
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
	default:
		if own, is := reflect.New(t).Interface().(Value); is {
			made = own.Schema()
		} else {
			made = schemaOfKind(t)
		}
	}
	if tag.Get("none") != "" {
		made = map[string]any{"anyOf": []any{made, map[string]any{"const": noneWord}}}
	}
	if doc := Doc(tag); doc != "" {
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

// schemaOfKind is that of a type by its kind.
func schemaOfKind(t reflect.Type) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), "")
	case reflect.Struct:
		return schemaOfStruct(t)
	case reflect.Array:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), ""), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Slice:
		element := t.Elem()
		if !strings.HasPrefix(element.Name(), "Named[") {
			return map[string]any{"type": "array", "items": schemaOf(element, "")}
		}
		value, _ := element.FieldByName("Value")
		return map[string]any{"type": "object", "additionalProperties": schemaOf(value.Type, ""), "propertyNames": map[string]any{"pattern": namePattern}}
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

// Doc is what a key is for.
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
	for _, f := range Fields(t) {
		properties[f.Key] = schemaOf(t.Field(f.Index).Type, f.Tag)
		if f.Tag.Get("required") == "true" {
			required = append(required, f.Key)
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
