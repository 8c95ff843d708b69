package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// Whatever a robot publishes reaches a viewer.
func TestRobotPublishesAllItsTopics(t *testing.T) {
	b := start(t, Options{Passwords: passwords(t)})
	robot, viewer := as(t, b, "rt"), as(t, b, "viewer")
	if !viewer.subscribe("flux/#", 0) {
		t.Fatal("a viewer may not read")
	}
	of := protocol.Topics("rt")
	for _, topic := range []string{of.Describe(), of.Param("a"), of.Response("get"), of.Health(), of.Sensors(), of.Actuators(),
		of.Home(), of.Spikes(), of.Neurons(), of.Learning(), of.World(), of.Episode(), of.Event("info"), of.Status()} {
		robot.publish(topic, 0, false, topic)
		if _, m := viewer.next(topic); m.Topic() != topic {
			t.Errorf("%s came as %s", topic, m.Topic())
		}
	}
}

// At each QoS, messages that a role may publish arrive, and others do not. The broker disconnects no client for those.
func TestRightsToPublish(t *testing.T) {
	b := start(t, Options{Passwords: passwords(t)})
	robot := as(t, b, "rt")
	for _, verb := range append(users.Verbs(), "dance") {
		for _, filter := range []string{verb, verb + "/+", verb + "/+/#"} {
			if !robot.subscribe("flux/rt/req/"+filter, 0) {
				t.Fatalf("the robot may not read req/%s", filter)
			}
		}
	}
	if !robot.subscribe("flux/rt/status", 0) {
		t.Fatal("the robot may not read its status")
	}
	denied := []string{
		"flux/rt/status", "flux/rt/param/network.neurons.a.threshold", "flux/rt/res/set", "flux/rt/describe", "flux/rt/tele/health",
		"flux/rt/event/error", "flux/rt/spikes", "flux/rt/req/set/more", "flux/rt/req/estop/second", "flux/rt/req/get/",
		"flux/rt/req/dance", "flux/rt/req", "flux/rt", "flux/rt/", "homeassistant/device/fluxd-rt/config",
		"$SYS/x", "$MQTT/msgs/flux/rt/status", "elsewhere",
	}
	for _, role := range []users.Role{users.Viewer, users.Tuner, users.Operator} {
		c := as(t, b, string(role))
		for qos := range byte(3) {
			prefix := fmt.Sprintf("%s at %d", role, qos)
			for _, topic := range denied {
				c.publish(topic, qos, true, "forged")
			}
			for _, other := range []string{"viewer", "tuner", "operator"} { // under the name of another user
				if other != string(role) {
					c.publish("flux/rt/req/estop/"+other, qos, false, "forged")
				}
				c.publish("flux/rt/req/estop/"+string(role)+"/"+other, qos, false, "forged")
			}
			for _, verb := range users.Verbs() {
				c.publish("flux/rt/req/"+verb, qos, false, prefix+" "+verb)
				c.publish("flux/rt/req/"+verb+"/"+string(role), qos, false, prefix+" "+verb+" under its name")
			}
			c.publish("flux/rt/req/estop", qos, false, prefix+" is all")
			got := map[string]bool{}
			before, _ := robot.next(prefix + " is all")
			for _, m := range before {
				if string(m.Payload()) == "forged" {
					t.Errorf("%s: %s was written", prefix, m.Topic())
				}
				got[string(m.Payload())] = true
			}
			for _, verb := range users.Verbs() {
				if want := role.May(verb); got[prefix+" "+verb] != want {
					t.Errorf("%s: %s arrives: %v, want %v", prefix, verb, !want, want)
				}
				if want := role.May(verb); got[prefix+" "+verb+" under its name"] != want {
					t.Errorf("%s: %s under its name arrives: %v, want %v", prefix, verb, !want, want)
				}
			}
		}
		if !c.IsConnectionOpen() {
			t.Errorf("%s was disconnected", role)
		}
	}
}

// At each QoS, each role may subscribe to everything that a robot publishes, but not to requests or to the server's own topics.
func TestRightsToSubscribe(t *testing.T) {
	b := start(t, Options{Passwords: passwords(t)})
	for _, c := range []struct {
		filter  string
		granted string // to whom
	}{
		{"flux/#", "viewer tuner operator"},
		{"flux/rt/#", "viewer tuner operator"},
		{"flux/+/status", "viewer tuner operator"},
		{"flux/rt/res/set", "viewer tuner operator"},
		{"homeassistant/#", "viewer tuner operator"},
		{protocol.Echo, "viewer tuner operator"},
		{"flux/rt/may/get", "viewer tuner operator"},
		{"flux/rt/may/set", "tuner operator"},
		{"flux/rt/may/arm", "operator"},
		{"flux/rt/may/set/ann", "viewer tuner operator"},
		{"flux/rt/req/#", ""}, {"flux/rt/req/set", ""}, {"flux/rt/req/set/tuner", ""}, {"flux/rt/req/+/+", ""}, {"+/+/req/+", ""},
		{"#", ""}, {"+/#", ""}, {"$SYS/#", ""}, {"$JS/#", ""}, {"$MQTT/#", ""}, {"$MQTT/sub/+", ""},
		{"$share/g/flux/#", ""}, {"_INBOX/#", ""},
		{"flux/second/req/+", "second"},
		{"flux/second/req/set/+", "second"},
		{"homeassistant/device/fluxd-second/config", "viewer tuner operator second"},
		{"flux/second/status", "viewer tuner operator second"},
		{"flux/second/param/#", "viewer tuner operator second"},
	} {
		for _, who := range []string{"viewer", "tuner", "operator", "second"} {
			one := as(t, b, who)
			for qos := range byte(3) {
				want := slices.Contains(strings.Fields(c.granted), who)
				if got := one.subscribe(c.filter, qos); got != want {
					t.Errorf("%s to %s at QoS %d: %v, want %v", c.filter, who, qos, got, want)
				}
			}
			one.Disconnect(0)
		}
	}
}

// A viewer that subscribes to everything receives what the robot publishes, at each QoS, retained or not, with dots in the topic.
// It receives no requests.
func TestViewerReceives(t *testing.T) {
	b := start(t, Options{Passwords: passwords(t)})
	robot, operator := as(t, b, "rt"), as(t, b, "operator")
	for from := range byte(2) {
		for to := range byte(3) {
			levels := fmt.Sprintf("%d to %d", from, to)
			// A different topic each time: after a change the server may give the old message for two minutes.
			topic := fmt.Sprintf("flux/rt/param/network.neurons.wall[*].threshold.%d.%d", from, to)
			robot.publish(topic, from, true, "kept "+levels)
			viewer := as(t, b, "viewer")
			if m := viewer.nextRetained("flux/#", to, "kept "+levels); m.Topic() != topic {
				t.Errorf("%s: came as %s", levels, m.Topic())
			}
			operator.publish("flux/rt/req/set", from, true, "secret")
			operator.publish("flux/rt/req/set", from, true, "")
			robot.publish("flux/rt/event/info", from, false, "now "+levels)
			before, _ := viewer.next("now " + levels)
			for _, m := range before {
				if strings.HasPrefix(m.Topic(), "flux/rt/req") {
					t.Errorf("%s: the viewer receives %s to %s", levels, m.Payload(), m.Topic())
				}
			}
			viewer.Disconnect(0)
		}
	}
}

// Another robot may write its own topics only.
func TestAnotherRobot(t *testing.T) {
	b := start(t, Options{Passwords: passwords(t)})
	second, viewer := as(t, b, "second"), as(t, b, "viewer")
	if !viewer.subscribe("flux/#", 0) {
		t.Fatal("not granted")
	}
	second.publish("flux/rt/status", 1, true, "forged")
	second.publish("flux/rt/req/arm", 1, true, "forged")
	second.publish("homeassistant/device/fluxd-rt/config", 1, true, "forged")
	second.publish("flux/second/status", 1, true, "here")
	if before, m := viewer.next("here"); len(before) > 0 || m.Topic() != "flux/second/status" {
		t.Errorf("%s, after %v", m.Topic(), before)
	}
}

// Without a file of passwords every client on the machine is an operator, whatever its name, but cannot write for the robot.
func TestWithoutPasswords(t *testing.T) {
	b := start(t, Options{})
	robot := as(t, b, "rt")
	if !robot.subscribe("flux/rt/req/arm", 0) || !robot.subscribe("flux/rt/req/arm/+", 0) {
		t.Fatal("not granted")
	}
	for _, user := range []string{"", "ann", robotUser} {
		c, err := login(t, b.URL(), user, "", nil)
		if err != nil {
			t.Fatalf("%q: %v", user, err)
		}
		c.publish("flux/rt/status", 1, true, "forged")
		c.publish("flux/rt/req/arm/ann", 1, false, "under an unproven name")
		c.publish("flux/rt/req/arm", 1, false, "by "+user)
		if before, _ := robot.next("by " + user); len(before) > 0 {
			t.Errorf("%q: %s was written", user, before[0].Topic())
		}
		if !c.subscribe("flux/rt/may/arm", 0) || c.subscribe("flux/rt/may/arm/ann", 0) {
			t.Error("the broker does not deny users' names")
		}
		if !c.subscribe("flux/rt/status", 0) {
			t.Error("not granted")
		}
		c.publish(protocol.Echo, 0, false, "nothing else")
		if !c.subscribe(protocol.Echo, 0) {
			t.Error("not granted")
		}
		c.publish(protocol.Echo, 1, false, "done")
		if before, _ := c.next("done"); len(before) > 0 {
			t.Errorf("%q: %s was written", user, before[0].Topic())
		}
	}
}

func TestLogin(t *testing.T) {
	var logged log
	b := start(t, Options{Passwords: passwords(t), Log: logged.logger()})
	for _, c := range []struct {
		user, password string
		good           bool
	}{
		{"viewer", "viewerviewer", true}, {"viewer", "wrong", false}, {"stranger", "nobody", false}, {"", "", false},
		{robotUser, "", false}, {robotUser, "guess", false}, {setupUser, "guess", false},
	} {
		if _, err := login(t, b.URL(), c.user, c.password, nil); (err == nil) != c.good {
			t.Errorf("%q with %q: %v", c.user, c.password, err)
		}
	}
	if user, secret := b.Login(); user == "" {
		t.Error("the robot has no name")
	} else if _, err := login(t, b.URL(), setupUser, secret, nil); err == nil {
		t.Error("the user that sets up the server can log in later")
	}
	eventually(t, "the log to say so", func() bool { return strings.Contains(logged.String(), "a login failed") })
	for _, secret := range []string{"wrong", "guess"} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("a password is in the log: %s", &logged)
		}
	}
}

// Viewers cannot take the places of operators.
func TestPlacesForOperators(t *testing.T) {
	b := start(t, Options{Passwords: passwords(t), Clients: 4})
	for _, c := range []struct {
		who string
		in  bool
	}{
		{"viewer", true}, {"viewer", true}, {"viewer", false}, {"tuner", true}, {"tuner", false}, {"operator", true},
		{"operator", false},
	} {
		if _, err := login(t, b.URL(), c.who, c.who+c.who, nil); (err == nil) != c.in {
			t.Errorf("%s: %v", c.who, err)
		}
	}
	as(t, b, "rt") // the robot does not count
}

// A user who is deleted from the file, or gets another role, is disconnected, and has the new rights after the next login.
func TestChangedUserIsDisconnected(t *testing.T) {
	file := passwords(t)
	b := start(t, Options{Passwords: file})
	viewer, tuner, operator := as(t, b, "viewer"), as(t, b, "tuner"), as(t, b, "operator")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = users.Delete(text, "operator"); err != nil {
		t.Fatal(err)
	}
	if text, err = users.Set(text, "tuner", "tunertuner", users.Viewer); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "them to be disconnected", func() bool { return !tuner.IsConnectionOpen() && !operator.IsConnectionOpen() })
	if !viewer.IsConnectionOpen() {
		t.Error("an unchanged user was disconnected")
	}
	if _, err := login(t, b.URL(), "operator", "operatoroperator", nil); err == nil {
		t.Error("a deleted user can log in")
	}
	if as(t, b, "tuner").subscribe("flux/rt/may/set", 0) {
		t.Error("the new viewer still has the rights of a tuner")
	}
}

// Retained messages are bounded: without room, new topics are refused, but the robot's own topics are still updated.
func TestRetainedMessagesAreBounded(t *testing.T) {
	b := start(t, Options{Passwords: passwords(t)})
	robot, second := as(t, b, "rt"), as(t, b, "second")
	robot.publish("flux/rt/status", 1, true, "before")
	for i := range 200 {
		second.publish(fmt.Sprint("flux/second/param/", i), 1, true, strings.Repeat("x", 100_000))
	}
	robot.publish("flux/rt/status", 1, true, "after")
	viewer := as(t, b, "viewer")
	if !viewer.subscribe("flux/rt/status", 0) {
		t.Fatal("not granted")
	}
	if before, m := viewer.next("after"); len(before) > 0 || !m.Retained() {
		t.Errorf("%v came before %s, retained %v", before, m.Payload(), m.Retained())
	}
}

// The broker keeps everything in memory.
func TestNothingIsWrittenToTheDisk(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	b := start(t, Options{})
	robot := as(t, b, "rt")
	for i := range 100 {
		robot.publish(fmt.Sprint("flux/rt/param/p", i), 1, true, "kept")
	}
	if err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Errorf("%s was written", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// A broker that is killed is started again at the same address.
func TestKilledBrokerIsStartedAgain(t *testing.T) {
	var logged log
	b := start(t, Options{Log: logged.logger()})
	for range 3 {
		before := b.Process()
		one, err := os.FindProcess(before)
		if err != nil {
			t.Fatal(err)
		}
		if err := one.Kill(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "another process", func() bool { now := b.Process(); return now != 0 && now != before })
		up(t, b)
		as(t, b, "rt").publish("flux/rt/status", 1, true, "online")
	}
	if !strings.Contains(logged.String(), "its process ended") {
		t.Errorf("the log does not say so: %s", &logged)
	}
}

// A program that is not a broker is started again, less and less often. Dial waits, and Close ends the program.
func TestProgramThatIsNotABroker(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	for name, test := range map[string]struct {
		program []string
		logged  string
		times   int // so often before the test continues
	}{
		"does not exist": {[]string{"/does/not/exist"}, "no such file", 3},
		"ends at once":   {[]string{"false"}, "exit status 1", 3},
		"writes other things": {[]string{"sh", "-c", `echo x; echo '{"level":"INFO","msg":"has spoken"}' >&2; cat >/dev/null`},
			"has spoken", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var logged log
			b, err := Start(t.Context(), Options{Robot: "rt", Listen: "127.0.0.1:0", Program: test.program, Log: logged.logger()})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			ctx, cancel := context.WithCancel(t.Context())
			dialed := make(chan error, 1)
			go func() {
				conn, err := b.Dial(ctx)
				if err == nil {
					conn.Close()
				}
				dialed <- err
			}()
			eventually(t, test.logged+" in the log", func() bool { return strings.Count(logged.String(), test.logged) >= test.times })
			select {
			case err := <-dialed:
				t.Errorf("Dial returned: %v", err)
			default:
				cancel()
				if err := <-dialed; !errors.Is(err, context.Canceled) {
					t.Errorf("Dial: %v", err)
				}
			}
			cancel()
		})
	}
}

func TestTakenPort(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var logged log
	b := start(t, Options{Listen: taken.Addr().String(), Log: logged.logger()})
	if strings.HasSuffix(b.URL(), taken.Addr().String()) {
		t.Fatalf("its URL has the taken port: %s", b.URL())
	}
	as(t, b, "rt")
	text := logged.String()
	if strings.Count(text, "the port is taken") != 1 || !strings.Contains(text, taken.Addr().String()) {
		t.Errorf("the log does not say what happened: %s", text)
	}
}

func TestInvalidOptions(t *testing.T) {
	good := makeCertificates(t)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, o := range map[string]Options{
		"expected host:port":                 {Listen: "localhost"},
		"name a file of passwords":           {Listen: "0.0.0.0:0"},
		"or listen on 127.0.0.1:1883":        {Listen: ":0", TLS: TLS{Certificate: good.serverCert, Key: good.serverKey}},
		"expected a certificate and its key": {TLS: TLS{CA: good.ca}},
		"expected certificates, PEM":         {TLS: TLS{CA: text, Certificate: good.serverCert, Key: good.serverKey}},
		"no such file":                       {TLS: TLS{Certificate: "missing.crt", Key: "missing.key"}},
		"expected name:role":                 {Passwords: text},
		"fluxctl passwd":                     {Passwords: "missing"},
	} {
		o.Robot = "rt"
		if o.Listen == "" {
			o.Listen = "127.0.0.1:0"
		}
		b, err := Start(t.Context(), o)
		if err == nil {
			b.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", o, err, says)
		}
	}
}

// The log of the broker's process goes to the robot's log. The text of a crash is returned.
func TestLogIsPassedOn(t *testing.T) {
	var logged log
	child := strings.Join([]string{
		`{"time":"2026-01-01T00:00:00Z","level":"WARN","msg":"a login failed","user":"ann\u001b[2J","refused":3}`,
		`panic: oh no`, ``, `goroutine 1 [running]:`, `{"level":"DEBUG","msg":"details"}`, `{"level":`,
	}, "\n")
	last := passOnLog(strings.NewReader(child), logged.logger())
	const want = `level=WARN msg="a login failed" refused=3 user="ann\x1b[2J"`
	text := logged.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, want) {
		t.Errorf("logged: %s", text)
	}
	if want := []string{"panic: oh no", "goroutine 1 [running]:", `{"level":`}; !slices.Equal(last, want) {
		t.Errorf("the text of the crash is %q, want %q", last, want)
	}
}

// The log has a limited rate, with the number of records that were dropped.
func TestRateOfTheLog(t *testing.T) {
	var logged log
	l := slog.New(newLimitedHandler(slog.NewTextHandler(&logged, nil))).With("part", "broker").WithGroup("g")
	for range 10 * logBurst {
		l.Warn(strings.Repeat("x", 10*logMost))
	}
	text := logged.String()
	if records := strings.Count(text, "\n"); records > 2*logBurst || len(text) > 2*logBurst*(logMost+200) {
		t.Errorf("%d records, %d bytes", records, len(text))
	}
}

// Topics are mapped to subjects as the server does it.
func TestSubjects(t *testing.T) {
	for topic, want := range map[string]string{
		"flux/rt/req/set": "flux.rt.req.set", "flux/+/status": "flux.*.status", "flux/r.t/#": "flux.r//t.>",
	} {
		if got := subject(topic); got != want || !server.IsValidSubject(got) {
			t.Errorf("%s: %s, want %s", topic, got, want)
		}
	}
}

// The limits grow with the description, so that the streams have room for it.
func TestLimits(t *testing.T) {
	for _, described := range []int{0, 10_000, 1 << 20, 16 << 20} {
		l := (&config{DescriptionSize: described, Clients: 64}).limits()
		if l.message <= described || l.retained < int64(2*described) || l.pending < l.retained/8 ||
			l.soft <= l.memory() || l.hard <= l.soft {
			t.Errorf("%d: %+v", described, l)
		}
	}
}

// Only a robot's process may start it.
func TestServeWithoutAConfiguration(t *testing.T) {
	var output strings.Builder
	if code := Serve(strings.NewReader("hello"), io.Discard, &output); code != 2 || !strings.Contains(output.String(), "fluxd run") {
		t.Errorf("%d: %s", code, &output)
	}
}

// The broker ends with the process that started it, even if that is killed.
func TestBrokerEndsWithItsParent(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	c := exec.Command(os.Args[0], parent)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	id := 0
	if _, err := fmt.Sscan(line, &id); err != nil || id == 0 {
		t.Fatalf("%q: %v", line, err)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // killed
	eventually(t, "the broker to end", func() bool { return !runs(id) })
}
