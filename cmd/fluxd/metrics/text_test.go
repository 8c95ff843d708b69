package metrics

import (
	"bytes"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/machine"
)

type fataler interface{ Fatalf(string, ...any) }

// parsed reads a page as Prometheus does.
func parsed(t fataler, page []byte) map[string]*dto.MetricFamily {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	all, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, page)
	}
	return all
}

// labelsOf returns the labels of a sample.
func labelsOf(m *dto.Metric) map[string]string {
	all := map[string]string{}
	for _, pair := range m.Label {
		all[pair.GetName()] = pair.GetValue()
	}
	return all
}

func pointer[T any](v T) *T { return &v }

// full is a robot with one of each.
func full() *scrape {
	var loop machine.Latencies
	loop.Record(15 * time.Microsecond)
	loop.Record(3 * time.Millisecond)
	loop.Record(time.Minute)
	return &scrape{
		Snapshot: Snapshot{
			Health: protocol.Health{Spikes: 5, Ignored: 2, QueueDepth: 3, LateInputs: 1,
				Realtime: protocol.Realtime{MemoryLocked: true, Refused: []string{"priority"}},
				Safety:   protocol.Safety{State: "stopped", ByHand: true}},
			Readings: map[string]protocol.Measure{"eye": {Value: 12.5, Unit: "lx", Age: protocol.Seconds(1500 * time.Millisecond)}},
			Sensors:  []Sensor{{Name: "eye", Stale: true, Failed: 7}, {Name: "never", Failing: true, Lost: 9}},
			Actuators: []Actuator{{Name: "wheel", Command: -0.5, Held: []string{"disarmed", "sensor stale"}, Failed: 4, Failing: true},
				{Name: "mood", Label: pointer("happy")}},
			Rewards: []Reward{{"joy", 11, 3}}, World: &World{4, []Value{{"lamps", 2}}}, Neurons: 6, Arrivals: 20, Stalled: true,
			Loop: &loop, EdgeToWrite: &loop, SpikeToWrite: &machine.Latencies{}, LostReadings: 1, LostSpikes: 2,
			Link: &bridge.State{Connected: true, Connections: 2, Waiting: 5, Dropped: 3, Malformed: 1}, Broker: os.Getpid(),
		},
		version: "v1.2.3", started: time.Unix(1_700_000_000, 0),
		condition: &machine.Condition{Temperature: pointer(48.5), Throttling: pointer(machine.Throttling(0x50001)), Folder: "/var",
			DiskFree: pointer(uint64(1 << 40)), DiskSize: pointer(uint64(1 << 41)), MemoryAvailable: pointer(uint64(1 << 30))},
	}
}

// Every metric has a sample for a robot that has one of each, and the samples say what the robot says.
func TestEveryMetricIsServed(t *testing.T) {
	s := full()
	all := parsed(t, s.write(nil, "rover"))
	for _, f := range families {
		got := all[f.name]
		if got == nil || len(got.Metric) == 0 {
			if runtime.GOOS == "linux" || !strings.HasSuffix(f.name, "resident_memory_bytes") {
				t.Errorf("%s: no sample", f.name)
			}
			continue
		}
		if kind := strings.ToLower(got.GetType().String()); kind != f.kind || got.GetHelp() != f.help {
			t.Errorf("%s: %s, %q: want %s, %q", f.name, kind, got.GetHelp(), f.kind, f.help)
		}
		for _, m := range got.Metric {
			labels := labelsOf(m)
			if labels["robot"] != "rover" || len(labels) != 1+len(f.labels) {
				t.Errorf("%s: labels %v, want robot and %v", f.name, labels, f.labels)
			}
		}
	}
	if len(all) > len(families) {
		t.Errorf("%d metrics are served, %d are listed", len(all), len(families))
	}
	value := func(name string, labels ...string) float64 {
		t.Helper()
		for _, m := range all[name].GetMetric() {
			has := labelsOf(m)
			if !slices.ContainsFunc(slices.Collect(slices.Chunk(labels, 2)), func(l []string) bool { return has[l[0]] != l[1] }) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
		t.Errorf("%s: no sample with %v", name, labels)
		return math.NaN()
	}
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{1, "fluxd_build_info", []string{"version", "v1.2.3"}},
		{1.7e9, "process_start_time_seconds", nil},
		{1, "fluxd_state", []string{"state", "stopped"}},
		{0, "fluxd_state", []string{"state", "armed"}},
		{1, "fluxd_loop_stalled", nil},
		{20, "fluxd_arrivals_total", nil},
		{2, "fluxd_dropped_total", []string{"queue", "decoders"}},
		{3, "fluxd_dropped_total", []string{"queue", "mqtt"}},
		{12.5, "fluxd_sensor_reading", []string{"sensor", "eye", "unit", "lx"}},
		{1.5, "fluxd_sensor_age_seconds", []string{"sensor", "eye"}},
		{0, "fluxd_sensor_stale", []string{"sensor", "never"}},
		{1, "fluxd_sensor_failing", []string{"sensor", "never"}},
		{9, "fluxd_sensor_edges_lost_total", []string{"sensor", "never"}},
		{-0.5, "fluxd_actuator_command", []string{"actuator", "wheel"}},
		{1, "fluxd_actuator_label", []string{"label", "happy"}},
		{1, "fluxd_actuator_held", []string{"actuator", "wheel", "reason", "sensor stale"}},
		{0, "fluxd_actuator_held", []string{"actuator", "wheel", "reason", "command timed out"}},
		{3, "fluxd_reward_spikes_total", []string{"reward", "joy", "sign", "against"}},
		{2, "fluxd_episode_score", []string{"score", "lamps"}},
		{1, "fluxd_mqtt_connected", nil},
		{48.5, "fluxd_temperature_celsius", nil},
		{1, "fluxd_throttled", []string{"reason", "under_voltage"}},
		{0, "fluxd_throttled", []string{"reason", "throttled"}},
		{1, "fluxd_throttled_since_boot", []string{"reason", "throttled"}},
		{1 << 40, "fluxd_disk_free_bytes", []string{"folder", "/var"}},
	} {
		if got := value(c.name, c.labels...); got != c.want {
			t.Errorf("%s %v: %g, want %g", c.name, c.labels, got, c.want)
		}
	}
	h := all["fluxd_loop_latency_seconds"].Metric[0].GetHistogram()
	if h.GetSampleCount() != 3 || h.GetSampleSum() < 60 || h.GetSampleSum() > 60.7 || h.Bucket[0].GetCumulativeCount() != 0 ||
		h.Bucket[1].GetCumulativeCount() != 1 || h.Bucket[len(h.Bucket)-1].GetCumulativeCount() != 3 {
		t.Errorf("histogram: %v", h)
	}
}

// What a robot does not have, has no samples; nothing is missing in the text.
func TestARobotThatHasNothing(t *testing.T) {
	all := parsed(t, (&scrape{}).write(nil, "bare"))
	for _, name := range []string{"fluxd_mqtt_connected", "fluxd_episode", "fluxd_temperature_celsius", "fluxd_disk_free_bytes",
		"fluxd_sensor_stale"} {
		if n := len(all[name].GetMetric()); n > 0 {
			t.Errorf("%s: %d samples", name, n)
		}
	}
	if len(all["fluxd_state"].GetMetric()) != 3 {
		t.Error("no state")
	}
}

// Names and labels come from robot files, versions from the linker, and scores from programs of users: whatever they are, they
// come out of Prometheus' parser as they went in, and forge no sample.
func TestOddNames(t *testing.T) {
	odd := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `"`, `\`, "\n", `\n`, `a"} 1` + "\nfluxd_state{} 9", "\xff\xfe",
		"\x00", "é", "\u2028", "{}", `",robot="x`, "# HELP x"}),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	number := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, -0.0, 5e-324,
		math.MaxFloat64}))
	rapid.Check(t, func(t *rapid.T) {
		robot, sensor, unit, label, version := odd.Draw(t, "robot"), odd.Draw(t, "sensor"), odd.Draw(t, "unit"), odd.Draw(t, "label"),
			odd.Draw(t, "version")
		reading := number.Draw(t, "reading")
		s := full()
		s.version = version
		s.Sensors = []Sensor{{Name: sensor}}
		s.Readings = map[string]protocol.Measure{sensor: {Value: reading, Unit: unit}}
		s.Actuators = []Actuator{{Name: label, Label: &label}}
		page := s.write(nil, robot)
		all := parsed(t, page)
		clean := func(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
		read := all["fluxd_sensor_reading"].GetMetric()
		if len(read) != 1 {
			t.Fatalf("%d readings in:\n%s", len(read), page)
		}
		got, value := labelsOf(read[0]), read[0].GetGauge().GetValue()
		if got["robot"] != clean(robot) || got["sensor"] != clean(sensor) || got["unit"] != clean(unit) ||
			value != reading && !(math.IsNaN(value) && math.IsNaN(reading)) {
			t.Fatalf("%q %q %q %g: got %q %g", robot, sensor, unit, reading, got, value)
		}
		named := labelsOf(all["fluxd_actuator_label"].GetMetric()[0])
		built := labelsOf(all["fluxd_build_info"].GetMetric()[0])
		if named["label"] != clean(label) || built["version"] != clean(version) || len(all["fluxd_state"].GetMetric()) != 3 {
			t.Fatalf("got %q, %q", named, built)
		}
	})
}

// A scrape takes memory for what it copies, and not for its text.
func TestAScrapeAllocatesLittle(t *testing.T) {
	s := full()
	buffer := s.write(nil, "rover")
	one := &family{name: "x", kind: gauge, help: "help", labels: []string{"a"}}
	page := text{to: buffer[:0], robot: "r"}
	if n := testing.AllocsPerRun(100, func() {
		page.to = page.to[:0]
		page.of = one
		page.add(1.5, "plain")
	}); n > 0 {
		t.Errorf("a sample allocates %g times", n)
	}
}
