package bench

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"fluxd/configs"
	"fluxd/core"
)

func TestReadNetwork(t *testing.T) {
	n, err := ReadNetwork("net.txt", strings.NewReader("2 2 60 -60 1 30\n0 1 4 10\r\n1 0 -10 1  \n\n"))
	want := &Network{Name: "net.txt", Neurons: 2, Threshold: 60, Floor: -60, Inputs: 1, Input: 30,
		Synapses: []core.Synapse{{From: 0, To: 1, Weight: 4, Delay: 10_000}, {From: 1, To: 0, Weight: -10, Delay: 1_000}}}
	if err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestNetworksSurviveBeingWritten(t *testing.T) {
	var text bytes.Buffer
	if err := WriteNetwork(&text, "c"); err != nil {
		t.Fatal(err)
	}
	n, err := ReadNetwork("c", &text)
	if want := recipes["c"].generate("c"); err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("%v", err)
	}
}

func TestReadNetworkRefuses(t *testing.T) {
	const head = "2 1 60 -60 1 30\n"
	for text, says := range map[string]string{
		"": `net.txt:1:1: "": expected 6 numbers: ` +
			"neurons synapses threshold floor inputs_per_step input",
		"\n":                                  `net.txt:1:1: "": expected 6 numbers`,
		"2 1 60 -60 1\n":                      `net.txt:1:1: "2 1 60 -60 1": expected 6 numbers`,
		"2 1 60 -60 1 30 7\n":                 `net.txt:1:1: "2 1 60 -60 1 30 7": expected 6 numbers`,
		"two 1 60 -60 1 30\n":                 `net.txt:1:1: "two": expected a whole number for neurons`,
		"0 1 60 -60 1 30\n":                   "net.txt:1:1: neurons 0: expected 1 to 2147483647",
		"2 -1 60 -60 1 30\n":                  "net.txt:1:1: synapses -1: expected 0 to",
		"2 1 0 -60 1 30\n":                    "net.txt:1:1: threshold 0: expected 1 to 2147483",
		"2 1 60 1 1 30\n":                     "net.txt:1:1: floor 1: expected -2147483 to 0",
		"2 1 60 -60 -1 30\n":                  "net.txt:1:1: inputs_per_step -1: expected 0 to",
		"2 1 60 -60 1 2147484\n":              "net.txt:1:1: input 2147484: expected -2147483 to 2147483",
		head:                                  "net.txt:2:1: the file ends after 0 synapses: expected 1, as line 1 says",
		head + "\n":                           `net.txt:2:1: "": expected 4 numbers: from to weight delay`,
		head + "0 1 4\n":                      `net.txt:2:1: "0 1 4": expected 4 numbers: from to weight delay`,
		head + "0 1 4 10 1":                   `net.txt:2:1: "0 1 4 10 1": expected 4 numbers`,
		head + "0 1 4.5 10\n":                 `net.txt:2:1: "4.5": expected a whole number for weight`,
		head + "2 1 4 10\n":                   "net.txt:2:1: from 2: expected 0 to 1",
		head + "0 -1 4 10\n":                  "net.txt:2:1: to -1: expected 0 to 1",
		head + "0 1 0 10\n":                   "net.txt:2:1: weight 0 does nothing: leave the synapse out",
		head + "0 1 4 0\n":                    "net.txt:2:1: delay 0: expected 1 to 3600000",
		head + "0 1 4 99999999999999999999\n": `net.txt:2:1: "99999999999999999999": expected a whole number for delay`,
		head + "0 1 4 1\n1 0 4 1\n": `net.txt:3:1: "1 0 4 1" after the last of 1 synapses: ` +
			"expected nothing, or a larger number in line 1",
		head + "0 1 " + strings.Repeat("7", 100): `net.txt:2:1: "` + strings.Repeat("7", 40) +
			`...": expected a whole number for weight`,
		head + "0 1 " + strings.Repeat(" ", 100_000): "net.txt:2:1: a line of more than 65536 characters: expected a few numbers",
	} {
		_, err := ReadNetwork("net.txt", strings.NewReader(text))
		var all configs.Errors
		if !errors.As(err, &all) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: %v, want %s", text, err, says)
		}
	}
	if _, err := ReadNetwork("net.txt", iotest.ErrReader(errors.New("disk on fire"))); err == nil ||
		err.Error() != "net.txt: disk on fire" {
		t.Error(err)
	}
}

func FuzzReadNetwork(f *testing.F) {
	f.Add("2 1 60 -60 1 30\n0 1 4 10\n")
	f.Add("2 4000000000 60 -60 1 30\n0 1 4 10\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ReadNetwork("net.txt", strings.NewReader(text))
		if err != nil || n.Neurons > 1_000 {
			return
		}
		if _, err := singleCore(n.Description()); err != nil {
			t.Errorf("%q: the reader accepted a network that the engine refuses: %v", text, err)
		}
	})
}
