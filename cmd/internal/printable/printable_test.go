package printable

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// Control sequences, invisible characters and texts that are not UTF-8 become replacement characters. Other text stays as it is.
func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"eye 5 µm\tok\n": "eye 5 µm\tok\n",
		"\x1b[2Jred":     "\ufffd[2Jred",
		"a\u202eb\r\x00": "a\ufffdb\ufffd\ufffd",
		"no\u00a0break":  "no break",
		"\xff\xfe":       "\ufffd\ufffd",
	} {
		if got := Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		var b strings.Builder
		if n, err := fmt.Fprint(Writer{&b}, text); n != len(text) || err != nil || b.String() != want {
			t.Errorf("%q: wrote %q, %d, %v", text, b.String(), n, err)
		}
	}
	if got := Line("one\ntwo\tthree\a"); got != "one two three\ufffd" {
		t.Errorf("%q", got)
	}
}

// Texts in JSON become printable at every depth, keys too. Numbers keep all their digits.
func TestDecode(t *testing.T) {
	var got any
	if err := Decode([]byte(`{"a\u001b": ["b\nc", {"d": "e\u0007"}], "n": 1.5}`), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a\ufffd": []any{"b c", map[string]any{"d": "e\ufffd"}}, "n": 1.5}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%#v, want %#v", got, want)
	}
	var n struct{ N int64 }
	if err := Decode([]byte(`{"N": 9007199254740993}`), &n); err != nil || n.N != 9007199254740993 {
		t.Errorf("%d, %v", n.N, err)
	}
	if err := Decode([]byte(`{"a": `), &got); err == nil {
		t.Error("half a message was read")
	}
}
