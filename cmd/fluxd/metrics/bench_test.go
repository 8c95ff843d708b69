package metrics

import "testing"

// BenchmarkPage writes the page of a robot with two sensors and two actuators, without its copies of counters.
func BenchmarkPage(b *testing.B) {
	s := full()
	s.Broker = 0
	page := s.write(nil, "rover")
	b.ReportAllocs()
	b.ReportMetric(float64(len(page)), "bytes/page")
	for b.Loop() {
		page = s.write(page, "rover")
	}
}
