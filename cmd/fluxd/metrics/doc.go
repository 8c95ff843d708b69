// Package metrics serves what a robot counts and measures to Prometheus and other monitors, in the text format 0.0.4
// (https://github.com/prometheus/docs/blob/main/content/docs/instrumenting/exposition_formats.md), and says whether the robot is
// well:
//
//	m, err := metrics.Start(ctx, robot, metrics.Options{Robot: "rover", Version: "dev", Listen: "127.0.0.1:9101"})
//	if err != nil { ... }
//	defer m.Close()
//	fmt.Println(m.URL() + "metrics", m.URL() + "healthz")
//
// A scrape reads a snapshot: counters that the control loop writes without a lock, and what others know already. It asks the loop
// for nothing. /healthz does ask it for an answer, at most once a second.
//
// File families.go lists every metric: its name, its help, its labels, and where its values come from. A test writes the table of
// docs/watch-over.md from it.
package metrics
