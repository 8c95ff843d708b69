package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/views"
	"fluxd/cmd/internal/picture"
)

// Hostile text: control sequences that a terminal obeys, invisible characters and bytes that are not UTF-8, raw and as JSON may
// carry them. The mark shows that the text has been printed.
const (
	mark   = "MARK"
	noText = "\xff\xfe\xc0\xaf\xed\xa0\x80"
	raw    = mark + "\x1b[2J\u009b31m\r\u202e\x00\a\b\v\f\x7f\u2028\u200b\ue000" + noText
	inJSON = mark + `\u001b[2J\u009b31m\r\u202e\u0000\u0007\b\u000b\f\u007f\u2028\u200b\ue000\ud800` +
		"\x7f\u009b31m\u202e" + noText
)

// hostile replaces each @ in a JSON text with hostile text.
func hostile(text string) string { return strings.ReplaceAll(text, "@", inJSON) }

// mustBeText fails if a text contains characters that are not printable, or if the hostile text has not reached it.
func mustBeText(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: it is not UTF-8: %q", what, text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			t.Errorf("%s: it has %U: %q", what, r, text)
			break
		}
	}
	if !strings.Contains(text, mark) {
		t.Errorf("%s: it does not contain the hostile text: %q", what, text)
	}
}

// hostileRobot is a client that poses as a robot and puts hostile text into each of its texts.
func hostileRobot(t *testing.T, url string) stranger {
	t.Helper()
	s, robot := newStranger(t, url), protocol.Topics("bad")
	answers := map[string]string{
		"get":       `"warning":"@","values":{"eye/threshold":{"v":1,"src":"@","min":1,"max":500},"@":{"v":1,"src":"@"}}`,
		"set":       `"rev":1,"warning":"@","error":{"code":"@","path":"@","min":1,"max":2,"message":"@"}`,
		"reset":     `"rev":2,"warning":"@","applied":{"eye/threshold":5,"@":1}`,
		"save":      `"warning":"@"`,
		"load":      `"error":{"code":"@","message":"@"}`,
		"reward":    `"error":{"code":"@","path":"eye/threshold","min":1,"max":2,"message":"@"}`,
		"stimulate": `"warning":"@","spikes":1`,
		"watch":     ``,
		"load_robot": `"warning":"","robot":{"own":"@","last":"@","folder":"@","trial":true,"left_s":1,` +
			`"runs":{"sha256":"@","by":"@","ts":9000000000000000000},"waits":{"sha256":"@","by":"@","ts":-1}}`,
		"zero": `"was":1e308,"warning":"@"`,
	}
	s.wait(s.Subscribe(robot.Request("+"), 1, func(c paho.Client, m paho.Message) {
		var request protocol.Request
		verb := strings.TrimPrefix(m.Topic(), robot.Request(""))
		if json.Unmarshal(m.Payload(), &request) != nil {
			return
		}
		answer := strings.TrimSuffix(fmt.Sprintf(`{"id":%q,%s`, request.ID, hostile(answers[verb])), ",")
		c.Publish(robot.Response(verb), 1, false, answer+"}")
	}))
	for topic, text := range map[string]string{
		robot.Describe(): `{"parameters":[{"path":"eye/threshold","unit":"@","min":1,"max":500},{"path":"@","unit":"@"}],
			"neurons":[{"name":"@","count":1}],"rewards":["@"],"sensors":[{"name":"@","kind":"@","unit":"@"}]}`,
		robot.Param("eye/threshold"): `{"v":1,"rev":1,"src":"@"}`,
		robot.Event("warning"):       `{"ts":0,"code":"@","text":"@"}`,
		robot.Event("info"):          "@",
		robot.Sensors():              `{"@":{"value":"@","unit":"@","age_s":1},"eye":{"value":1,"unit":"@"}}`,
		robot.Actuators():            `{"@":{"value":"@","unit":"@","age_s":1}}`,
		robot.Health():               `{"safety":{"state":"armed","by":"@","held":{"@":["@"]},"stale":["@"]}}`,
	} {
		s.retain(topic, hostile(text))
	}
	s.retain(robot.Event("error"), raw)
	s.retain(robot.Spikes(), string(protocol.EncodeSpikes(nil, []protocol.Spike{{At: 1500, Neuron: 0}})))
	s.retain(robot.Status(), hostile(`{"state":"online","boot":"@","version":"@"}`)) // last: now fluxctl finds it
	return s
}

// No control sequence from another client reaches the terminal.
func TestNothingHostileReachesTheTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	url, _ := openBroker(t)
	hostileRobot(t, url)
	broker := "--broker=" + url
	for _, test := range []struct {
		command string
		code    int
		errors  bool // the hostile text is in stderr, otherwise in stdout
	}{
		{"get", exitOK, false},
		{"get --json", exitOK, false},
		{"set eye/threshold=0", exitRefused, true},
		{"set eye/threshold=0 --json", exitRefused, true},
		{"reset", exitOK, false},
		{"reset --json", exitOK, false},
		{"reset", exitOK, true},
		{"save", exitOK, true},
		{"save --json", exitOK, false},
		{"load", exitRefused, true},
		{"load --json", exitRefused, true},
		{"reward praise 1", exitRefused, true},
		{"stimulate eye", exitOK, true},
		{"zero eye", exitOK, true},
		{"load-robot --show", exitOK, false},
		{"load-robot --show --json", exitOK, false},
	} {
		code, out, problems := fluxctl(t, append(strings.Fields(test.command), broker, "--robot=bad")...)
		if code != test.code {
			t.Errorf("%s ends with %d, want %d", test.command, code, test.code)
		}
		if test.errors {
			out, problems = problems, out
		}
		mustBeText(t, test.command, out)
		mustBeText(t, test.command+", the other output", problems+mark)
	}

	for deadline := time.Now().Add(patience); ; { // the shell's completions
		_, out, problems := fluxctl(t, cobra.ShellCompRequestCmd, broker, "--robot=bad", "get", "")
		if strings.Contains(out, mark) {
			mustBeText(t, "completion", out)
			mustBeText(t, "completion, the other output", problems+mark)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("it completes %q", out)
		}
	}

	// The list of robots is made from topics, which any client can choose.
	s := newStranger(t, url)
	s.retain("flux/ghost/status", hostile(`{"state":"@"}`))
	s.retain("flux/gh\u009b31m\x1b[2J\u202eost/status", `{"state":"online"}`)
	for _, command := range []string{"get", "get --json", "get --robot=nobody", "get --robot=nobody --json"} {
		code, out, problems := fluxctl(t, append(strings.Fields(command), broker)...)
		if code != exitAbsent || out != "" || !strings.Contains(problems, "ost (online)") {
			t.Errorf("%s ends with %d and prints %q and %q", command, code, out, problems)
		}
		mustBeText(t, command, problems)
	}
	// Arguments may be hostile too: users copy them.
	for _, args := range [][]string{
		{raw}, {"get", raw, "--timeout=x" + raw}, {"get", "--broker", raw}, {"set", raw}, {"set", "a=" + raw},
	} {
		code, out, problems := fluxctl(t, args...)
		if code != exitUsage || out != "" {
			t.Errorf("%q ends with %d and prints %q and %q", args, code, out, problems)
		}
		mustBeText(t, fmt.Sprintf("%q", args), problems)
	}
}

// The same for live output, line by line.
func TestNothingHostileIsShownLive(t *testing.T) {
	url, _ := openBroker(t)
	s := hostileRobot(t, url)
	// A topic with control characters.
	s.retain("flux/bad/event/"+mark+"\x1b[2J\u009b31m", "odd topic")
	everything := []string{"status", "param/eye/threshold", "event/warning", "event/error", "event/info",
		"tele/sensors", "tele/actuators", "tele/health", "odd topic"}
	for _, test := range []struct {
		command string
		until   []string // parts that the lines must contain
	}{
		{"watch", everything},
		{"watch --json", everything},
		{"spikes", []string{"0.001500 "}},
		{"spikes --json", []string{`{"at_us":1500,"neuron":`}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		reader, writer := io.Pipe()
		var problems strings.Builder
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, append(strings.Fields(test.command), "--broker="+url, "--robot=bad", patiently), writer, &problems)
			writer.Close()
		}()
		missing := map[string]bool{}
		for _, part := range test.until {
			missing[part] = true
		}
		var shown strings.Builder
		for lines := bufio.NewReader(reader); len(missing) > 0; {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Errorf("%s: %v: not shown: %v: %s", test.command, err, missing, &problems)
				break
			}
			shown.WriteString(line)
			mustBeText(t, test.command, line)
			for part := range missing {
				if strings.Contains(line, part) {
					delete(missing, part)
				}
			}
		}
		cancel()
		go io.Copy(io.Discard, reader)
		if code := <-ended; code != exitOK {
			t.Errorf("%s ends with %d: %s", test.command, code, &problems)
		}
		mustBeText(t, test.command+", errors", problems.String()+mark)
	}
}

// The same for the pictures on a terminal.
func TestNothingHostileIsDrawn(t *testing.T) {
	now := time.Unix(1000, 0)
	v := views.New("bad", func(string) protocol.Parameter { return protocol.Parameter{Unit: raw} }, now)
	for _, m := range []struct{ topic, payload string }{
		{"status", `{"state":"@"}`},
		{"param/eye/threshold", `{"v":1}`},
		{"param/eye/threshold", `{"v":2,"rev":1,"src":"@"}`},
		{"param/" + raw, `{"v":1}`},
		{"param/" + raw, `{"v":2,"rev":1}`},
		{"event/warning", `{"code":"@","text":"@"}`},
		{"event/" + raw, `{"code":"@","text":"two\nlines"}`},
		{"event/error", raw},
		{"tele/sensors", `{"@":{"value":"@","unit":"@","age_s":1},"eye":{"value":1,"unit":"@"}}`},
		{"tele/actuators", `{"@":{"value":"@","unit":"@","age_s":1},"wheel":{"value":["@"]}}`},
		{"tele/health", `{"safety":{"state":"armed","by":"@","held":{"@":["@"]},"stale":["@"]}}`},
	} {
		v.Add("flux/bad/"+m.topic, []byte(hostile(m.payload)), false, now)
	}
	r := views.NewRaster("bad"+raw, []string{raw, "eye"})
	r.State = raw
	r.Add(protocol.Spike{At: 1500, Neuron: 0}, now)
	for _, size := range [][2]int{{200, 50}, {80, 24}, {40, 10}, {20, 5}} {
		drawn, bright := v.Draw(size[0], size[1], now)
		spikes := picture.Crop(r.Draw(size[0], size[1], now), size[0], size[1])
		ours := strings.NewReplacer("\x1b[H", "", "\x1b[K", "", "\x1b[22m", "", "\x1b[J", "", "\r\n", "\n")
		for what, text := range map[string]string{"picture": drawn, "raster": spikes} {
			text = ours.Replace(shownOn(t, text, size[1]))
			mustBeText(t, fmt.Sprint(what, size), text)
			if bright < 1 || bright > size[1] {
				t.Errorf("%v: %d lines of it are bright", size, bright)
			}
			lines := strings.Split(text, "\n")
			if len(lines) > size[1] {
				t.Errorf("%s %v: it has %d lines", what, size, len(lines))
			}
			for _, line := range lines {
				if utf8.RuneCountInString(line) > size[0] {
					t.Errorf("%s %v: a line is too long: %q", what, size, line)
				}
			}
		}
	}
}

// A description that claims too many neurons is refused before it fills the memory.
func TestImpossibleDescriptions(t *testing.T) {
	url, _ := openBroker(t)
	online(t, "r1", url)
	s := newStranger(t, url)
	s.retain("flux/r2/status", `{"state":"online"}`)
	const tooMany, unreadable = "whose names do not fit into 128 MB", "its description cannot be read"
	for _, test := range []struct{ neurons, says string }{
		{`[{"name":"x","count":2000000000}]`, tooMany},
		{`[{"name":"x","count":11000000}]`, tooMany},
		{`[{"name":"` + strings.Repeat("x", 20_000) + `","count":100000}]`, tooMany},
		{`[{"name":"x","count":6000000},{"name":"y","count":6000000}]`, tooMany},
		{fmt.Sprintf(`[{"name":"x","count":1},{"name":"y","count":%d}]`, int64(math.MaxInt64)), tooMany},
		{`[{"name":"x","count":-1}]`, "its description has"},
		{fmt.Sprintf(`[{"name":"x","count":%d},{"name":"y","count":2000000000}]`, int64(math.MinInt64)), "its description has"},
		{`[{"name":"x","count":1e30}]`, unreadable},
		{`[{"name":"x","count":1.5}]`, unreadable},
		{`{}`, unreadable},
		{``, unreadable},
	} {
		s.retain("flux/r2/describe", `{"parameters":[],"neurons":`+test.neurons+`}`)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		code, out, problems := fluxctl(t, "--broker", url, "--robot", "r2", "get")
		runtime.ReadMemStats(&after)
		if code != exitAbsent || out != "" || !strings.Contains(problems, "robot r2") || !strings.Contains(problems, test.says) {
			t.Errorf("%s ends with %d and prints %q and %q, want %d and something with %q",
				test.neurons, code, out, problems, exitAbsent, test.says)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20 {
			t.Errorf("%s takes %d MB", test.neurons, used>>20)
		}
	}
	untilOnline(t, "--broker", url, "--robot", "r1", "get") // other robots are not affected
}
