package scaffold

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
)

// every returns all combinations of choices.
func every() (all []Choices) {
	all = []Choices{{Name: "rover"}}
	for i := range Questions {
		q := &Questions[i]
		var more []Choices
		for _, c := range all {
			for _, o := range q.options(&c) {
				*q.of(&c) = o.Name
				more = append(more, c)
			}
		}
		all = more
	}
	return all
}

// uncommented matches a key that the file offers in a comment.
var uncommented = regexp.MustCompile(`(?m)^( *)# ((emergency_stop|start|status_light|inverted|min_power|tuning): .*)$`)

// Every robot file that can be made is valid and draws no warning, and neither does it when the keys that it offers in comments
// are switched on. Its lines are not too long to read.
func TestEveryFileIsValid(t *testing.T) {
	all := every()
	if len(all) < 400 {
		t.Fatalf("%d combinations: expected all", len(all))
	}
	for i, c := range all {
		if testing.Short() && i%19 != 0 { // prime to the number of options of each choice
			continue
		}
		text, err := c.File("rover.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsAny(text, "\t") || bytes.Contains(text, []byte("%!")) || !bytes.HasSuffix(text, []byte("\n")) {
			t.Errorf("%s:\n%s", c.Line(), text)
		}
		for line := range strings.Lines(string(text)) {
			if n := len([]rune(line)) - 1; n > 140 || n > 0 && strings.HasSuffix(line, " \n") {
				t.Fatalf("%s: %d columns, or spaces at its end: %q", c.Line(), n, line)
			}
		}
		if bytes.Contains(text, []byte("at_start")) { // a package that looks for it would take the robot for one that arms itself
			t.Fatalf("%s: at_start:\n%s", c.Line(), text)
		}
		more := uncommented.ReplaceAll(text, []byte("$1$2"))
		if n := bytes.Count(more, []byte("\n")) - bytes.Count(text, []byte("\n")); n != 0 || bytes.Equal(more, text) {
			t.Fatalf("%s: offers no keys in comments:\n%s", c.Line(), text)
		}
		if c.Motors == "servos" || c.Motors == "pca9685-servos" { // the right one is inverted already
			if !bytes.Contains(text, []byte("inverted: true           # it")) {
				t.Errorf("%s: no servo is inverted", c.Line())
			}
		}
		for _, one := range [][]byte{text, more} {
			config, err := configs.Parse("rover.yaml", one, nil)
			if err != nil {
				t.Fatalf("%s: %v\n%s", c.Line(), err, one)
			}
			mistakes, _ := hardware.CheckRanges(config)
			warnings, err := daemon.Check(config)
			if len(mistakes) > 0 || err != nil || len(config.Warnings) > 0 || len(warnings) > 0 {
				t.Errorf("%s: mistakes %v, %v; warnings %v, %v", c.Line(), mistakes, err, config.Warnings, warnings)
			}
		}
	}
}

// The network of a robot is the same whatever its board, so that the simulated robot shows what the real one does.
func TestBoardsDifferInNothingElse(t *testing.T) {
	for _, c := range every() {
		if c.Board != "sim" || c.Motors != "drv8833" || c.Reach != "here" {
			continue
		}
		var made [2]*configs.Robot
		for i, board := range []string{"sim", "raspberrypi"} {
			c.Board = board
			text, err := c.File("rover.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if made[i], err = configs.Parse("rover.yaml", text, nil); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := made[0].Network, made[1].Network; !reflect.DeepEqual(a, b) {
			t.Errorf("%s: networks differ:\n%+v\n%+v", c.Line(), a, b)
		}
		if a, b := fmt.Sprint(made[0].Wiring()), fmt.Sprint(made[1].Wiring()); a != b {
			t.Errorf("%s: wirings differ:\n%s\n%s", c.Line(), a, b)
		}
	}
}

// live lets a robot live in its world for some simulated time, and returns its score.
func live(t *testing.T, c Choices, seed uint64, length time.Duration) map[string]float64 {
	t.Helper()
	text, err := c.File("rover.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rover.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := configs.LoadWith(file, configs.Changes{World: c.World()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := daemon.NewSimulation(config, seed, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(context.Background(), length, func(time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	score := map[string]float64{}
	for _, v := range s.World().Score().Values {
		score[v.Name] = v.Number
	}
	if err := s.Halt(); err != nil {
		t.Error(err)
	}
	return score
}

// Every behaviour does what it says, with all sensors that it can have, for both boards: half a minute in each of three worlds.
func TestEveryBehaviourMoves(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates many robots")
	}
	for _, c := range every() {
		if c.Motors != "drv8833" || c.Reach != "here" {
			continue
		}
		sum := map[string]float64{}
		for seed := range uint64(3) {
			for name, v := range live(t, c, seed+1, 30*time.Second) {
				sum[name] += v
			}
		}
		good := false
		switch c.Behaviour {
		case "line":
			good = sum["on_line"] > 2.9 && sum["line_m"] > 15
		case "light":
			good = sum["lamps"] >= 6
		case "obstacles":
			good = sum["metres"] > 10 && sum["bumps"] <= 1
		case "wander": // without a bumper it ends at a wall
			good = sum["metres"] > 15 || c.Bumper == "no" && sum["metres"] > 3
		}
		if !good {
			t.Errorf("%s: in three half minutes %v", c.Line(), sum)
		}
	}
}

// Every motor driver drives the same robot.
func TestEveryDriverMoves(t *testing.T) {
	for _, d := range drivers {
		c := Choices{Name: "rover", Board: "raspberrypi", Motors: d.Name}
		if err := c.Complete(Found{}); err != nil {
			t.Fatal(err)
		}
		if score := live(t, c, 1, 5*time.Second); score["on_line"] < 0.99 || score["metres"] < 0.8 {
			t.Errorf("%s: %v", d.Name, score)
		}
	}
}

// The defaults follow what answers on the bus.
func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		found Found
		given Choices
		want  string // of Line
	}{
		{Found{}, Choices{}, "--board=sim --behaviour=line --sensors=line2 --bumper=no --motors=drv8833 --reach=here"},
		{Found{Pi: true}, Choices{},
			"--board=raspberrypi --behaviour=line --sensors=line2 --bumper=no --motors=drv8833 --reach=here"},
		{Found{Pi: true, Answers: []uint16{0x23, 0x5c}}, Choices{},
			"--board=raspberrypi --behaviour=light --sensors=bh1750 --bumper=no --motors=drv8833 --reach=here"},
		{Found{Pi: true, Answers: []uint16{0x29, 0x60, 0x70}}, Choices{},
			"--board=raspberrypi --behaviour=obstacles --sensors=vl53l0x --bumper=no --motors=adafruit-hat --reach=here"},
		{Found{Pi: true, Answers: []uint16{0x48}}, Choices{Behaviour: "light"},
			"--board=raspberrypi --behaviour=light --sensors=ads1115 --bumper=no --motors=drv8833 --reach=here"},
		{Found{Pi: true}, Choices{Behaviour: "obstacles"},
			"--board=raspberrypi --behaviour=obstacles --sensors=hcsr04 --bumper=no --motors=drv8833 --reach=here"},
		{Found{}, Choices{Behaviour: "obstacles"},
			"--board=sim --behaviour=obstacles --sensors=vl53l0x --bumper=no --motors=drv8833 --reach=here"},
		{Found{}, Choices{Sensors: "ads1115", Bumper: "yes"},
			"--board=sim --behaviour=light --sensors=ads1115 --bumper=yes --motors=drv8833 --reach=here"},
		{Found{}, Choices{Behaviour: "wander"},
			"--board=sim --behaviour=wander --sensors=none --bumper=yes --motors=drv8833 --reach=here"},
	} {
		c.given.Name = "rover"
		if err := c.given.Complete(c.found); err != nil {
			t.Errorf("%+v: %v", c.found, err)
		} else if got := c.given.Line(); got != "rover "+c.want {
			t.Errorf("%+v:\n%s, want\nrover %s", c.found, got, c.want)
		}
	}
}

// A choice that cannot be is refused with what can.
func TestChoicesThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		given Choices
		want  string
	}{
		{Choices{}, `NAME "": expected a name of letters, digits, _ and -, such as rover`},
		{Choices{Name: "my robot"}, `NAME "my robot": expected a name of letters`},
		{Choices{Name: "rover.yaml"}, "the file is named with --output"},
		{Choices{Name: "../rover"}, "expected a name of letters"},
		{Choices{Name: "röver"}, "expected a name of letters"},
		{Choices{Name: "a\nboard: {kind: raspberrypi}"}, "expected a name of letters"},
		{Choices{Name: strings.Repeat("a", 65)}, "expected at most 64 characters"},
		{Choices{Name: "-rover"}, "expected a name that begins with a letter or a digit"},
		{Choices{Name: "r", Motors: "drv8834"}, "--motors \"drv8834\": expected drv8833, "},
		{Choices{Name: "r", Motors: "drv8834"}, "(did you mean drv8833?)"},
		{Choices{Name: "r", Sensors: "bh1570"}, "(did you mean bh1750?)"},
		{Choices{Name: "r", Behaviour: "fly"}, `--behaviour "fly": expected line, light, obstacles or wander`},
		{Choices{Name: "r", Behaviour: "line", Sensors: "bh1750"}, "--sensors bh1750: expected line2 or line5 with --behaviour line"},
		{Choices{Name: "r", Behaviour: "line", Bumper: "yes"}, "--bumper yes: expected no with --behaviour line"},
	} {
		err := c.given.Complete(Found{})
		if !errors.Is(err, ErrChoice) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.given, err, c.want)
		}
	}
}

// Enter, Enter, Enter: the same robot as with --yes. Numbers, names and their beginnings choose another one.
func TestAsk(t *testing.T) {
	for _, c := range []struct {
		typed string
		given Choices
		want  string
	}{
		{"\n\n\n\n\n\n", Choices{}, "--board=sim --behaviour=line --sensors=line2 --bumper=no --motors=drv8833 --reach=here"},
		{"\r\n 2 \nBH\nyes\nservos\nnet\n", Choices{},
			"--board=sim --behaviour=light --sensors=bh1750 --bumper=yes --motors=servos --reach=network"},
		{"rasp\nobstacles\n2\n1\n9\n1\n", Choices{},
			"--board=raspberrypi --behaviour=obstacles --sensors=hcsr04 --bumper=no --motors=waveshare-hat --reach=here"},
		{"", Choices{Board: "sim", Sensors: "line5", Motors: "l298n", Reach: "here"},
			"--board=sim --behaviour=line --sensors=line5 --bumper=no --motors=l298n --reach=here"},
	} {
		c.given.Name = "rover"
		var shown strings.Builder
		if err := c.given.Ask(strings.NewReader(c.typed), &shown, Found{}); err != nil {
			t.Errorf("%q: %v\n%s", c.typed, err, &shown)
		} else if got := c.given.Line(); got != "rover "+c.want {
			t.Errorf("%q:\n%s, want\nrover %s", c.typed, got, c.want)
		}
	}
}

// A wrong answer is asked for again; answers that end, or a line without end, are an error.
func TestAnswersThatDoNotFit(t *testing.T) {
	c := Choices{Name: "rover"}
	var shown strings.Builder
	err := c.Ask(strings.NewReader("9\nl\nboat\n\x1b[A\n"), &shown, Found{})
	if err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("%v", err)
	}
	for _, want := range []string{
		"9: expected 1 to 2, or raspberrypi or sim", `"boat": expected 1 to 2`, `"\x1b[A": expected`, "[sim] ", "Where does it live?",
	} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("no %q in:\n%s", want, &shown)
		}
	}
	if strings.Contains(shown.String(), "What does it do?") {
		t.Errorf("it went on:\n%s", &shown)
	}
	endless := io.MultiReader(strings.NewReader("sim\n"), &forever{})
	if err := c.Ask(endless, io.Discard, Found{}); err == nil {
		t.Error("a line without end is an answer")
	}
}

// forever is a line without end.
type forever struct{}

func (*forever) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// A path that is not plain does not get into the text, where a line break would end the comment.
func TestStrangePath(t *testing.T) {
	c := Choices{Name: "rover"}
	if err := c.Complete(Found{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a b.yaml", "x\nboard: {kind: linux}", "-", "$(reboot).yaml"} {
		text, err := c.File(path)
		if err != nil || !bytes.Contains(text, []byte("fluxd check FILE\n")) || bytes.Contains(text, []byte("kind: linux}\n")) {
			t.Errorf("%q: %v\n%s", path, err, text)
		}
	}
	text, err := c.File("/etc/fluxd/robot.yaml")
	if err != nil || !bytes.Contains(text, []byte("fluxd check /etc/fluxd/robot.yaml\n")) {
		t.Errorf("%v\n%s", err, text)
	}
}

// The files that fluxd pair makes are beside the robot file. Their names count from the folder in which fluxd is started.
func TestFilesOfUsers(t *testing.T) {
	c := Choices{Name: "rover", Reach: "network"}
	if err := c.Complete(Found{}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][2]string{
		"rover.yaml":             {"passwords", "robot.pem"},
		"-":                      {"passwords", "robot.pem"},
		"robots/rover.yaml":      {"robots/passwords", "robots/robot.pem"},
		"/etc/fluxd/robot.yaml":  {"/etc/fluxd/passwords", "/etc/fluxd/robot.pem"},
		"/a b: {c}\n/robot.yaml": {"passwords", "robot.pem"},
	} {
		text, err := c.File(path)
		if err != nil {
			t.Fatal(err)
		}
		config, err := configs.Parse("rover.yaml", text, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, page := config.MQTT, config.Dashboard.TLS
		if got := [2]string{filepath.ToSlash(m.Passwords), filepath.ToSlash(m.TLS.Certificate)}; got != want ||
			m.TLS.Key != m.TLS.Certificate || page.Certificate != m.TLS.Certificate || page.Key != m.TLS.Key {
			t.Errorf("%q: %q, %+v, %+v", path, got, m.TLS, page)
		}
	}
}

// Sensors and behaviours have one name each, so that a sensor alone says what the robot does.
func TestSensorsNameTheirBehaviour(t *testing.T) {
	seen := map[string]string{}
	for behaviour, options := range sensorsOf {
		if !slices.Contains(Questions[1].Names(), behaviour) {
			t.Errorf("%s: no such behaviour", behaviour)
		}
		for _, o := range options {
			if other := seen[o.Name]; other != "" {
				t.Errorf("%s: a sensor of %s and %s", o.Name, behaviour, other)
			}
			seen[o.Name] = behaviour
		}
	}
}
