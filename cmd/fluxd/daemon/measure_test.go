package daemon

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/configs"
)

// page returns the status and the text of a page of the metrics' server.
func (w *watched) page(t *testing.T, name string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(strings.TrimSuffix(w.Metrics(), "metrics") + name)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// awaitHealth waits until the robot is well, or until it says why it is not.
func (w *watched) awaitHealth(t *testing.T, why string) {
	t.Helper()
	eventually(t, "health: "+why, func() bool {
		time.Sleep(50 * time.Millisecond) // an answer holds for a second
		status, text := w.page(t, "healthz")
		if why == "" {
			return status == http.StatusOK && text == "ok\n"
		}
		return status == http.StatusServiceUnavailable && strings.Contains(text, why)
	})
}

// awaitMetrics waits until a scrape has all of these lines.
func (w *watched) awaitMetrics(t *testing.T, lines ...string) {
	t.Helper()
	eventually(t, strings.Join(lines, ", "), func() bool {
		time.Sleep(50 * time.Millisecond)
		_, text := w.page(t, "metrics")
		for _, line := range lines {
			if !strings.Contains(text, "\n"+line+"\n") {
				return false
			}
		}
		return true
	})
}

// The metrics and the health of a robot follow what happens to it.
func TestMetricsOfARobotInTrouble(t *testing.T) {
	w := watch(t, strings.Replace(guarded(", stale: 1s", "", ""), "safety:", "metrics: {listen: '127.0.0.1:0'}\nsafety:", 1))
	w.plug(t)
	name := w.Name()
	state := func(is string) string { return `fluxd_state{robot="` + name + `",state="` + is + `"} 1` }
	held := func(reason, is string) string {
		return `fluxd_actuator_held{robot="` + name + `",actuator="` + w.outputs[0].Name + `",reason="` + reason + `"} ` + is
	}
	stale := func(is string) string {
		return `fluxd_sensor_stale{robot="` + name + `",sensor="` + w.sensors[0].Name + `"} ` + is
	}
	eventually(t, "a reading", func() bool { return len(w.Sensors()) > 0 })
	w.Disarm("ann")
	w.awaitHealth(t, "") // a disarmed robot is well
	w.awaitMetrics(t, state("disarmed"), held("disarmed", "1"))
	w.arm(t)
	w.awaitHealth(t, "")
	w.awaitMetrics(t, state("armed"), held("disarmed", "0"), stale("0"))

	w.faults(t).Stick()
	w.awaitHealth(t, "sensor_stale: "+w.sensors[0].Name)
	w.awaitMetrics(t, stale("1"), held("sensor stale", "1"))
	w.faults(t).Release()
	w.awaitHealth(t, "")
	w.awaitMetrics(t, stale("0"), held("sensor stale", "0"))

	w.safety.EmergencyStop("ann")
	w.awaitHealth(t, "emergency_stop: stopped by ann: disarm first")
	w.awaitMetrics(t, state("stopped"), held("emergency stop", "1"))
	w.safety.Disarm("ann")
	w.awaitHealth(t, "")

	release := make(chan struct{})
	hung := make(chan struct{})
	go func() {
		w.ask(t.Context(), func() answer { close(hung); <-release; return answer{} })
	}()
	<-hung
	w.awaitMetrics(t, state("disarmed")) // a scrape does not need the loop
	w.awaitHealth(t, protocol.LoopStalled.Code())
	close(release)
	w.awaitHealth(t, "")
}

func TestMetricsWithoutABroker(t *testing.T) {
	text := strings.Replace(guarded("", "", ""), "{broker: embedded, listen: '127.0.0.1:0'}", "{broker: none}", 1)
	r, _ := start(t, parse(t, text+"metrics: {listen: '127.0.0.1:0'}\n", nil))
	w := &watched{Robot: r}
	w.awaitMetrics(t, `fluxd_neurons{robot="guarded"} 1`)
	if _, page := w.page(t, "metrics"); strings.Contains(page, "fluxd_mqtt_connected{") || r.Broker() != "" || r.Dashboard() != "" {
		t.Errorf("a robot without MQTT says that it has it:\n%s", page)
	}
}

// A token is read from its file. A file that is missing, empty or too short ends the robot before it begins, with the key and the
// remedy, and without the token.
func TestTokensOfMetrics(t *testing.T) {
	folder := t.TempDir()
	token := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	robot := func(file string) *configs.Robot {
		return parse(t, strings.Replace(guarded("", "", ""), "{broker: embedded, listen: '127.0.0.1:0'}", "{broker: none}", 1)+
			"metrics: {listen: '127.0.0.1:0', token_file: '"+file+"'}\n", nil)
	}
	for file, says := range map[string]string{
		filepath.Join(folder, "missing"): "metrics.token_file: ",
		token("empty", "\n"):             "metrics.token_file: " + filepath.Join(folder, "empty") + " is empty",
		token("short", "sesame\n"):       "metrics: the token has 6 characters: expected at least 16",
	} {
		err := Run(t.Context(), robot(file), RunOptions{})
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, want %q", file, err, says)
		}
	}
	r, _ := start(t, robot(token("good", "0123456789abcdef\n")))
	for header, want := range map[string]int{"": 401, "Bearer 0123456789abcdef": 200} {
		request, err := http.NewRequest(http.MethodGet, r.Metrics(), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", header)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%q: %s, want %d", header, answer.Status, want)
		}
	}
}
