package hil_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// Verdicts.
const (
	passed = "PASS"
	failed = "FAIL"
	cannot = "cannot" // the rig lacks what the case needs
)

// result is the result of a case on a rig.
type result struct {
	Rig, Case, Verdict, Figures string
	duration                    time.Duration
}

// line encodes a result for the harness on another machine.
func (r result) line() string {
	return fmt.Sprintf("%s|%s|%s|%d|%s", r.Rig, r.Case, r.Verdict, r.duration.Milliseconds(), r.Figures)
}

func parseResult(line string) (result, error) {
	f := strings.SplitN(line, "|", 5)
	if len(f) != 5 {
		return result{}, fmt.Errorf("result %q: expected rig|case|verdict|milliseconds|figures", line)
	}
	ms, err := strconv.Atoi(f[3])
	return result{Rig: f[0], Case: f[1], Verdict: f[2], Figures: f[4], duration: time.Duration(ms) * time.Millisecond}, err
}

// results is the report.
type results struct {
	mutex sync.Mutex
	all   []result
}

var report results

func (r *results) add(one result) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.all = append(r.all, one)
}

func (r *results) failures(rig string) (n int) {
	for _, one := range r.all {
		if one.Rig == rig && one.Verdict == failed {
			n++
		}
	}
	return n
}

// print prints the report as a table, and writes the file of -junit.
func (r *results) print() error {
	if len(r.all) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RIG\tCASE\tVERDICT\tTOOK\tFIGURES")
	for _, one := range r.all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%v\t%s\n", one.Rig, one.Case, one.Verdict, one.duration.Round(time.Millisecond), one.Figures)
	}
	if err := table.Flush(); err != nil || *junitFile == "" {
		return err
	}
	text, err := r.junit()
	if err != nil {
		return err
	}
	return os.WriteFile(*junitFile, text, 0o644)
}

// The elements of JUnit's XML format that all its readers understand.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     float64     `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    float64       `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
	}
)

func (r *results) junit() ([]byte, error) {
	var all junitSuites
	for _, one := range r.all {
		i := slices.IndexFunc(all.Suites, func(s junitSuite) bool { return s.Name == "hil."+one.Rig })
		if i < 0 {
			i = len(all.Suites)
			all.Suites = append(all.Suites, junitSuite{Name: "hil." + one.Rig})
		}
		s := &all.Suites[i]
		c := junitCase{Name: one.Case, Class: s.Name, Time: one.duration.Seconds()}
		switch one.Verdict {
		case failed:
			c.Failure = &junitMessage{"see the log; " + one.Figures}
			s.Failures++
		case cannot:
			c.Skipped = &junitMessage{one.Figures}
			s.Skipped++
		default:
			c.Out = one.Figures
		}
		s.Tests++
		s.Time += c.Time
		s.Cases = append(s.Cases, c)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}
