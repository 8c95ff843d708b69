package pairing

import (
	"reflect"
	"strings"
	"testing"
)

var whole = Ticket{Robot: "rover7", Addresses: []string{"rover7.local:8883", "[fe80::1]:8883", "10.0.0.7:8883"}, User: "ann@lab",
	Password: "pass/word, with: all & sorts$", ServerName: ServerName, Fingerprint: strings.Repeat("A", 43)}

// A line holds everything, on one line without a character that a shell would interpret.
func TestLine(t *testing.T) {
	line := whole.String()
	if i := strings.IndexFunc(line, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("./,:%_-", r))
	}); i >= 0 {
		t.Errorf("%q has %q", line, line[i])
	}
	for _, text := range []string{line, "  " + line + "\r\n"} {
		if got, err := Parse(text); err != nil || !reflect.DeepEqual(got, whole) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// What is no line is refused, with what was expected, and without the password. Each shorter line is: a paste may be cut off.
func TestParseRefuses(t *testing.T) {
	line := whole.String()
	for i := range line {
		if _, err := Parse(line[:i]); err == nil {
			t.Errorf("%q is taken for a whole line", line[:i])
		}
	}
	for text, says := range map[string]string{
		"":      "begins with fluxd1/",
		"hello": "begins with fluxd1/",
		strings.Replace(line, "fluxd1", "fluxd2", 1): "update fluxctl",
		line + "/more": "8 parts of 7",
		strings.Replace(line, "rover7/", "a%2Fb/", 1):            `robot name "a/b"`,
		strings.Replace(line, "rover7/", "a%1bb/", 1):            "robot name",
		strings.Replace(line, "ann%40lab", "config", 1):          "choose another name",
		strings.Replace(line, "rover7.local:8883", "nowhere", 1): "addresses",
		strings.Replace(line, "rover7.local", "%zz", 1):          "addresses",
		strings.Replace(line, "pass%2Fword", "%zz", 1):           "part 5",
		line + "A": "fingerprint",
		strings.Replace(line, "rover7.local:8883", strings.Repeat("a:1,", 17)+"a:1", 1): "20 addresses",
		strings.Repeat("x", MaxLine+1): "4097 bytes",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "word, with") {
			t.Errorf("%q: %v, want something with %q and no password", text, err, says)
		}
	}
}
