package bench

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/*.golden")

// filled returns a report in which every field has a different value.
func filled() *Report {
	r := &Report{}
	next := 0
	fill(reflect.ValueOf(r).Elem(), &next)
	r.Format = Format
	r.Growth = nil
	for i, a := range axes {
		for k := range 3 {
			r.Growth = append(r.Growth, Growth{Axis: a.axis, Value: float64(1 + i + 1000*k), Neurons: 1000, Synapses: 100_000, RateHz: 10,
				NsPerEvent: float64(2 + 7*k), UsPerStep: 3.5, BytesPerSynapse: 8})
		}
	}
	return r
}

func fill(v reflect.Value, next *int) {
	*next++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), next)
	case reflect.String:
		v.SetString("text" + string(rune('a'+*next%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(*next) + 0.5)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*next))
	case reflect.Uint64:
		v.SetUint(uint64(*next))
	default:
		panic("a report with a " + v.Kind().String())
	}
}

// The shape of the JSON is a promise: this test shows a field that is renamed or dropped.
func TestShapeOfTheJSON(t *testing.T) {
	text, err := json.MarshalIndent(filled(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json.golden", append(text, '\n'))
}

func TestTable(t *testing.T) {
	var table bytes.Buffer
	if err := filled().WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	golden(t, "table.golden", table.Bytes())
	table.Reset()
	if err := (&Report{}).WriteTable(&table); err != nil || strings.Count(table.String(), "\n") != 1 {
		t.Errorf("of nothing: %v\n%s", err, table.String())
	}
}

func TestChart(t *testing.T) {
	var svg bytes.Buffer
	r := filled()
	if err := r.WriteChart(&svg); err != nil {
		t.Fatal(err)
	}
	elements := map[string]int{}
	for d := xml.NewDecoder(bytes.NewReader(svg.Bytes())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, is := token.(xml.StartElement); is {
			elements[start.Name.Local]++
		}
	}
	if elements["svg"] != 1 || elements["circle"] != len(r.Growth) {
		t.Errorf("%v, %d points", elements, len(r.Growth))
	}
	for _, a := range axes {
		if !strings.Contains(svg.String(), a.title) {
			t.Errorf("no %q", a.title)
		}
	}
	golden(t, "chart.svg.golden", svg.Bytes())
	if err := (&Report{}).WriteChart(&svg); !errors.Is(err, ErrNoGrowth) {
		t.Error(err)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s has changed; if that is intended: go test ./cmd/fluxd/bench -update\n%s", name, got)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.01234: "0.0123", 12.34: "12.3", 999: "999",
		1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100000: "-100,000",
	} {
		if got := digits(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	m := thisMachine()
	if m.Processor == "" || m.Cores < 1 || m.System == "" || m.Arch == "" || !strings.HasPrefix(m.Go, "go") {
		t.Errorf("%+v", m)
	}
	file := filepath.Join(t.TempDir(), "info")
	if err := os.WriteFile(file, []byte("model\t: 1\nmodel name\t: Some: CPU \nmodel name\t: another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := colonField(file, "Model", "model name"); got != "Some: CPU" {
		t.Errorf("%q", got)
	}
	if got := colonField(file+"s", "model name"); got != "" {
		t.Errorf("%q", got)
	}
}
