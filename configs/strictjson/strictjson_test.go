package strictjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"fluxd/configs/strictjson"
)

func Example() {
	data := []byte("{\"neurons\":\n  \"many\"}")
	var network struct {
		Neurons []int `json:"neurons"`
	}
	reader := json.NewDecoder(bytes.NewReader(data))
	if err := reader.Decode(&network); err != nil {
		fmt.Println(strictjson.Error("net.json", data, reader.InputOffset(), err))
	}
	// Output: net.json:2:9: neurons: got text: expected a list
}

func TestLocate(t *testing.T) {
	data := []byte("{\n \"a\": [1, {\"b\": 2}],\n \"c\": 3\n}")
	for path, want := range map[string][2]int{"a": {2, 7}, "a[0]": {2, 8}, "a[1].b": {2, 17}, "c": {3, 7}, "a[7]": {2, 7},
		"": {1, 1}} {
		if line, column := strictjson.Locate(data, path); line != want[0] || column != want[1] {
			t.Errorf("%s: %d:%d, want %d:%d", path, line, column, want[0], want[1])
		}
	}
	if keys := fmt.Sprint(strictjson.Keys(data), strictjson.Keys([]byte("[1]"))); keys != "[a c] []" {
		t.Errorf("keys %s", keys)
	}
}
