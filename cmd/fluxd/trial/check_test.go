package trial

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fluxd/configs"
)

const plainRobot = "robot: tester\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\n"

// Each sent file is refused with its line, and with what is wrong.
func TestMistakesOfASentFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"robot.yaml": plainRobot, "passwords": "ann:operator:x\n", "cert": "x", "tuned.yaml": "",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	external := "mqtt: {broker: 'tcp://10.0.0.1:1883', user: u, "
	folder, err := filepath.Abs("robot.yaml.loaded")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{plainRobot, ""},
		{plainRobot + "tuning: {file: tuned.yaml}\nlearnt: {file: sub/learnt}\n", ""},
		{plainRobot + "mqtt: {passwords: passwords}\n", ""},
		{plainRobot + "safety: {watchdog: /dev/watchdog}\n", ""},
		{plainRobot + "safety: {watchdog: /dev/watchdog1}\n", ""},
		{plainRobot + "safety: {watchdog: /dev/kept}\n", ""}, // the present file names it
		{plainRobot + external + "password_env: KNOWN}\n", ""},
		{strings.Replace(plainRobot, "tester", "other", 1), "1 robot: \"other\": expected tester"},
		{"robot: tester\nboard: {kind: sm}\n", "2 board.kind"},
		{"{", "1 "},
		{"robot: [\x00", " "},
		{plainRobot + "tuning: {file: passwords}\nmqtt: {passwords: passwords}\n",
			"4 tuning.file: \"passwords\": the robot needs this file"},
		{plainRobot + "tuning: {file: robot.yaml}\n", "4 tuning.file: \"robot.yaml\": the robot needs this file"},
		{plainRobot + "tuning: {file: ./robot.yaml.loaded/record.json}\n", "4 tuning.file: "},
		{plainRobot + "learnt: {file: cert}\n", "4 learnt.file: \"cert\": the robot needs this file"}, // of the present file
		{plainRobot + "learnt: {file: " + outside + "}\n", "4 learnt.file: "},
		{plainRobot + "learnt: {file: ../learnt}\n", "4 learnt.file: "},
		{plainRobot + "safety: {watchdog: tuned.yaml}\n", "4 safety.watchdog: \"tuned.yaml\": expected /dev/watchdog"},
		{plainRobot + "safety: {watchdog: /dev/watchdog/../sda}\n", "4 safety.watchdog: "},
		{plainRobot + external + "password_file: " + outside + "}\n", "4 mqtt.password_file: "},
		{plainRobot + external + "password_file: none}\n", "4 mqtt.password_file: "},
		{plainRobot + external + "password_env: HOME}\n", "4 mqtt.password_env: \"HOME\": expected the variable"},
		{plainRobot + "mqtt: {passwords: none}\n", "4 mqtt.passwords: "},
	} {
		q := Question{Text: []byte(c.text), Own: "robot.yaml", Name: "tester", Folder: folder, Places: []Place{
			{Key: "mqtt.password_env", Value: "KNOWN"}, {Key: "safety.watchdog", Value: "/dev/kept"},
			{Key: "mqtt.tls.key", Value: "cert"}}}
		found, err := Check(q, func(f configs.File) (*configs.Robot, configs.Errors, error) {
			robot, err := f.Parse(configs.Changes{})
			return robot, nil, err
		})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, m := range found.Mistakes {
			all = append(all, strings.TrimSpace(string(rune('0'+m.Line))+" "+m.Path+": "+m.Message))
		}
		if got := strings.Join(all, "\n"); c.want == "" && got != "" || c.want != "" && (got == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %q, expected %q", c.text, got, c.want)
		}
	}
}

// What another file is wrong with is not a line of the sent one.
func TestAMistakeInAnotherFile(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("robot.yaml", []byte(plainRobot), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := Check(Question{Own: "robot.yaml"}, func(configs.File) (*configs.Robot, configs.Errors, error) {
		return nil, nil, configs.Errors{{Source: "garden.yaml", Line: 7, Message: "no such plant"},
			{Source: Source, Line: 2, Message: "x"}}
	})
	if err != nil || len(found.Mistakes) != 2 || found.Mistakes[0].Line != 0 || found.Mistakes[1].Line != 2 ||
		!strings.Contains(found.Mistakes[0].Message, "garden.yaml:7") {
		t.Errorf("%+v, %v", found, err)
	}
	found, err = Check(Question{Own: "robot.yaml"}, func(configs.File) (*configs.Robot, configs.Errors, error) {
		return nil, nil, errors.New("no memory")
	})
	if err != nil || len(found.Mistakes) != 1 || found.Mistakes[0].Message != "no memory" {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := Check(Question{Own: "missing.yaml"}, nil); err == nil {
		t.Error("without the robot's own file there is no error")
	}
}
