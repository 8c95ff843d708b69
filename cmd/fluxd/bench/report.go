package bench

// Format names the shape of a Report as JSON. New fields may be added; no field changes its meaning.
const Format = "fluxd-bench/1"

// A Report is everything that was measured; what was not measured is left out. The names of the JSON fields carry the units. A
// "step" is a simulated millisecond.
type Report struct {
	Format  string   `json:"format"`
	Version string   `json:"fluxd"`
	Machine Machine  `json:"machine"`
	Runs    []Run    `json:"runs,omitempty"`
	Idle    []Idle   `json:"idle,omitempty"`
	Memory  *Memory  `json:"memory,omitempty"`
	Silent  *Silent  `json:"silent,omitempty"`
	Reflex  *Reflex  `json:"reflex,omitempty"`
	Robot   *Robot   `json:"robot,omitempty"`
	Growth  []Growth `json:"growth,omitempty"`
	Remarks []string `json:"notes,omitempty"` // what could not be measured here, and why
}

// A Run is a network with inputs.
type Run struct {
	Name               string  `json:"name"`    // "static/a"
	Network            string  `json:"network"` // a, b, c, d or a file
	Neurons            int     `json:"neurons"`
	Synapses           int     `json:"synapses"`
	Delays             int     `json:"distinct_delays"`
	Inputs             int     `json:"kicks_per_step"` // direct inputs from outside
	Workers            int     `json:"workers"`        // processors
	WarmUp             int     `json:"warmup_steps"`
	Steps              int     `json:"steps"`         // timed, after the warm-up
	Spikes             uint64  `json:"spikes"`        // in these steps
	Checked            bool    `json:"count_checked"` // the number of spikes is known, and was right
	Events             uint64  `json:"events"`        // arrivals over synapses in these steps
	RateHz             float64 `json:"rate_hz"`       // spikes per neuron and simulated second
	NsPerEvent         float64 `json:"ns_per_event"`
	NsPerEventLow      float64 `json:"ns_per_event_p10"`
	NsPerEventHigh     float64 `json:"ns_per_event_p90"`
	EventsPerSecond    float64 `json:"events_per_s"`
	UsPerStep          float64 `json:"us_per_step"`
	RealTime           float64 `json:"simulated_s_per_s"` // 1 is real time
	AllocationsPerStep float64 `json:"allocations_per_step"`
	BuildSeconds       float64 `json:"build_s"`
	BytesPerSynapse    float64 `json:"bytes_per_synapse"`             // of the built network, without its neurons
	Target             float64 `json:"target_ns_per_event,omitempty"` // at most
}

// An Idle is a network without inputs, advanced one step at a time.
type Idle struct {
	Network   string  `json:"network"`
	Ran       bool    `json:"after_spikes"` // true: it was active before and has fallen silent; false: it has never fired
	UsPerStep float64 `json:"us_per_step"`
	Target    float64 `json:"target_us_per_step"` // at most
}

// Memory is the heap that a built network takes after the caller has dropped its description.
type Memory struct {
	BytesPerNeuron         float64 `json:"bytes_per_neuron"` // without synapses
	BytesPerStatic         float64 `json:"bytes_per_static_synapse"`
	BytesPerPlastic        float64 `json:"bytes_per_plastic_synapse"` // with what its neurons need for it
	BytesPerLongTerm       float64 `json:"bytes_per_plastic_synapse_without_short_term_part"`
	TargetBytesPerNeuron   float64 `json:"target_bytes_per_neuron"` // at most, as for the other targets
	TargetBytesPerStatic   float64 `json:"target_bytes_per_static_synapse"`
	TargetBytesPerPlastic  float64 `json:"target_bytes_per_plastic_synapse"`
	TargetBytesPerLongTerm float64 `json:"target_bytes_per_plastic_synapse_without_short_term_part"`
}

// Silent is a large network without spikes.
type Silent struct {
	Neurons      int     `json:"neurons"`
	Synapses     int     `json:"synapses"`
	BuildSeconds float64 `json:"build_s"`
	Bytes        uint64  `json:"bytes"`
	UsPerStep    float64 `json:"us_per_step"`
	Wakeups      int     `json:"wakeups"` // times at which something is due: 0
}

// A Reflex is the time that the daemon takes from a sensor's edge to the write at the actuator, through one synapse of 1 us, and
// the time between two goroutines over a bare channel. Samples of both were taken in turn.
type Reflex struct {
	Samples     int     `json:"samples"` // of each
	Daemon      Latency `json:"daemon"`
	Bare        Latency `json:"bare_channel"`
	RatioP50    float64 `json:"ratio_p50"`
	RatioP99    float64 `json:"ratio_p99"`
	TargetRatio float64 `json:"target_ratio"` // at most, of both
}

// Latency is in microseconds.
type Latency struct {
	P50  float64 `json:"p50_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p99_9_us"`
	Max  float64 `json:"max_us"`
}

// Robot is a whole daemon with the demo robot, and with one at rest.
type Robot struct {
	// until it runs, its actuators at failsafe; the slowest of several
	Start           float64  `json:"start_s"`
	StartWithBroker float64  `json:"start_with_broker_s"`          // with the embedded broker
	TargetStart     float64  `json:"target_start_s"`               // at most
	WakeUps         *float64 `json:"idle_wakeups_per_s,omitempty"` // of the process; left out where the system does not count them
}

// A Growth is one point of the curves that show how the cost grows.
type Growth struct {
	Axis            string  `json:"axis"` // "neurons", "synapses_per_neuron", "rate_hz" or "distinct_delays"
	Value           float64 `json:"value"`
	Neurons         int     `json:"neurons"`
	Synapses        int     `json:"synapses"`
	RateHz          float64 `json:"rate_hz"`
	NsPerEvent      float64 `json:"ns_per_event"`
	UsPerStep       float64 `json:"us_per_step"`
	BytesPerSynapse float64 `json:"bytes_per_synapse"`
}
