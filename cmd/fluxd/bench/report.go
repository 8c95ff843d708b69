package bench

// Format names the shape of a Report as JSON. Fields may be added to it; none changes its meaning.
const Format = "fluxd-bench/1"

// A Report is all that was measured. What was not is left out. Fields carry their units in their names as JSON; "step" is a
// simulated millisecond.
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
	Notes   []string `json:"notes,omitempty"` // what could not be measured here, and why
}

// A Run is a network under drive.
type Run struct {
	Name               string  `json:"name"`    // "static/a"
	Network            string  `json:"network"` // a, b, c, d or a file
	Neurons            int     `json:"neurons"`
	Synapses           int     `json:"synapses"`
	Delays             int     `json:"distinct_delays"`
	Kicks              int     `json:"kicks_per_step"`
	Workers            int     `json:"workers"` // processors
	WarmUp             int     `json:"warmup_steps"`
	Steps              int     `json:"steps"`         // counted after the warm-up
	Spikes             uint64  `json:"spikes"`        // in these steps
	Checked            bool    `json:"count_checked"` // they are as many as they have to be
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
	BytesPerSynapse    float64 `json:"bytes_per_synapse"`             // of the built network, its neurons not counted
	Target             float64 `json:"target_ns_per_event,omitempty"` // at most
}

// An Idle is a network without drive, advanced a step at a time.
type Idle struct {
	Network   string  `json:"network"`
	Ran       bool    `json:"after_spikes"` // it has been driven before, and fallen silent; else it has never fired
	UsPerStep float64 `json:"us_per_step"`
	Target    float64 `json:"target_us_per_step"` // at most
}

// Memory is what a built network takes: heap in use, its description dropped by the caller.
type Memory struct {
	BytesPerNeuron        float64 `json:"bytes_per_neuron"` // without synapses
	BytesPerStatic        float64 `json:"bytes_per_static_synapse"`
	BytesPerPlastic       float64 `json:"bytes_per_plastic_synapse"` // what its neurons need for it included
	TargetBytesPerNeuron  float64 `json:"target_bytes_per_neuron"`   // at most; so the others
	TargetBytesPerStatic  float64 `json:"target_bytes_per_static_synapse"`
	TargetBytesPerPlastic float64 `json:"target_bytes_per_plastic_synapse"`
}

// Silent is a large network in which nothing happens.
type Silent struct {
	Neurons      int     `json:"neurons"`
	Synapses     int     `json:"synapses"`
	BuildSeconds float64 `json:"build_s"`
	Bytes        uint64  `json:"bytes"`
	UsPerStep    float64 `json:"us_per_step"`
	Wakeups      int     `json:"wakeups"` // times at which it wants to be advanced: 0
}

// A Reflex is how long the daemon takes from a sensor's edge to the write at the actuator, through one synapse of 1 us; beside it,
// sample by sample in turn, what two goroutines take with nothing but a channel between them.
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
	Start           float64  `json:"start_s"`                      // until it runs, its actuators at failsafe; the slowest of some
	StartWithBroker float64  `json:"start_with_broker_s"`          // the embedded one
	TargetStart     float64  `json:"target_start_s"`               // at most
	WakeUps         *float64 `json:"idle_wakeups_per_s,omitempty"` // of the process; left out where the system does not tell
}

// A Growth is one point of how the cost grows.
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
