package metrics

import (
	"os"
	"runtime"
	"slices"
	"time"

	"fluxd/actuators"
	"fluxd/cmd/fluxd/machine"
)

// The kinds of metrics.
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// A family is a metric: its samples differ in their labels.
type family struct {
	name, kind string
	help       string
	labels     []string // besides robot, which every sample has
	samples    func(t *text, s *scrape)
}

// A scrape is what the samples are taken from.
type scrape struct {
	Snapshot
	version   string
	started   time.Time          // of the process
	condition *machine.Condition // nil: not read yet
}

// states are the values of Safety.State.
var states = []string{"armed", "disarmed", "stopped"}

// holds are the reasons for which an actuator is at failsafe.
var holds = (^actuators.Hold(0)).Reasons()

// families are all metrics, in the order in which they are served.
var families = []family{
	{"fluxd_build_info", gauge, "Always 1; the labels are the versions of fluxd and of Go.", []string{"version", "go"},
		func(t *text, s *scrape) { t.add(1, s.version, runtime.Version()) }},
	{"process_start_time_seconds", gauge, "When the robot's process started, in seconds since 1970.", nil,
		func(t *text, s *scrape) { t.add(float64(s.started.UnixMilli()) / 1000) }},

	{"fluxd_state", gauge, "1 for the state in which the robot is, 0 for the others: armed, disarmed, stopped (an emergency stop).",
		[]string{"state"},
		func(t *text, s *scrape) {
			for _, state := range states {
				t.flag(s.Health.Safety.State == state, state)
			}
		}},
	{"fluxd_driven_by_hand", gauge, "1 while a user drives the robot by hand: the network commands nothing.", nil,
		func(t *text, s *scrape) { t.flag(s.Health.Safety.ByHand) }},

	{"fluxd_loop_stalled", gauge, "1 while the control loop does not answer: the actuators are at failsafe.", nil,
		func(t *text, s *scrape) { t.flag(s.Stalled) }},
	{"fluxd_loop_latency_seconds", histogram,
		"How late the control loop has done what was due: from due time to completion.", nil,
		func(t *text, s *scrape) { t.latencies(s.Loop) }},
	{"fluxd_edge_to_write_seconds", histogram,
		"From a reading, such as an edge of a switch, to the actuator write that answers it at once.", nil,
		func(t *text, s *scrape) { t.latencies(s.EdgeToWrite) }},
	{"fluxd_spike_to_write_seconds", histogram, "From when any other motor spike was due to the write that it caused.", nil,
		func(t *text, s *scrape) { t.latencies(s.SpikeToWrite) }},

	{"fluxd_neurons", gauge, "Neurons of the network.", nil,
		func(t *text, s *scrape) { t.add(float64(s.Neurons)) }},
	{"fluxd_spikes_total", counter, "Spikes that neurons have fired.", nil,
		func(t *text, s *scrape) { t.add(float64(s.Health.Spikes)) }},
	{"fluxd_arrivals_total", counter, "Spikes that have arrived at neurons, over synapses and from outside.", nil,
		func(t *text, s *scrape) { t.add(float64(s.Arrivals)) }},
	{"fluxd_arrivals_ignored_total", counter, "Arrivals that a neuron ignored, since it was refractory or in a burst.", nil,
		func(t *text, s *scrape) { t.add(float64(s.Health.Ignored)) }},
	{"fluxd_arrivals_waiting", gauge, "Spikes on their way to neurons.", nil,
		func(t *text, s *scrape) { t.add(float64(s.Health.QueueDepth)) }},
	{"fluxd_inputs_late_total", counter, "Inputs that came when their time had already been computed.", nil,
		func(t *text, s *scrape) { t.add(float64(s.Health.LateInputs)) }},
	{"fluxd_dropped_total", counter,
		"What found no room, by queue: readings for the control loop, spikes in the windows of decoders, messages for the broker.",
		[]string{"queue"},
		func(t *text, s *scrape) {
			t.add(float64(s.LostReadings), "readings")
			t.add(float64(s.LostSpikes), "decoders")
			if s.Link != nil {
				t.add(float64(s.Link.Dropped), "mqtt")
			}
		}},

	{"fluxd_sensor_reading", gauge, "The latest good reading, in the unit of the label.", []string{"sensor", "unit"},
		func(t *text, s *scrape) {
			for _, one := range s.Sensors {
				m := s.Readings[one.Name]
				if value, is := m.Value.(float64); is {
					t.add(value, one.Name, m.Unit)
				}
			}
		}},
	{"fluxd_sensor_age_seconds", gauge, "Time since the latest good reading; none before the first.", []string{"sensor"},
		func(t *text, s *scrape) {
			for _, one := range s.Sensors {
				if m, seen := s.Readings[one.Name]; seen {
					t.add(time.Duration(m.Age).Seconds(), one.Name)
				}
			}
		}},
	sensorFlag("fluxd_sensor_stale",
		"1 while the sensor has had no good reading for longer than its stale: what needs it is at failsafe.",
		func(one Sensor) bool { return one.Stale }),
	sensorFlag("fluxd_sensor_failing", "1 while the sensor does not answer, or its answers make no sense.",
		func(one Sensor) bool { return one.Failing }),
	sensorCount("fluxd_sensor_failures_total", "Readings that failed.", func(one Sensor) uint64 { return one.Failed }),
	sensorCount("fluxd_sensor_edges_lost_total", "Edges that were lost, since they came too fast.",
		func(one Sensor) uint64 { return one.Lost }),

	{"fluxd_actuator_command", gauge, "The command in effect, as a part of full: -1 to 1.", []string{"actuator"},
		func(t *text, s *scrape) {
			for _, one := range s.Actuators {
				if one.Label == nil {
					t.add(one.Command, one.Name)
				}
			}
		}},
	{"fluxd_actuator_label", gauge, "1 for the label that the actuator now names.", []string{"actuator", "label"},
		func(t *text, s *scrape) {
			for _, one := range s.Actuators {
				if one.Label != nil {
					t.add(1, one.Name, *one.Label)
				}
			}
		}},
	{"fluxd_actuator_held", gauge, "1 for each reason that keeps the actuator at failsafe.", []string{"actuator", "reason"},
		func(t *text, s *scrape) {
			for _, one := range s.Actuators {
				for _, reason := range holds {
					t.flag(slices.Contains(one.Held, reason), one.Name, reason)
				}
			}
		}},
	{"fluxd_actuator_failing", gauge, "1 while the actuator cannot be written to.", []string{"actuator"},
		func(t *text, s *scrape) {
			for _, one := range s.Actuators {
				t.flag(one.Failing, one.Name)
			}
		}},
	{"fluxd_actuator_failures_total", counter, "Writes that failed.", []string{"actuator"},
		func(t *text, s *scrape) {
			for _, one := range s.Actuators {
				t.add(float64(one.Failed), one.Name)
			}
		}},

	{"fluxd_reward_spikes_total", counter,
		"Spikes of modulator neurons that a reward has brought in, by sign: for, against (a punishment).",
		[]string{"reward", "sign"},
		func(t *text, s *scrape) {
			for _, one := range s.Rewards {
				t.add(float64(one.For), one.Name, "for")
				t.add(float64(one.Against), one.Name, "against")
			}
		}},
	{"fluxd_episode", gauge, "The episode of the simulated world, from 1.", nil,
		func(t *text, s *scrape) {
			if s.World != nil {
				t.add(float64(s.World.Episode))
			}
		}},
	{"fluxd_episode_score", gauge, "The numbers of the score of this episode, as the simulated world names them, with their units.",
		[]string{"score"},
		func(t *text, s *scrape) {
			if s.World != nil {
				for _, v := range s.World.Score {
					t.add(v.Number, v.Name)
				}
			}
		}},

	{"fluxd_mqtt_connected", gauge, "1 while the robot is connected to its broker. No sample without MQTT.", nil,
		func(t *text, s *scrape) {
			if s.Link != nil {
				t.flag(s.Link.Connected)
			}
		}},
	{"fluxd_mqtt_connections_total", counter, "How often the robot was connected to its broker; 1 is the first.", nil,
		func(t *text, s *scrape) {
			if s.Link != nil {
				t.add(float64(s.Link.Connections))
			}
		}},
	{"fluxd_mqtt_messages_waiting", gauge, "Messages that wait to be sent to the broker.", nil,
		func(t *text, s *scrape) {
			if s.Link != nil {
				t.add(float64(s.Link.Waiting))
			}
		}},
	{"fluxd_mqtt_requests_malformed_total", counter, "Requests that could not be read.", nil,
		func(t *text, s *scrape) {
			if s.Link != nil {
				t.add(float64(s.Link.Malformed))
			}
		}},
	{"fluxd_broker_resident_memory_bytes", gauge, "Memory of the process of the robot's own broker.", nil,
		func(t *text, s *scrape) {
			if s.Broker != 0 {
				t.known(machine.ResidentMemory(s.Broker))
			}
		}},

	{"process_cpu_seconds_total", counter, "Time that the robot's process has used on all processors.", nil,
		func(t *text, _ *scrape) {
			if used, ok := machine.ProcessorTime(); ok {
				t.add(used.Seconds())
			}
		}},
	{"process_resident_memory_bytes", gauge, "Memory of the robot's process.", nil,
		func(t *text, _ *scrape) { t.known(machine.ResidentMemory(os.Getpid())) }},
	{"go_goroutines", gauge, "Goroutines of the robot's process.", nil,
		func(t *text, _ *scrape) { t.add(float64(runtime.NumGoroutine())) }},
	{"fluxd_memory_locked", gauge, "1 if the robot's memory is locked: no page has to be read from the disk.", nil,
		func(t *text, s *scrape) { t.flag(s.Health.Realtime.MemoryLocked) }},
	{"fluxd_realtime_refused", gauge, "How many of the realtime settings the system did not grant.", nil,
		func(t *text, s *scrape) { t.add(float64(len(s.Health.Realtime.Refused))) }},

	{"fluxd_temperature_celsius", gauge, "Temperature of the processor, where Linux reports it.", nil,
		func(t *text, s *scrape) {
			if c := s.condition; c != nil && c.Temperature != nil {
				t.add(*c.Temperature)
			}
		}},
	{"fluxd_throttled", gauge, "1 while the firmware of a Raspberry Pi reports it: under_voltage, frequency_capped, throttled, " +
		"soft_temperature_limit.", []string{"reason"},
		func(t *text, s *scrape) { t.throttling(s, machine.Throttling.Now) }},
	{"fluxd_throttled_since_boot", gauge, "1 if the same was so at any time since the machine was switched on.", []string{"reason"},
		func(t *text, s *scrape) { t.throttling(s, machine.Throttling.SinceBoot) }},
	{"fluxd_disk_free_bytes", gauge, "Room on the disk where the robot keeps what it learns.", []string{"folder"},
		func(t *text, s *scrape) {
			if c := s.condition; c != nil {
				t.known(c.DiskFree, c.Folder)
			}
		}},
	{"fluxd_disk_size_bytes", gauge, "Size of that disk.", []string{"folder"},
		func(t *text, s *scrape) {
			if c := s.condition; c != nil {
				t.known(c.DiskSize, c.Folder)
			}
		}},
	{"fluxd_memory_available_bytes", gauge, "Memory of the machine that programs can still have.", nil,
		func(t *text, s *scrape) {
			if c := s.condition; c != nil {
				t.known(c.MemoryAvailable)
			}
		}},
}

// sensorFlag is a family with a sample that is 1 or 0 for each sensor.
func sensorFlag(name, help string, of func(Sensor) bool) family {
	return family{name, gauge, help, []string{"sensor"}, func(t *text, s *scrape) {
		for _, one := range s.Sensors {
			t.flag(of(one), one.Name)
		}
	}}
}

// sensorCount is a family with a counter for each sensor.
func sensorCount(name, help string, of func(Sensor) uint64) family {
	return family{name, counter, help, []string{"sensor"}, func(t *text, s *scrape) {
		for _, one := range s.Sensors {
			t.add(float64(of(one)), one.Name)
		}
	}}
}

// known adds a sample if its value is known.
func (t *text) known(value *uint64, labels ...string) {
	if value != nil {
		t.add(float64(*value), labels...)
	}
}

// latencies adds a histogram.
func (t *text) latencies(l *machine.Latencies) {
	if l == nil {
		return
	}
	counts := make([]uint64, len(boundDurations))
	total, sum := l.Buckets(boundDurations, counts)
	t.histogram(counts, total, sum)
}

// throttling adds a sample for each reason, where there is a Raspberry Pi.
func (t *text) throttling(s *scrape, is func(machine.Throttling, int) bool) {
	if c := s.condition; c != nil && c.Throttling != nil {
		for i, reason := range machine.ThrottlingReasons {
			t.flag(is(*c.Throttling, i), reason)
		}
	}
}

// write writes all of it. The buffer may be used again.
func (s *scrape) write(buffer []byte, robot string) []byte {
	t := text{to: buffer[:0], robot: escape(robot)}
	for i := range families {
		t.begin(&families[i])
		families[i].samples(&t, s)
	}
	return t.to
}
