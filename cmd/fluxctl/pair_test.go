package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"fluxd/bridge/broker"
	"fluxd/bridge/pairing"
	"fluxd/cmd/fluxctl/fleet"
	"fluxd/cmd/fluxctl/pairs"
	"fluxd/cmd/fluxd/pair"
)

// home gives the test a folder for what is paired.
func home(t *testing.T) (file string) {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"XDG_CONFIG_HOME", "HOME", "AppData"} {
		t.Setenv(name, folder)
	}
	file, err := pairs.File()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// fluxdPair runs "fluxd pair" for a robot r1 at an address on loopback, and returns the line and the notes.
func fluxdPair(t *testing.T, file string, args ...string) (line, notes string) {
	t.Helper()
	c := pair.Command()
	var out, problems bytes.Buffer
	c.SetArgs(append([]string{"ann", file, "--host", "127.0.0.1"}, args...))
	c.SetOut(&out)
	c.SetErr(&problems)
	if err := c.Execute(); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("it prints %q: expected one line", &out)
	}
	ticket, err := pairing.Parse(out.String())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(problems.String(), ticket.Password) {
		t.Errorf("the password is among the notes: %s", &problems)
	}
	return out.String(), problems.String()
}

// meanwhile is an empty input: it does something when it is read.
type meanwhile func()

func (m meanwhile) Read([]byte) (int, error) {
	m()
	return 0, io.EOF
}

// typing runs a command line with a text on stdin.
func typing(t *testing.T, text string, args ...string) (code int, out, problems string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdin := os.Stdin
	os.Stdin = file
	defer func() { os.Stdin = stdin }()
	return fluxctl(t, args...)
}

// From a robot file to a laptop that reaches the robot: with its real broker, over TLS.
func TestPair(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a broker in a process")
	}
	kept := home(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "robot.yaml")
	write := func(mqtt string) {
		t.Helper()
		text := "robot: r1\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\n" + mqtt
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("mqtt: {broker: embedded}\n")
	early, notes := fluxdPair(t, file)
	for _, want := range []string{"This line is a secret", "has mqtt in line 4", "\n  listen: '0.0.0.0:8883'\n",
		"\n  passwords: '" + filepath.Join(folder, "passwords") + "'\n", "restart the robot"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is missing in %s", want, notes)
		}
	}
	_, keys, _ := strings.Cut(notes, "\nmqtt:\n")
	keys, _, _ = strings.Cut(keys, "\n\n")
	certified := filepath.Join(folder, "robot.pem")
	options := broker.Options{Passwords: filepath.Join(folder, "passwords"), TLS: broker.TLS{Certificate: certified, Key: certified}}
	url := withEmbeddedBroker(t, options).URL()
	port := url[strings.LastIndexByte(url, ':')+1:]
	write("mqtt:\n" + strings.Replace(keys, "8883", port, 1) + "\n") // as the notes say, with the port of this test

	line, notes := fluxdPair(t, file)
	for _, want := range []string{"user ann, operator, has a new password", "knows the user within a second"} {
		if !strings.Contains(notes, want) || strings.Contains(notes, "certificate") {
			t.Errorf("the second time: %s, want %q and no new certificate", notes, want)
		}
	}
	ticket, err := pairing.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	ticket.Addresses = []string{"127.0.0.1:1", "127.0.0.1:" + port} // nobody listens at the first
	line = ticket.String()

	// What is not that robot is refused, and nothing is kept.
	other := ticket
	other.Fingerprint = strings.Repeat("A", 43)
	wrong := ticket
	wrong.Password = "another password"
	nobody := ticket
	nobody.Addresses = ticket.Addresses[:1]
	for _, test := range []struct {
		line string
		code int
		says string
	}{
		{other.String(), exitRefused, "another fingerprint"},
		{wrong.String(), exitAbsent, "a line holds no longer when 'fluxd pair ann' has made another one"},
		{nobody.String(), exitAbsent, "the robot is not reached"},
		{early, exitAbsent, "the robot is not reached"}, // of the time before the robot listened
		{"hello", exitUsage, "expected the whole line"},
		{line[:len(line)-2], exitUsage, "not complete"},
	} {
		args := []string{"--timeout=20s", "pair", test.line}
		if test.line == early {
			args[0] = "--timeout=1s"
		}
		code, out, says := fluxctl(t, args...)
		if code != test.code || out != "" || !strings.Contains(says, test.says) || strings.Contains(says, ticket.Password) {
			t.Errorf("pair ends with %d and prints %q and %q, want %d and something with %q, and no password", code, out, says,
				test.code, test.says)
		}
		if _, err := os.Stat(kept); err == nil {
			t.Fatalf("after %q there is a file", test.says)
		}
	}
	code, out, says := fluxctl(t, "--robot=r1", "--timeout=5s", "get") // not paired: the broker of this machine
	if code == exitOK && strings.Contains(out, "eye/threshold") {
		t.Errorf("before it is paired: %d, %q, %q", code, out, says)
	}

	code, out, says = typing(t, line, "pair")
	if code != exitOK || !strings.Contains(out, "paired with r1 as ann") || says != "" {
		t.Fatalf("pair ends with %d and prints %q and %q", code, out, says)
	}
	if info, err := os.Stat(kept); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	untilOnline(t, "--robot=r1", "get")
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"--robot r1 set eye/threshold=90mV", exitOK, "100 mV -> 90 mV"},
		{"--robot r1 get eye/threshold", exitOK, "ann"}, // SET BY
		{"--robot r1 disarm", exitOK, "disarmed"},
		{"--match r1 get eye/threshold", exitOK, "r1: eye/threshold = 90 mV\n"},
		{"--match r1 estop", exitOK, "r1: stopped after"},
		{"--match r1 list", exitOK, "r1 "},
		{"--robot r1 --broker tcp://127.0.0.1:1 get", exitAbsent, "127.0.0.1:1"}, // a flag overrides
		{"--robot r1 --ca " + file + " get", exitUsage, "expected certificates"},
	} {
		code, out, says := fluxctl(t, strings.Fields(test.args)...)
		if code != test.code && !strings.Contains(says, "later than 1s") || !strings.Contains(out+says, test.says) ||
			strings.Contains(out+says, ticket.Password) {
			t.Errorf("%s ends with %d and prints %q and %q, want %d and something with %q", test.args, code, out, says, test.code,
				test.says)
		}
	}
	all := listing(t, func(all map[string]fleet.Shown) bool { return all["r1"].State == fleet.Online }, "--match=r*")
	if r1 := all["r1"]; r1.Safety != "armed" && r1.Safety != "disarmed" && r1.Safety != "stopped" {
		t.Errorf("%+v", r1)
	}

	// A robot that is switched off is named.
	gone := ticket
	gone.Robot = "gone"
	if code, out, says := typing(t, gone.String(), "pair", "-", "--json"); code != exitOK || !strings.Contains(out, `"robot": "gone"`) {
		t.Fatalf("%d, %q, %q", code, out, says)
	}
	robots, err := pairs.Load(kept)
	if err != nil || len(robots) != 2 {
		t.Fatalf("%v, %v", robots, err)
	}
	// A robot is kept that another terminal has paired while this one asks for the line.
	if err := pairs.Save(kept, map[string]pairs.Robot{"r1": robots["r1"]}); err != nil {
		t.Fatal(err)
	}
	asking := command(io.Discard)
	asking.SetArgs([]string{"pair"})
	asking.SetIn(io.MultiReader(meanwhile(func() {
		if err := pairs.Save(kept, robots); err != nil {
			t.Error(err)
		}
	}), strings.NewReader(ticket.String())))
	if err := asking.Execute(); err != nil {
		t.Fatal(err)
	}
	if robots, err = pairs.Load(kept); err != nil || len(robots) != 2 {
		t.Fatalf("%v, %v", robots, err)
	}
	off := robots["gone"]
	off.Addresses = []string{"127.0.0.1:1"}
	robots["gone"] = off
	if err := pairs.Save(kept, robots); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--match gone list":                   "gone   unreachable",
		"--match gone estop":                  "gone: no connection to the broker",
		"--match gone save":                   "gone: no connection to the broker",
		"--match [gr]* estop":                 "r1: stopped after",
		"get --broker tcp://127.0.0.1:1":      "no connection to the broker tcp://127.0.0.1:1",
		"pair --forget nobody":                "paired: gone, r1",
		"pair --forget gone":                  "gone is forgotten",
		"pair --forget r1 --json":             `"done": "forgotten"`,
		"--robot r1 get --broker tcp://a:1/x": "no connection",
	} {
		if strings.HasPrefix(args, "pair") {
			continue // below, in their order
		}
		code, out, says := fluxctl(t, append([]string{"--timeout=5s"}, strings.Fields(args)...)...)
		if !strings.Contains(out+says, want) || strings.Contains(args, "estop") && code != exitAbsent {
			t.Errorf("%s ends with %d and prints %q and %q, want %q", args, code, out, says, want)
		}
	}
	for _, step := range [][2]string{{"nobody", "paired: gone, r1"}, {"gone", "gone is forgotten"}, {"r1", "r1 is forgotten"}} {
		_, out, says := fluxctl(t, "pair", "--forget", step[0])
		if !strings.Contains(out+says, step[1]) {
			t.Errorf("pair --forget %s prints %q and %q", step[0], out, says)
		}
	}
	if robots, err := pairs.Load(kept); err != nil || len(robots) != 0 {
		t.Errorf("%v, %v", robots, err)
	}
}

// A file of pairs that is damaged keeps nobody from stopping a robot.
func TestDamagedPairs(t *testing.T) {
	kept := home(t)
	for _, text := range []string{"{", `{"robots": 5}`, `{"robots": {"r1": {}}}`, `{"robots":{"r1":{"addresses":["a:1"],"ca":"x"}}}`} {
		if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(kept, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, says := fluxctl(t, "--timeout=5s", "--robot=r1", "estop")
		if !strings.Contains(says, "the robots that are paired are left out") {
			t.Errorf("%s: %q", text, says)
		}
		if code, _, says := fluxctl(t, "pair", "fluxd1/x"); code != exitUsage || !strings.Contains(says, "robots.json") {
			t.Errorf("%s: pair ends with %d and prints %q", text, code, says)
		}
	}
	for _, text := range []string{"{}", `{"robots":{}}`} {
		if err := os.WriteFile(kept, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if robots, err := pairs.Load(kept); err != nil || robots == nil || len(robots) != 0 {
			t.Errorf("%s: %v, %v", text, robots, err)
		}
	}
}

// Somebody between laptop and robot, who shows the authority's certificate without its key, gets no password.
func TestSomebodyBetween(t *testing.T) {
	home(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "robot.yaml")
	if err := os.WriteFile(file, []byte("robot: r1\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	line, _ := fluxdPair(t, file)
	ticket, err := pairing.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(theirs, []byte("robot: r1\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fluxdPair(t, theirs)
	var shown [2]tls.Certificate
	for i, of := range []string{theirs, file} {
		pem := filepath.Join(filepath.Dir(of), "robot.pem")
		if shown[i], err = tls.LoadX509KeyPair(pem, pem); err != nil {
			t.Fatal(err)
		}
	}
	shown[0].Certificate = [][]byte{shown[0].Certificate[0], shown[1].Certificate[1]} // the authority's is public
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: shown[:1]})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() { // ends with the listener
		defer close(got)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			text := make([]byte, 1000)
			n, _ := conn.Read(text)
			if n > 0 {
				select {
				case got <- string(text[:n]):
				default:
				}
			}
			conn.Close()
		}
	}()
	ticket.Addresses = []string{listener.Addr().(*net.TCPAddr).String()}
	code, out, says := fluxctl(t, "pair", ticket.String())
	if code != exitRefused || out != "" || !strings.Contains(says, "somebody else answers in its place") {
		t.Errorf("pair ends with %d and prints %q and %q", code, out, says)
	}
	listener.Close()
	if text, sent := <-got; sent {
		t.Errorf("it was sent %q", text)
	}
}

// The output of pair --json is that of other commands.
func TestPairErrorsAsJSON(t *testing.T) {
	home(t)
	code, out, says := fluxctl(t, "pair", "hello", "--json")
	var e shownError
	if err := json.Unmarshal([]byte(says), &e); err != nil || code != exitUsage || out != "" || e.Error.Code != "usage" {
		t.Errorf("it ends with %d and prints %q and %q: %v", code, out, says, err)
	}
}
