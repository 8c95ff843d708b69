package configs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"fluxd/configs/strict"
)

// conforms checks a value against the parts of JSON Schema that Schema uses.
func conforms(t *testing.T, path string, schema map[string]any, value any) {
	t.Helper()
	if choices, ok := schema["anyOf"].([]any); ok { // a number, or the word none
		if value == choices[1].(map[string]any)["const"] {
			return
		}
		schema = choices[0].(map[string]any)
	}
	if _, typed := schema["type"]; !typed && schema["enum"] == nil {
		return // anything: what stands within a circuit
	}
	kind := map[reflect.Kind]string{reflect.Map: "object", reflect.Slice: "array", reflect.String: "string", reflect.Bool: "boolean",
		reflect.Int: "integer", reflect.Float64: "number"}[reflect.ValueOf(value).Kind()]
	if value == nil {
		kind = "null"
	}
	allowed := []any{schema["type"]}
	if several, ok := schema["type"].([]any); ok {
		allowed = several
	}
	if !slices.Contains(allowed, any(kind)) && !(kind == "integer" && slices.Contains(allowed, any("number"))) {
		t.Errorf("%s: %v is of type %s, expected %v", path, value, kind, allowed)
	}
	if choices, ok := schema["enum"].([]any); ok && !slices.Contains(choices, value) {
		t.Errorf("%s: %v is none of %v", path, value, choices)
	}
	switch value := value.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for key, one := range value {
			of, known := properties[key].(map[string]any)
			if !known {
				of, known = schema["additionalProperties"].(map[string]any)
			}
			if !known {
				t.Errorf("%s: key %s is unknown", path, key)
				continue
			}
			conforms(t, strict.Join(path, key), of, one)
		}
		required, _ := schema["required"].([]any)
		for _, key := range required {
			if _, present := value[key.(string)]; !present {
				t.Errorf("%s: %s is missing", path, key)
			}
		}
	case []any:
		for _, one := range value {
			conforms(t, path+"[]", schema["items"].(map[string]any), one)
		}
	}
}

// The schema accepts the robots that Load accepts.
func TestGoodRobotsConformToSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("draft %v", schema["$schema"])
	}
	for _, pattern := range []string{"robots/*.yaml", "testdata/good/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var value map[string]any
			if err := yaml.Unmarshal(data, &value); err != nil {
				t.Fatal(err)
			}
			conforms(t, file, schema, value)
		}
	}
}

// The tags make sense: conditions name keys and choices that exist, defaults can be read, every key has a doc tag.
func TestTags(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			visit(of.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[of] {
			return
		}
		seen[of] = true
		if strings.HasPrefix(of.Name(), "Named[") {
			value, _ := of.FieldByName("Value")
			visit(value.Type)
			return
		}
		fields := strict.Fields(of)
		union, kinds := strict.KindsOf(of)
		for _, k := range kinds {
			visit(k.Type())
		}
		for _, f := range fields {
			where := of.Name() + "." + f.Key
			if f.Tag.Get("doc") == "" && f.Key != union { // the kinds explain the union's key
				t.Errorf("%s: expected a doc tag", where)
			}
			for _, tag := range []string{"when", "required"} {
				text := f.Tag.Get(tag)
				if text == "" || text == "true" {
					continue
				}
				key, values := strict.Condition(text)
				i := slices.IndexFunc(fields, func(f strict.Field) bool { return f.Key == key })
				if i < 0 {
					t.Errorf("%s: %s: no key %s beside it", where, tag, key)
					continue
				}
				for _, value := range values {
					if !slices.Contains(strings.Split(fields[i].Tag.Get("enum"), ","), value) {
						t.Errorf("%s: %s: %s is never %s", where, tag, key, value)
					}
				}
			}
			if f.Tag.Get("default") != "" {
				d, err := strict.NewDecoder("tags", []byte(f.Tag.Get("default")))
				if err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				alone := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "Value", Type: f.Type, Tag: f.Tag}}))
				d.Value(&yaml.Node{Kind: yaml.MappingNode}, alone.Interface(), "", 0)
				if err := d.Err(); err != nil {
					t.Errorf("%s: default: %v", where, err)
				}
			}
			visit(f.Type)
		}
	}
	visit(reflect.TypeFor[Robot]())
}

// The schema requires the keys that all kinds require.
func TestSchemaRequiresWhatAllKindsDo(t *testing.T) {
	type part struct{ Required []string }
	var schema struct {
		Properties struct {
			Expanders struct{ AdditionalProperties part }
			Actuators struct {
				AdditionalProperties struct{ Properties struct{ Decode part } }
			}
		}
	}
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if got := schema.Properties.Expanders.AdditionalProperties.Required; !slices.Equal(got, []string{"device", "address", "bus"}) {
		t.Errorf("expanders: %v", got)
	}
	got := schema.Properties.Actuators.AdditionalProperties.Properties.Decode.Required
	if !slices.Equal(got, []string{"kind"}) {
		t.Errorf("decoders: %v", got)
	}
}

// The schema has exactly the keys of the types, each with its choices and description.
func TestSchemaHasEveryKey(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	keys := 0
	var visit func(string, reflect.Type, map[string]any)
	visit = func(path string, of reflect.Type, schema map[string]any) {
		switch {
		case of.Kind() == reflect.Struct && strict.IsLeaf(of):
		case of.Kind() == reflect.Pointer:
			visit(path, of.Elem(), schema)
		case of.Kind() == reflect.Slice && strings.HasPrefix(of.Elem().Name(), "Named["):
			value, _ := of.Elem().FieldByName("Value")
			visit(path+".*", value.Type, schema["additionalProperties"].(map[string]any))
		case of.Kind() == reflect.Slice:
			visit(path+"[]", of.Elem(), schema["items"].(map[string]any))
		case of.Kind() == reflect.Struct:
			fields := strict.Fields(of)
			properties, _ := schema["properties"].(map[string]any)
			union, kinds := strict.KindsOf(of)
			all := map[string]bool{}
			for _, f := range fields {
				all[f.Key] = true
			}
			for _, k := range kinds {
				for _, f := range strict.Fields(k.Type()) {
					keys++
					all[f.Key] = true
					property, ok := properties[f.Key].(map[string]any)
					if text, _ := property["description"].(string); !ok || !strings.Contains(text, strict.Doc(f.Tag)) ||
						!strings.Contains(text, k.Name) {
						t.Errorf("%s: property %s of %s: %v", path, f.Key, k.Name, property)
					}
				}
			}
			if len(properties) != len(all) || schema["additionalProperties"] != false {
				t.Errorf("%s: %d properties and additionalProperties %v: expected the %d keys of the type and no other", path,
					len(properties), schema["additionalProperties"], len(all))
			}
			for _, f := range fields {
				keys++
				property, ok := properties[f.Key].(map[string]any)
				if f.Key == union {
					continue
				}
				text, _ := property["description"].(string)
				if limits, said := strings.CutPrefix(text, strict.Doc(f.Tag)); !ok || !said ||
					!strings.HasSuffix(limits, f.Tag.Get("min")+f.Tag.Get("max")) &&
						!strings.HasSuffix(limits, f.Tag.Get("min")+" to "+f.Tag.Get("max")) {
					t.Errorf("%s: property %s: %v", path, f.Key, property)
					continue
				}
				var choices []string
				all, _ := property["enum"].([]any)
				for _, one := range all {
					choices = append(choices, one.(string))
				}
				if strings.Join(choices, ",") != f.Tag.Get("enum") {
					t.Errorf("%s: property %s: choices %v, expected %s", path, f.Key, choices, f.Tag.Get("enum"))
				}
				visit(strict.Join(path, f.Key), f.Type, property)
			}
		}
	}
	visit("", reflect.TypeFor[Robot](), schema)
	if keys < 50 {
		t.Errorf("%d keys: expected to have seen the whole tree", keys)
	}
}
