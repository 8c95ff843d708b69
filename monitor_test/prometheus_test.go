//go:build prometheus

package monitor

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	fluxd   = flag.String("fluxd", "../bin/fluxd", "the program")
	fluxctl = flag.String("fluxctl", "../bin/fluxctl", "the remote control")
)

const (
	// patience bounds every wait, on a machine that is much too busy.
	patience = 2 * time.Minute
	rules    = "../deploy/prometheus/fluxd.rules.yml"
	config   = "../deploy/prometheus/prometheus.yml"
	board    = "../deploy/grafana/fluxd.json"
)

// run runs a program to its end.
func run(t *testing.T, folder string, in io.Reader, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Stdin = folder, in
	text, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(text)
}

// start starts a program that ends with the test.
func start(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: expected Debian's package prometheus, and make build", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Dir = folder
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		killed := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		killed.Stop()
		if t.Failed() {
			t.Logf("%s:\n%s", name, log.String())
		}
	})
}

// free returns an address on which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	return socket.Addr().String()
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition, which says what is missing; "" is nothing.
func eventually(t *testing.T, what string, missing func() string) {
	t.Helper()
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if last = missing(); last == "" {
			return
		}
	}
	t.Fatalf("waited in vain for %s: %s", what, last)
}

// replaced replaces a text that must be there.
func replaced(t *testing.T, in, old, by string) string {
	t.Helper()
	if !strings.Contains(in, old) {
		t.Fatalf("expected %q in:\n%s", old, in)
	}
	return strings.ReplaceAll(in, old, by)
}

// get asks a server for a page.
func get(address string) (string, error) {
	client := http.Client{Timeout: 30 * time.Second}
	answer, err := client.Get("http://" + address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return string(text), err
}

// A server is a Prometheus, by its address.
type server string

// series asks for an expression, and returns the labels of what it gives.
func (s server) series(expr string) ([]map[string]string, error) {
	text, err := get(string(s) + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status string
		Data   struct {
			Result []struct{ Metric map[string]string }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Status != "success" {
		return nil, fmt.Errorf("%v: %s", err, text)
	}
	var all []map[string]string
	for _, one := range answer.Data.Result {
		all = append(all, one.Metric)
	}
	return all, nil
}

// firing returns the alarms that fire, with the robots that they are about.
func (s server) firing() (map[string][]string, error) {
	text, err := get(string(s) + "/api/v1/alerts")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels map[string]string
				State  string
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return nil, fmt.Errorf("%v: %s", err, text)
	}
	all := map[string][]string{}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" {
			all[a.Labels["alertname"]] = append(all[a.Labels["alertname"]], a.Labels["robot"])
		}
	}
	return all, nil
}

// expressions returns those of the dashboard's panels, as Grafana asks for them, and those of its annotations.
func expressions(t *testing.T) (panels, annotations []string) {
	t.Helper()
	var d struct {
		UID    string
		Inputs []struct{ Name string } `json:"__inputs"`
		Panels []struct {
			Type, Title string
			Targets     []struct{ Expr string }
		}
		Templating  struct{ List []struct{ Name string } }
		Annotations struct{ List []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(read(t, board)), &d); err != nil {
		t.Fatal(err)
	}
	if d.UID != "fluxd-robots" || len(d.Inputs) != 1 || d.Inputs[0].Name != "DS_PROMETHEUS" ||
		d.Templating.List[0].Name != "robot" {
		t.Errorf("the dashboard is %q with inputs %v: expected fluxd-robots with DS_PROMETHEUS, and the variable robot", d.UID,
			d.Inputs)
	}
	plain := strings.NewReplacer("$robot", ".*", "$__rate_interval", "1m")
	for _, p := range d.Panels {
		for _, one := range p.Targets {
			if !strings.Contains(one.Expr, `robot=~"$robot"`) {
				t.Errorf("panel %q does not select the robot: %s", p.Title, one.Expr)
			}
			panels = append(panels, plain.Replace(one.Expr))
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
	}
	for _, a := range d.Annotations.List {
		annotations = append(annotations, plain.Replace(a.Expr))
	}
	return panels, annotations
}

var (
	waits   = regexp.MustCompile(`(?m)^ +for: .*\n`)
	alarm   = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)
	expr    = regexp.MustCompile(`(?m)^ +expr: (.*)$`)
	metric  = regexp.MustCompile(`\b(?:fluxd|process|go)_[a-z_]+`)
	ofLabel = regexp.MustCompile(`"[^"]*"`)
)

// promtool finds no fault with the rules, each alarm has its series that fire it and that do not, and robots' metrics are as
// Prometheus wants them.
func TestRules(t *testing.T) {
	run(t, ".", nil, "promtool", "check", "rules", rules)
	run(t, ".", nil, "promtool", "check", "config", config)
	t.Log(run(t, "../deploy/prometheus", nil, "promtool", "test", "rules", "fluxd.rules.test.yml"))
	tests := read(t, "../deploy/prometheus/fluxd.rules.test.yml")
	page := read(t, "../docs/watch-over.md")
	for _, m := range alarm.FindAllStringSubmatch(read(t, rules), -1) {
		if !strings.Contains(tests, "alertname: "+m[1]+"\n") {
			t.Errorf("%s: no test in fluxd.rules.test.yml", m[1])
		}
		if !strings.Contains(page, "`"+m[1]+"`") {
			t.Errorf("%s: not in docs/watch-over.md", m[1])
		}
	}
}

func TestRobotsInPrometheus(t *testing.T) {
	folder := t.TempDir()
	well, ailing, nobody, broker, at := free(t), free(t), free(t), free(t), free(t)
	// What the kernel of a hot Raspberry Pi with a weak supply would say.
	write(t, folder+"/root/sys/class/thermal/thermal_zone0/temp", "81000\n")
	write(t, folder+"/root/sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
	write(t, folder+"/root/proc/meminfo", "MemAvailable:    512000 kB\n")
	write(t, folder+"/well/robot.yaml", fmt.Sprintf(`robot: well
board: {kind: sim, world: arena}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms, encode: {kind: rate, range: [0 lx, 400 lx], max: 200 Hz, to: seen}}
network:
  neurons:
    seen: {}
    motor: {threshold: 100, leak: 1000, refractory: 5ms}
    joy: {}
  synapses: [{from: seen, to: motor, weight: 110}]
rewards: {lighter: {sensor: eye, on: change, window: 200ms, gain: 1, most: 5, to: joy}}
actuators:
  wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: motor, full: 60 Hz, window: 200ms}}
  mood: {device: label, decode: {kind: winner-take-all, window: 100ms, choices: {seen: awake, joy: happy}}}
mqtt: {listen: '%s'}
dashboard: {listen: none}
metrics: {listen: '%s'}
`, broker, well))
	// Its eye sees the same all the time, which it takes for a fault, and nobody is at its broker's address.
	write(t, folder+"/ailing/robot.yaml", fmt.Sprintf(`robot: ailing
board: {kind: sim, world: table}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms, frozen: 1s, stale: 1s,
        encode: {kind: rate, range: [0 lx, 400 lx], max: 200 Hz, to: seen}}
network: {neurons: {seen: {}}}
actuators:
  wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: seen, full: 60 Hz, window: 200ms}}
mqtt: {broker: 'tcp://%s'}
dashboard: {listen: none}
metrics: {listen: '%s'}
`, nobody, ailing))
	start(t, folder+"/well", *fluxd, "run", "robot.yaml", "--plain", "--root", folder+"/root")
	start(t, folder+"/ailing", *fluxd, "run", "robot.yaml", "--plain")
	targets := strings.Join([]string{well, ailing, nobody}, "\n          - ")
	write(t, folder+"/prometheus.yml", replaced(t, replaced(t, read(t, config), "127.0.0.1:9101", targets), "15s", "1s"))
	write(t, folder+"/fluxd.rules.yml", waits.ReplaceAllString(read(t, rules), ""))
	start(t, folder, "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address="+at)
	prometheus := server(at)
	eventually(t, "both robots in Prometheus", func() string {
		up, err := prometheus.series(`up == 1`)
		if err != nil || len(up) != 2 {
			return fmt.Sprint(up, err)
		}
		return ""
	})
	page, err := get(well + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	run(t, ".", strings.NewReader(page), "promtool", "check", "metrics")
	if text, err := get(well + "/healthz"); err != nil || text != "ok\n" {
		t.Errorf("health of the robot that is well: %q, %v", text, err)
	}
	eventually(t, "the health of the other one", func() string {
		if _, err := get(ailing + "/healthz"); err == nil || !strings.Contains(err.Error(), "sensor_stale: eye") {
			return fmt.Sprint(err)
		}
		return ""
	})
	tool, err := filepath.Abs(*fluxctl)
	if err != nil {
		t.Fatal(err)
	}
	run(t, folder, nil, tool, "--broker", "tcp://"+broker, "estop")

	panels, annotations := expressions(t)
	alarms := expr.FindAllStringSubmatch(read(t, rules), -1)
	used := map[string]bool{}
	eventually(t, "series for every expression of the dashboard", func() string {
		for _, one := range panels {
			if got, err := prometheus.series(one); err != nil || len(got) == 0 {
				return fmt.Sprintf("%s: %d series, %v", one, len(got), err)
			}
			for _, name := range metric.FindAllString(ofLabel.ReplaceAllString(one, ""), -1) {
				used[name] = true
			}
		}
		return ""
	})
	for _, m := range alarms {
		annotations = append(annotations, m[1])
		for _, name := range metric.FindAllString(ofLabel.ReplaceAllString(m[1], ""), -1) {
			used[name] = true
		}
	}
	for _, one := range annotations { // these may have no series now
		if _, err := prometheus.series(one); err != nil {
			t.Errorf("%s: %v", one, err)
		}
	}
	if len(panels) < 40 || len(alarms) != len(alarm.FindAllString(read(t, rules), -1)) || len(used) < 40 {
		t.Errorf("%d expressions, %d alarms, %d metrics: this test does not find them", len(panels), len(alarms), len(used))
	}
	for name := range used {
		if got, err := prometheus.series(name); err != nil || len(got) == 0 {
			t.Errorf("%s: %d series, %v", name, len(got), err)
		}
	}

	want := map[string]string{"FluxdEmergencyStop": "well", "FluxdTemperatureHigh": "well", "FluxdUnderVoltage": "well",
		"FluxdThrottled": "well", "FluxdSensorStale": "ailing", "FluxdBrokerLost": "ailing", "FluxdRobotDown": ""}
	eventually(t, "the alarms", func() string {
		got, err := prometheus.firing()
		if err != nil {
			return err.Error()
		}
		for name, robot := range want {
			if !slices.Contains(got[name], robot) {
				return fmt.Sprintf("%s of %q; there are %v", name, robot, got)
			}
		}
		return ""
	})
	got, err := prometheus.firing()
	if err != nil {
		t.Fatal(err)
	}
	for _, quiet := range []string{"FluxdLoopStalled", "FluxdActuatorFailing", "FluxdRestarting"} {
		if robots := got[quiet]; len(robots) > 0 {
			t.Errorf("%s fires for %v", quiet, robots)
		}
	}
	if slices.Contains(got["FluxdSensorStale"], "well") || slices.Contains(got["FluxdEmergencyStop"], "ailing") {
		t.Errorf("alarms of the wrong robot: %v", got)
	}
}
