package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/fleet"
)

// puppet is a client that poses as a robot. It publishes its health again and again, and answers requests.
func puppet(t *testing.T, url, name, status, health string, answer func(verb string, r protocol.Request) string) stranger {
	t.Helper()
	s, robot := newStranger(t, url), protocol.Topics(name)
	s.wait(s.Subscribe(robot.Request("#"), 1, func(c paho.Client, m paho.Message) {
		var request protocol.Request
		verb, _, _ := robot.SplitRequest(m.Topic())
		if json.Unmarshal(m.Payload(), &request) == nil && answer != nil {
			if text := answer(verb, request); text != "" {
				c.Publish(robot.Response(verb), 1, false, text)
			}
		}
	}))
	if status != "" {
		s.retain(robot.Status(), status)
	}
	if health == "" {
		return s
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { // ends before the client does
		defer close(ended)
		for ctx.Err() == nil {
			s.Publish(robot.Health(), 0, false, health)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return s
}

// obeys answers every request with ok.
func obeys(_ string, r protocol.Request) string { return fmt.Sprintf(`{"id":%q,"status":"ok"}`, r.ID) }

const armed = `{"safety":{"state":"armed"}}`

type listed struct {
	Robots []fleet.Shown `json:"robots"`
}

// listing runs list --json until a condition holds.
func listing(t *testing.T, until func(map[string]fleet.Shown) bool, args ...string) map[string]fleet.Shown {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		code, out, problems := fluxctl(t, append(args, "list", "--json")...)
		var all listed
		if code == exitOK {
			if err := json.Unmarshal([]byte(out), &all); err != nil {
				t.Fatal(err)
			}
		}
		byName := map[string]fleet.Shown{}
		for _, r := range all.Robots {
			byName[r.Robot] = r
		}
		if until(byName) {
			return byName
		}
		if time.Now().After(deadline) {
			t.Fatalf("list ends with %d and prints %s and %s", code, out, problems)
		}
	}
}

// list shows robots that are there, that have left, that hang, and those at a hub, where nothing is retained.
func TestList(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Parallel()
	url, _ := openBroker(t)
	broker := "--broker=" + url
	if code, _, says := fluxctl(t, broker, "list"); code != exitAbsent || !strings.Contains(says, "is fluxd running") {
		t.Errorf("without robots: %d, %s", code, says)
	}
	online(t, "rover10", url)
	online(t, "rover9", url)
	puppet(t, url, "gone", `{"state":"offline","version":"0.9"}`, "", nil)
	s := puppet(t, url, "hung", `{"state":"online","version":"1.0","protocol":1}`, "", nil)
	s.retain(protocol.Topics("hung").Health(), fmt.Sprintf(`{"ts":%d,"safety":{"state":"disarmed","by_hand":true}}`,
		time.Now().Add(-time.Hour).UnixMilli()))
	puppet(t, url, "hub", "", `{"version":"1.1","protocol":1,"address":"10.0.0.7","safety":{"state":"stopped"}}`, nil)
	all := listing(t, func(all map[string]fleet.Shown) bool {
		return len(all) == 5 && all["rover9"].State == fleet.Online && all["rover10"].State == fleet.Online &&
			all["hub"].State == fleet.Online
	}, broker)
	for name, want := range map[string]fleet.Shown{
		"rover9": {State: fleet.Online, Safety: "armed", Protocol: 1},
		"gone":   {State: fleet.Offline, Version: "0.9"},
		"hung":   {State: fleet.Silent, Version: "1.0", Protocol: 1, Safety: "disarmed", ByHand: true},
		"hub":    {State: fleet.Online, Version: "1.1", Protocol: 1, Safety: "stopped", Address: "10.0.0.7"},
	} {
		got := all[name]
		if got.State != want.State || got.Version != want.Version || got.Protocol != want.Protocol || got.Safety != want.Safety ||
			got.ByHand != want.ByHand || want.Address != "" && got.Address != want.Address || got.Problem != "" {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if age := all["hung"].Age; age == nil || *age < 3600 || *age > 3600+2*patience.Seconds() {
		t.Errorf("hung: its health is %v s old", age)
	}
	if all["gone"].Age != nil {
		t.Errorf("gone has never had any health, and is shown with %v", *all["gone"].Age)
	}
	code, out, says := fluxctl(t, broker, "list", "--match", "rover*")
	lines := strings.Split(out, "\n")
	if code != exitOK || says != "" || len(lines) != 4 || !strings.HasPrefix(lines[0], "ROBOT") ||
		!strings.HasPrefix(lines[1], "rover9 ") || !strings.HasPrefix(lines[2], "rover10 ") {
		t.Errorf("list --match: %d, %q, %q", code, out, says)
	}
}

// Each of several robots gets a line, in their order, and one that fails does not keep the others from being asked.
func TestMany(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Parallel()
	url, _ := openBroker(t)
	for _, name := range []string{"rover1", "rover2", "other"} {
		online(t, name, url)
	}
	broker := "--broker=" + url
	listing(t, func(all map[string]fleet.Shown) bool {
		return len(all) == 3 && all["rover1"].State == fleet.Online && all["rover2"].State == fleet.Online
	}, broker)
	for _, test := range []struct {
		args string
		code int
		out  string
		says string
	}{
		{"--match rover* set eye/threshold=90mV", exitOK,
			"rover1: eye/threshold: 100 mV -> 90 mV; revision 1\nrover2: eye/threshold: 100 mV -> 90 mV; revision 1\n", ""},
		{"--robot other set eye/threshold=80mV", exitOK, "eye/threshold: 100 mV -> 80 mV\nrevision 1\n", ""},
		{"--all get eye/threshold", exitOK,
			"other: eye/threshold = 80 mV\nrover1: eye/threshold = 90 mV\nrover2: eye/threshold = 90 mV\n", ""},
		{"--all reset", exitOK, "other: eye/threshold: 100 mV; revision 2\nrover1: eye/threshold: 100 mV; revision 2\n" +
			"rover2: eye/threshold: 100 mV; revision 2\n", ""},
		{"--match rover? reward praise 3", exitOK, "rover1: 6 spikes\nrover2: 6 spikes\n", ""},
		{"--match rover[2-9] stimulate eye=3", exitOK, "rover2: 3 spikes\n", ""},
		{"--match rover1 save", exitOK, "rover1: saved\n", ""},
		{"--match rover* save", exitRefused, "rover1: nothing to keep\nrover2: saved\n", "save: 1 of 2 robots did not do it"},
		{"--match rover* disarm", exitOK, "rover1: disarmed\nrover2: disarmed\n", ""},
		{"--match rover* arm", exitUsage, "", "arm of 2 robots without a terminal: expected --yes; they are rover1, rover2"},
		{"--match rover* arm --yes", exitOK, "rover1: armed\nrover2: armed\n", ""},
		{"--all arm --yes", exitRefused, "other: cannot arm: emergency_stop: stopped by mqtt: disarm first\n" +
			"rover1: armed\nrover2: armed\n", "arm: 1 of 3 robots did not do it"},
		{"--match r2* get eye/threshold", exitAbsent, "", "no robot that was asked for"},
		{"--all --robot other get eye/threshold", exitUsage, "", "--robot with --all or --match"},
		{"--all --match r* get eye/threshold", exitUsage, "", "--all with --match"},
		{"--match [ get eye/threshold", exitUsage, "", `--match "[": expected a pattern`},
		{"--all get", exitUsage, "", "get of many robots: expected at least 1 path"},
		{"--all drive wheel 1", exitUsage, "", "drive is for one robot"},
		{"--all spikes", exitUsage, "", "spikes is for one robot"},
		{"--all passwd file ann", exitUsage, "", "passwd is for one robot"},
	} {
		code, out, says := fluxctl(t, append([]string{broker}, strings.Fields(test.args)...)...)
		if code != test.code || out != test.out || !strings.Contains(says, test.says) || test.says == "" && says != "" {
			t.Errorf("%s ends with %d and prints %q and %q, want %d, %q and something with %q", test.args, code, out, says,
				test.code, test.out, test.says)
		}
	}
	code, out, says := fluxctl(t, broker, "--all", "set", "eye/threshold=1000mV", "--json")
	var got struct {
		Robots []result `json:"robots"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitRefused || len(got.Robots) != 3 ||
		got.Robots[1].Robot != "rover1" || got.Robots[1].Exit != exitRefused || got.Robots[1].Error.Code != protocol.OutOfRange {
		t.Errorf("set --json ends with %d and prints %s and %s: %v", code, out, says, err)
	}
	code, out, _ = fluxctl(t, broker, "--match=other", "get", "eye/threshold", "--json")
	var value struct {
		Robots []struct {
			Robot  string
			Result shownValues
		}
	}
	if err := json.Unmarshal([]byte(out), &value); err != nil || code != exitOK || len(value.Robots) != 1 ||
		value.Robots[0].Result.Values["eye/threshold"].V != 100 {
		t.Errorf("get --json ends with %d and prints %s: %v", code, out, err)
	}
}

// A robot of another version of the protocol is refused, with the program to update, but can be listed and stopped.
func TestOtherVersions(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Parallel()
	url, _ := openBroker(t)
	broker := "--broker=" + url
	online(t, "same", url)
	asked := make(chan string, 100)
	noting := func(verb string, r protocol.Request) string {
		select {
		case asked <- verb:
		default:
		}
		return obeys(verb, r)
	}
	puppet(t, url, "newer", `{"state":"online","version":"9.0","protocol":2,"news":[1]}`,
		`{"protocol":2,"version":"9.0","safety":{"state":"armed","colour":"red"},"more":{}}`, noting)
	puppet(t, url, "hub", "", `{"protocol":3,"version":"9.9","safety":{"state":"armed"}}`, noting) // at a hub nothing is retained
	old := puppet(t, url, "old", `{"state":"online","version":"0.1"}`, armed, obeys)               // before versions were stated
	old.retain(protocol.Topics("old").Describe(), `{"parameters":[],"neurons":[],"later":true}`)
	listing(t, func(all map[string]fleet.Shown) bool { return len(all) == 4 && all["same"].State == fleet.Online }, broker)
	const update = "robot speaks version 2 of the protocol, fluxctl version 1: update fluxctl"
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"--robot newer get", exitRefused, update},
		{"--robot newer set a=1", exitRefused, update},
		{"--robot newer spikes", exitRefused, update},
		{"--robot newer disarm", exitOK, "disarmed"},
		{"--robot newer estop", exitOK, "stopped"},
		{"--robot hub get", exitRefused, "the robot speaks version 3 of the protocol, fluxctl version 1: update fluxctl"},
		{"--robot old get", exitOK, "PARAMETER"},
		{"--robot old save", exitOK, "saved"},
		{"--match newer save", exitRefused, "newer: robot newer: the " + update},
		{"--all save", exitRefused, "hub: robot hub: the robot speaks version 3"},
		{"--all save", exitRefused, "old: saved"},
		{"--all disarm", exitOK, "hub: disarmed"},
		{"list", exitOK, "newer: the " + update},
	} {
		code, out, says := fluxctl(t, append([]string{broker}, strings.Fields(test.args)...)...)
		if code != test.code || !strings.Contains(out+says, test.says) {
			t.Errorf("%s ends with %d and prints %q and %q, want %d and something with %q", test.args, code, out, says, test.code,
				test.says)
		}
	}
	code, _, says := fluxctl(t, broker, "--robot=newer", "get", "--json")
	var e shownError
	if err := json.Unmarshal([]byte(says), &e); err != nil || code != exitRefused || e.Error.Code != protocol.OtherProtocol {
		t.Errorf("get --json ends with %d and prints %s: %v", code, says, err)
	}
	for len(asked) > 0 {
		if verb := <-asked; verb != "estop" && verb != "disarm" {
			t.Errorf("a robot of another version was asked for %s", verb)
		}
	}
}

// estop reaches each robot, also one at a hub and one whose status is wrong, and names those that do not obey.
func TestStopAll(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Parallel()
	url, _ := openBroker(t)
	broker := "--broker=" + url
	if code, _, says := fluxctl(t, broker, "--all", "estop"); code != exitAbsent || !strings.Contains(says, "no robot") {
		t.Errorf("without robots: %d, %s", code, says)
	}
	online(t, "real", url)
	puppet(t, url, "hub", "", armed, obeys)
	puppet(t, url, "wrong", `{"state":"offline"}`, "", obeys) // a broker that was restarted may say so
	puppet(t, url, "mute", `{"state":"online"}`, armed, nil)
	puppet(t, url, "quiet", `{"state":"online"}`, `{"safety":{"state":"stopped"}}`, nil) // its health shows that it has stopped
	puppet(t, url, "gone", `{"state":"offline"}`, "", nil)
	puppet(t, url, "denies", `{"state":"online"}`, armed, func(_ string, r protocol.Request) string {
		return fmt.Sprintf(`{"id":%q,"status":"error","error":{"code":"internal","message":"no"}}`, r.ID)
	})
	puppet(t, url, "chatty", `{"state":"online"}`, armed, func(verb string, r protocol.Request) string {
		return `{"id":"another","status":"ok"}` // to the request of another client
	})
	listing(t, func(all map[string]fleet.Shown) bool { return len(all) == 8 && all["real"].State == fleet.Online }, broker)
	code, out, says := fluxctl(t, "--timeout=10s", broker, "--all", "estop", "--json")
	var got struct {
		Robots []fleet.Verdict `json:"robots"`
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Robots) != 8 {
		t.Fatalf("estop ends with %d and prints %s and %s: %v", code, out, says, err)
	}
	if code != exitAbsent {
		t.Errorf("it ends with %d", code)
	}
	for _, v := range got.Robots {
		want, exit := map[string]string{"mute": "no answer", "gone": "offline and without an answer", "denies": "refused: no",
			"chatty": "no answer"}[v.Robot], exitAbsent
		if v.Robot == "denies" {
			exit = exitRefused
		}
		if v.Done != (want == "") || want != "" && (!strings.HasPrefix(v.Why, want) || v.Exit != exit) {
			t.Errorf("%+v, want %q", v, want)
		}
	}
	if !strings.Contains(says, "have NOT stopped: chatty, denies, gone, mute") {
		t.Errorf("%s", says)
	}
	code, out, says = fluxctl(t, broker, "--match", "[rhwq]*", "estop")
	if code != exitOK && !strings.Contains(says, "later than 1s") { // a busy machine may be late
		t.Errorf("it ends with %d and prints %q and %q", code, out, says)
	}
	for i, name := range []string{"hub", "quiet", "real", "wrong"} {
		if lines := strings.Split(out, "\n"); len(lines) != 5 || !strings.HasPrefix(lines[i], name+": stopped after ") {
			t.Errorf("%d: %q", i, lines)
		}
	}
}

// Hostile robots break nothing: no control sequence comes through, and names that no robot can have get no requests.
func TestHostileFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Parallel()
	url, _ := openBroker(t)
	broker := "--broker=" + url
	online(t, "rover", url)
	hostileRobot(t, url)
	flood := puppet(t, url, "flood", `{"state":"online"}`, armed, nil)
	flood.wait(flood.Subscribe("flux/flood/req/#", 0, func(c paho.Client, m paho.Message) {
		var r protocol.Request
		_ = json.Unmarshal(m.Payload(), &r)
		verb, _, _ := protocol.Topics("flood").SplitRequest(m.Topic())
		for range 1000 {
			c.Publish("flux/flood/res/"+verb, 0, false, fmt.Sprintf(`{"id":%q,"status":"ok"}`, r.ID))
		}
	}))
	liar := puppet(t, url, "liar", hostile(`{"state":"@@@@@@@@@@@@@@@@@@@@@@@@@","version":"@","protocol":-5}`),
		hostile(`{"ts":-9e18,"spikes_per_s":1e308,"version":"@","address":"@@@@@@@@@@@@@@@",
			"safety":{"state":"@@@@@@@@","by":"@"}}`),
		func(verb string, r protocol.Request) string {
			if verb == "describe" {
				return fmt.Sprintf(`{"id":%q,"status":"ok","description":{"neurons":[{"name":"x","count":2000000000}]}}`, r.ID)
			}
			return ""
		})
	liar.retain("flux/gh\u009b31m\x1b[2J\u202eost/status", `{"state":"online"}`)
	liar.retain("flux/odd/tele/health", "{")
	liar.retain("flux/odd/status", "[]")
	listing(t, func(all map[string]fleet.Shown) bool {
		return len(all) == 6 && all["rover"].State == fleet.Online && all["flood"].State == fleet.Online
	}, broker)
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"list", exitOK, "no robot can have this name"},
		{"list --json", exitOK, `"robot": "odd"`},
		{"--all set eye/threshold=90mV", exitAbsent, "rover: eye/threshold: 100 mV -> 90 mV; revision 1"},
		{"--match [lr]* set eye/threshold=91mV", exitAbsent, "liar: robot liar: its description has 2000000000 neurons"},
		{"--all disarm --json", exitAbsent, `"robot": "rover"`},
		{"--all estop", exitAbsent, "rover: stopped after"},
		{"--match flood estop", exitOK, "flood: stopped after"},
	} {
		args := append([]string{"--timeout=10s", broker}, strings.Fields(test.args)...)
		code, out, says := fluxctl(t, args...)
		if code != test.code && !strings.Contains(says, "later than 1s") || !strings.Contains(out+says, test.says) {
			t.Errorf("%s ends with %d and prints %q and %q, want %d and something with %q", test.args, code, out, says, test.code,
				test.says)
		}
		mustBeText(t, test.args, out+says+mark)
	}
}

// watch --all prints a line for each message of each robot, and goes on when robots come later.
func TestWatchAllIntoAPipe(t *testing.T) {
	t.Parallel()
	url, _ := openBroker(t)
	for _, flag := range []string{"--json=false", "--json"} {
		puppet(t, url, "first", `{"state":"online"}`, armed, nil)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		reader, writer := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{patiently, "--broker", url, "watch", "--all", flag}, writer, io.Discard)
			writer.Close()
		}()
		want := []string{`first tele/health {"safety":{"state":"armed"}}`, `later event/info {"code":"tuned"}`}
		if flag == "--json" {
			want = []string{`{"topic":"flux/first/tele/health","payload":{"safety":{"state":"armed"}}}`,
				`{"topic":"flux/later/event/info","payload":{"code":"tuned"}}`}
		}
		for lines := bufio.NewScanner(reader); len(want) > 0 && lines.Scan(); {
			if lines.Text() != want[0] {
				continue
			}
			if want = want[1:]; len(want) == 1 {
				s := puppet(t, url, "later", `{"state":"online"}`, armed, nil)
				s.retain("flux/later/event/info", `{"code":"tuned"}`)
			}
		}
		if len(want) > 0 {
			t.Errorf("%s: not shown: %q", flag, want)
		}
		cancel()
		go io.Copy(io.Discard, reader)
		if code := <-ended; code != exitOK {
			t.Errorf("watch ended with %d after ctrl-C", code)
		}
	}
}
