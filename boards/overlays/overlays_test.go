package overlays_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"fluxd/boards/header"
	"fluxd/boards/overlays"
)

// What each wiring needs.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		needs overlays.Needs
		want  string // the lines, separated by blanks
		wrong string // in the error
	}{
		{overlays.Needs{}, "", ""},
		{overlays.Needs{Buses: []string{"I2C1", "I2C1"}}, "[all] dtparam=i2c_arm=on", ""},
		{overlays.Needs{Buses: []string{"I2C1", "I2C0"}}, "[all] dtparam=i2c_vc=on dtparam=i2c_arm=on", ""},
		{overlays.Needs{Buses: []string{"I2C3"}}, "[all] dtoverlay=i2c3", ""},
		{overlays.Needs{Buses: []string{"I2C22", "I2C1"}}, "[all] dtparam=i2c_arm=on", "no overlay makes bus I2C22"},
		{overlays.Needs{Buses: []string{"I2C22"}}, "", "no overlay makes bus I2C22"},
		{overlays.Needs{PWM: []string{"GPIO12"}}, "[all] dtoverlay=pwm,pin=12,func=4 dtparam=audio=off", ""},
		{overlays.Needs{PWM: []string{"GPIO13"}}, "[all] dtoverlay=pwm,pin=13,func=4 dtparam=audio=off", ""},
		{overlays.Needs{PWM: []string{"GPIO18"}}, "[all] dtoverlay=pwm,pin=18,func=2 dtparam=audio=off", ""},
		{overlays.Needs{PWM: []string{"GPIO19"}, Five: true}, "[all] dtoverlay=pwm,pin=19,func=2", ""},
		{overlays.Needs{PWM: []string{"GPIO13", "GPIO12", "GPIO13"}},
			"[all] dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4 dtparam=audio=off", ""},
		{overlays.Needs{PWM: []string{"GPIO18", "GPIO19"}},
			"[all] dtoverlay=pwm-2chan,pin=18,func=2,pin2=19,func2=2 dtparam=audio=off", ""},
		{overlays.Needs{PWM: []string{"GPIO19", "GPIO12"}},
			"[all] dtoverlay=pwm-2chan,pin=12,func=4,pin2=19,func2=2 dtparam=audio=off", ""},
		{overlays.Needs{PWM: []string{"GPIO12", "GPIO13", "GPIO18"}, Buses: []string{"I2C1"}, Five: true}, "[all] dtparam=i2c_arm=on",
			"no overlay gives PWM to 3 pins: use at most two"},
		{overlays.Needs{PWM: []string{"GPIO17"}}, "", "GPIO17 has no PWM: expected one of GPIO12"},
	} {
		lines, err := overlays.Lines(c.needs)
		if got := strings.Join(lines, " "); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.needs, got, c.want)
		}
		if (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%+v: got %v, want %q", c.needs, err, c.wrong)
		}
	}
}

// config reads a config.txt and the files that it includes.
func config(t *testing.T, model, text string, included map[string]string) *overlays.Config {
	t.Helper()
	c, err := overlays.Read(func(name string) ([]byte, error) {
		if name == "config.txt" {
			return []byte(text), nil
		}
		if other, found := included[name]; found {
			return []byte(other), nil
		}
		return nil, fs.ErrNotExist
	}, model)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	zero = "Raspberry Pi Zero W Rev 1.1"
	four = "Raspberry Pi 4 Model B Rev 1.5"
	five = "Raspberry Pi 5 Model B Rev 1.0"
	cm4  = "Raspberry Pi Compute Module 4 Rev 1.0"
	cm4s = "Raspberry Pi Compute Module 4S Rev 1.0"
)

// The config.txt of Raspberry Pi OS, as it is installed, with the sound on and an overlay with a parameter audio before the end.
const installed = `# For more options and information see
# http://rptl.io/configtxt
#dtparam=i2c_arm=on
dtparam=audio=on
camera_auto_detect=1
auto_initramfs=1
dtoverlay=vc4-kms-v3d
max_framebuffers=2
arm_boost=1

[cm4]
otg_mode=1

[cm5]
dtoverlay=dwc2,dr_mode=host

[all]
`

// What the lines of each wiring switch on, at the end of any config.txt.
func TestItsOwnLinesWork(t *testing.T) {
	pins := slices.Sorted(maps.Keys(header.PWM))
	for _, before := range []string{"", installed, "[none]\n", "[pi3]\n", "[gpio4=1]\n", "dtoverlay=vc4-kms-v3d,audio=on\n"} {
		for i, first := range pins {
			for _, second := range pins[i:] {
				needs := overlays.Needs{Buses: []string{"I2C0", "I2C1", "I2C4"}, PWM: []string{first, second}}
				lines, err := overlays.Lines(needs)
				if err != nil {
					t.Fatal(err)
				}
				c := config(t, four, before+strings.Join(lines, "\n"), nil)
				for _, bus := range needs.Buses {
					if !c.Bus(bus) {
						t.Errorf("%s is off after %q", bus, before)
					}
				}
				if !c.PWM(first) || !c.PWM(second) || c.Audio() {
					t.Errorf("after %q and %q: PWM %v, sound %v", before, lines, c.PWMPins(), c.Audio())
				}
			}
		}
	}
}

// The syntax of config.txt.
func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		model, text string
		bus         bool // I2C1
		pwm         string
		audio       bool
	}{
		"empty":                      {four, "", false, "", false},
		"as installed":               {four, installed, false, "", true},
		"a comment":                  {four, "#dtparam=i2c_arm=on\n  # dtoverlay=pwm\n", false, "", false},
		"on":                         {four, "dtparam=i2c_arm=on\n", true, "", false},
		"another name":               {four, "dtparam=i2c1=on\n", true, "", false},
		"the oldest name":            {four, "device_tree_param=i2c=on\n", true, "", false},
		"without a value":            {four, "dtparam=i2c_arm\n", true, "", false},
		"true":                       {four, "dtparam=i2c_arm=true\n", true, "", false},
		"off":                        {four, "dtparam=i2c_arm=off\n", false, "", false},
		"the last one counts":        {four, "dtparam=i2c_arm=on\ndtparam=i2c_arm=off\n", false, "", false},
		"several parameters":         {four, "dtparam=audio=on,i2c_arm=on\n", true, "", true},
		"a rate is no switch":        {four, "dtparam=i2c_arm_baudrate=400000\n", false, "", false},
		"carriage returns":           {four, "dtparam=i2c_arm=on\r\ndtoverlay=pwm\r\n", true, "GPIO18", false},
		"no line end":                {four, "dtparam=i2c_arm=on", true, "", false},
		"a section of this model":    {four, "[pi4]\ndtparam=i2c_arm=on\n", true, "", false},
		"a section of another model": {four, "[pi5]\ndtparam=i2c_arm=on\n", false, "", false},
		"and then all":               {four, "[pi5]\ndtparam=i2c_arm=on\n[all]\ndtoverlay=pwm\n", false, "GPIO18", false},
		"capitals":                   {four, "[PI5]\ndtparam=i2c_arm=on\n[ALL]\ndtoverlay=pwm\n", false, "GPIO18", false},
		"models replace each other":  {four, "[pi5]\n[pi4]\ndtparam=i2c_arm=on\n", true, "", false},
		"the Zero W":                 {zero, "[pi0w]\ndtparam=i2c_arm=on\n[pi02]\ndtoverlay=pwm\n", true, "", false},
		"the 5":                      {five, "[pi5]\ndtparam=i2c_arm=on\n[pi500]\ndtoverlay=pwm\n", true, "", false},
		"Compute Module 4S":          {cm4s, "[cm4]\ndtparam=i2c_arm=on\n[cm4s]\ndtoverlay=pwm\n", false, "GPIO18", false},
		"Compute Module 4":           {cm4, "[cm4]\ndtparam=i2c_arm=on\n[cm4s]\ndtoverlay=pwm\n", true, "", false},
		"3+":                         {"Raspberry Pi 3 Model B Plus Rev 1.3", "[pi3+]\ndtparam=i2c_arm=on\n", true, "", false},
		"the first":                  {"Raspberry Pi Model B Rev 2", "[pi1]\ndtparam=i2c_arm=on\n", true, "", false},
		"none":                       {four, "[none]\ndtparam=i2c_arm=on\n", false, "", false},
		"a condition":                {four, "[gpio4=1]\ndtparam=i2c_arm=on\n", false, "", false},
		"a condition and the model":  {four, "[EDID=x]\n[pi4]\ndtparam=i2c_arm=on\n", false, "", false},
		"PWM by default":             {four, "dtoverlay=pwm\n", false, "GPIO18", false},
		"PWM on a pin":               {four, "dtoverlay=pwm,pin=12,func=4\n", false, "GPIO12", false},
		"with a colon":               {four, "dtoverlay=pwm:pin=13,func=4\n", false, "GPIO13", false},
		"with its whole name":        {four, "device_tree_overlay=pwm-2chan-overlay.dtbo\n", false, "GPIO18 GPIO19", false},
		"two pins":                   {four, "dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4\n", false, "GPIO12 GPIO13", false},
		"the later one":              {four, "dtoverlay=pwm-2chan,pin=12,func=4\ndtoverlay=pwm\n", false, "GPIO18", false},
		"a parameter of the overlay": {four, "dtoverlay=pwm\ndtparam=pin=12\ndtparam=func=4\n", false, "GPIO12", false},
		"the sound of HDMI":          {four, "dtparam=audio=on\ndtoverlay=vc4-kms-v3d\ndtparam=audio=off\n", false, "", true},
		"the sound, out of its scope": {four, "dtparam=audio=on\ndtoverlay=vc4-kms-v3d\ndtoverlay=\ndtparam=audio=off\n",
			false, "", false},
		"an included file":            {four, "[pi5]\ninclude other.txt\n[all]\ninclude user.txt\n", true, "", false},
		"an included file is missing": {four, "include missing.txt\ndtparam=i2c_arm=on\n", true, "", false},
		"a file outside":              {four, "include ../../etc/passwd\n", false, "", false},
		"nonsense":                    {four, "=\n==,,=\n[\n]\n[]\ndtparam\ndtoverlay=,,:\n\x00\xff\ninclude\n", false, "", false},
	} {
		included := map[string]string{"other.txt": "dtoverlay=pwm\n", "user.txt": "dtparam=i2c_arm=on\n"}
		got := config(t, c.model, c.text, included)
		if got.Bus("I2C1") != c.bus || strings.Join(got.PWMPins(), " ") != c.pwm || got.Audio() != c.audio {
			t.Errorf("%s: bus %v, PWM %v, sound %v", name, got.Bus("I2C1"), got.PWMPins(), got.Audio())
		}
	}
}

// A file that includes itself ends.
func TestEndlessIncludes(t *testing.T) {
	opened := 0
	c, err := overlays.Read(func(name string) ([]byte, error) {
		opened++
		return []byte("dtparam=i2c_arm=on\ninclude config.txt\ninclude ../../" + name + "\n"), nil
	}, four)
	if err != nil || !c.Bus("I2C1") || opened > 100 {
		t.Errorf("%v, %d files", err, opened)
	}
	closed := func(string) ([]byte, error) { return nil, fs.ErrPermission }
	if _, err := overlays.Read(closed, four); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

// Lines under a condition that nobody knows here are listed.
func TestConditions(t *testing.T) {
	c := config(t, four, "[gpio4=1]\ndtparam=i2c_arm=on\n[all]\ndtoverlay=pwm\n", nil)
	if !slices.Equal(c.Conditional, []string{"dtparam=i2c_arm=on"}) {
		t.Errorf("%q", c.Conditional)
	}
}

// What other drivers take.
func TestTakes(t *testing.T) {
	c := config(t, four, "dtparam=spi=on\ndtoverlay=w1-gpio\ndtoverlay=gpio-fan,gpiopin=14,temp=60000\n", nil)
	const spi = "dtparam=spi=on"
	want := map[string]string{"GPIO7": spi, "GPIO8": spi, "GPIO9": spi, "GPIO10": spi, "GPIO11": spi,
		"GPIO4": "dtoverlay=w1-gpio", "GPIO14": "dtoverlay=gpio-fan"}
	if got := c.Takes(); !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	for _, bus := range []string{"I2C3", "I2C5"} {
		c := config(t, four, "dtoverlay=i2c3\ndtoverlay=i2c-gpio,bus=5\n", nil)
		if !c.Bus(bus) || c.Bus("I2C1") || c.Bus("I2C33") {
			t.Errorf("%s", bus)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(installed)
	f.Add("include config.txt\n[pi4]\ndtoverlay=pwm:pin=12,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := overlays.Read(func(string) ([]byte, error) { return []byte(text), nil }, four)
		if err != nil {
			t.Fatal(err)
		}
		c.Bus("I2C1")
		c.PWMPins()
		c.Takes()
	})
}

func ExampleLines() {
	lines, err := overlays.Lines(overlays.Needs{Buses: []string{"I2C1"}, PWM: []string{"GPIO12", "GPIO13"}})
	fmt.Println(strings.Join(lines, "\n"), err)
	// Output:
	// [all]
	// dtparam=i2c_arm=on
	// dtoverlay=pwm-2chan,pin=12,func=4,pin2=13,func2=4
	// dtparam=audio=off <nil>
}

func ExampleRead() {
	open := func(string) ([]byte, error) { return []byte("dtparam=i2c_arm=on\ndtoverlay=pwm,pin=12,func=4\n"), nil }
	config, err := overlays.Read(open, "Raspberry Pi 4 Model B Rev 1.5")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.Bus("I2C1"), config.PWM("GPIO12"), config.PWM("GPIO13"))
	// Output: true true false
}
