package metrics

import (
	"strconv"
	"strings"
	"time"
)

// contentType is that of the text format.
const contentType = "text/plain; version=0.0.4; charset=utf-8"

// text is a page of metrics that is being written.
type text struct {
	to    []byte
	robot string // escaped; a label of every sample
	of    *family
}

// begin begins a family.
func (t *text) begin(f *family) {
	t.of = f
	t.to = append(t.to, "# HELP "...)
	t.to = append(t.to, f.name...)
	t.to = append(t.to, ' ')
	t.to = append(t.to, helpEscapes.Replace(f.help)...)
	t.to = append(t.to, "\n# TYPE "...)
	t.to = append(t.to, f.name...)
	t.to = append(t.to, ' ')
	t.to = append(t.to, f.kind...)
	t.to = append(t.to, '\n')
}

// add adds a sample of the family, with a value for each of its labels.
func (t *text) add(value float64, labels ...string) {
	t.sample("", value, "", labels)
}

// flag adds a sample that is 1 or 0.
func (t *text) flag(is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	t.add(value, labels...)
}

// sample adds a sample. The suffix belongs to histograms, as does le, the upper bound of a bucket; "": none.
func (t *text) sample(suffix string, value float64, le string, labels []string) {
	t.to = append(t.to, t.of.name...)
	t.to = append(t.to, suffix...)
	t.to = append(t.to, `{robot="`...)
	t.to = append(t.to, t.robot...)
	for i, label := range t.of.labels {
		t.to = append(t.to, `",`...)
		t.to = append(t.to, label...)
		t.to = append(t.to, `="`...)
		t.to = append(t.to, escape(labels[i])...)
	}
	if le != "" {
		t.to = append(t.to, `",le="`...)
		t.to = append(t.to, le...)
	}
	t.to = append(t.to, `"} `...)
	t.to = strconv.AppendFloat(t.to, value, 'g', -1, 64) // NaN, +Inf and -Inf as the format has them
	t.to = append(t.to, '\n')
}

// histogram adds the samples of a histogram, whose bounds are bounds.
func (t *text) histogram(counts []uint64, total uint64, sum time.Duration) {
	for i, count := range counts {
		t.sample("_bucket", float64(count), bounds[i].text, nil)
	}
	t.sample("_bucket", float64(total), "+Inf", nil)
	t.sample("_sum", sum.Seconds(), "", nil)
	t.sample("_count", float64(total), "", nil)
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// escape escapes the value of a label. One that is no UTF-8 gets a mark where it is not.
func escape(value string) string { return labelEscapes.Replace(strings.ToValidUTF8(value, "\uFFFD")) }

// A bound is the upper bound of a bucket.
type bound struct {
	duration time.Duration
	text     string // seconds
}

// bounds are those of all histograms: from what a spike costs to what a person sees.
var bounds = func() (all []bound) {
	for _, d := range boundDurations {
		all = append(all, bound{d, strconv.FormatFloat(d.Seconds(), 'g', -1, 64)})
	}
	return all
}()

var boundDurations = []time.Duration{
	10 * time.Microsecond, 20 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 200 * time.Microsecond,
	500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second,
}
