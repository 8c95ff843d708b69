package overlays

import (
	"path"
	"slices"
	"strings"
)

// A Config is what the firmware of a model reads from config.txt.
type Config struct {
	// Params are the parameters of the base device tree, with their last values.
	Params map[string]string
	// Overlays are in the order of the file.
	Overlays []Overlay
	// Conditional are lines in sections for which this package cannot say whether they apply, such as [gpio4=1]. They do not
	// count.
	Conditional []string
}

// An Overlay is one that the firmware loads.
type Overlay struct {
	Name   string
	Params map[string]string
}

// mostIncludes bounds how many files one file includes, itself counted.
const mostIncludes = 16

// Read reads config.txt as the firmware of a model does: it applies the sections for that model and those for all, and reads what
// is included. The model is that of the device tree, such as "Raspberry Pi 4 Model B Rev 1.5". It opens files by their names in
// the folder of config.txt, whose own name is "config.txt".
func Read(open func(name string) ([]byte, error), model string) (*Config, error) {
	text, err := open("config.txt")
	if err != nil {
		return nil, err
	}
	r := &reader{c: &Config{Params: map[string]string{}}, open: open, filters: filters(model), model: true, other: true, scope: -1}
	r.read(text)
	return r.c, nil
}

// A reader goes through the lines of config.txt.
type reader struct {
	c       *Config
	open    func(name string) ([]byte, error)
	filters []string
	model   bool // the last filter for models applies
	other   bool // no filter of another kind is in force, for which nobody knows here whether it applies
	scope   int  // the overlay that a parameter goes to first; -1 for none
	files   int
}

// read applies a text. Sections go on over the end of an included file.
func (r *reader) read(text []byte) {
	if r.files++; r.files > mostIncludes {
		return
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			r.section(strings.ToLower(line[1 : len(line)-1]))
		case !r.model:
		case !r.other:
			r.c.Conditional = append(r.c.Conditional, line)
		case strings.HasPrefix(line, "include "):
			name := path.Clean("/" + strings.TrimSpace(strings.TrimPrefix(line, "include ")))[1:]
			if included, err := r.open(name); err == nil {
				r.read(included)
			}
		default:
			r.setting(line)
		}
	}
}

// section applies a filter: one for models replaces the last one for models, and [all] ends all filters. Filters of different
// kinds must all apply.
func (r *reader) section(name string) {
	switch {
	case name == "all":
		r.model, r.other = true, true
	case name == "none":
		r.model = false
	case strings.HasPrefix(name, "pi") || strings.HasPrefix(name, "cm"):
		r.model = slices.Contains(r.filters, name)
	default: // [EDID=...], [0x12345678], [gpio4=1], [HDMI:0], [tryboot], [partition=2]
		r.other = false
	}
}

// setting applies one line.
func (r *reader) setting(line string) {
	key, value, _ := strings.Cut(line, "=")
	switch strings.TrimSpace(key) {
	case "dtparam", "device_tree_param":
		for name, value := range params(value) {
			if r.scope >= 0 && declares(r.c.Overlays[r.scope].Name, name) {
				r.c.Overlays[r.scope].Params[name] = value
			} else {
				r.c.Params[name] = value
			}
		}
	case "dtoverlay", "device_tree_overlay":
		name, rest := strings.TrimSpace(value), ""
		if end := strings.IndexAny(name, ",:"); end >= 0 {
			name, rest = name[:end], name[end+1:]
		}
		if r.scope = -1; name == "" { // ends the scope of the last one
			return
		}
		o := Overlay{Name: strings.TrimSuffix(strings.TrimSuffix(name, ".dtbo"), "-overlay"), Params: map[string]string{}}
		for name, value := range params(rest) {
			o.Params[name] = value
		}
		r.scope = len(r.c.Overlays)
		r.c.Overlays = append(r.c.Overlays, o)
	}
}

// declares reports whether an overlay has a parameter itself: of those that matter here.
func declares(overlay, name string) bool {
	switch {
	case strings.HasPrefix(overlay, "vc4-kms-v3d"): // the sound of HDMI
		return name == "audio"
	case overlay == "pwm":
		return name == "pin" || name == "func"
	case overlay == "pwm-2chan":
		return name == "pin" || name == "func" || name == "pin2" || name == "func2"
	}
	return false
}

// params takes the parameters of a line apart, such as i2c_arm=on,audio=off. One without a value is on.
func params(text string) map[string]string {
	all := map[string]string{}
	for one := range strings.SplitSeq(text, ",") {
		name, value, given := strings.Cut(one, "=")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !given {
			value = "on"
		}
		all[name] = strings.TrimSpace(value)
	}
	return all
}

// on reports whether a value switches something on, as the firmware reads it.
func on(value string) bool {
	return slices.Contains([]string{"on", "true", "yes", "1", "okay", "y"}, strings.ToLower(value))
}

// Bus reports whether the file switches a bus on.
func (c *Config) Bus(bus string) bool {
	names := map[string][]string{"I2C0": {"i2c_vc", "i2c0"}, "I2C1": {"i2c_arm", "i2c1", "i2c"}}[bus]
	if slices.ContainsFunc(names, func(name string) bool { return on(c.Params[name]) }) {
		return true
	}
	number := strings.TrimPrefix(bus, "I2C")
	return slices.ContainsFunc(c.Overlays, func(o Overlay) bool {
		name := strings.TrimSuffix(o.Name, "-pi5")
		return name == "i2c"+number || name == "i2c-gpio" && o.Params["bus"] == number
	})
}

// PWM reports whether the file gives PWM to a pin. Of several overlays for PWM the last one counts: it replaces the pins of those
// before.
func (c *Config) PWM(pin string) bool { return slices.Contains(c.PWMPins(), pin) }

// PWMPins lists the pins that get PWM.
func (c *Config) PWMPins() (pins []string) {
	for _, o := range c.Overlays {
		value := func(name, otherwise string) string {
			if v, given := o.Params[name]; given {
				return v
			}
			return otherwise
		}
		first := "GPIO" + value("pin", "18")
		switch o.Name {
		case "pwm":
			pins = []string{first}
		case "pwm-2chan":
			pins = []string{first, "GPIO" + value("pin2", "19")}
		}
	}
	return pins
}

// Audio reports whether the analogue sound, which uses the PWM, is switched on.
func (c *Config) Audio() bool { return on(c.Params["audio"]) }

// Takes lists what the file gives to others: the driver, by the pin of the header that it takes.
func (c *Config) Takes() map[string]string {
	taken := map[string]string{}
	if on(c.Params["spi"]) { // pins of SPI0
		for _, pin := range []string{"GPIO7", "GPIO8", "GPIO9", "GPIO10", "GPIO11"} {
			taken[pin] = "dtparam=spi=on"
		}
	}
	for _, o := range c.Overlays {
		if d, known := drivers[o.Name]; known {
			pin := d.pin
			if given, is := o.Params[d.param]; is {
				pin = given
			}
			taken["GPIO"+pin] = "dtoverlay=" + o.Name
		}
	}
	return taken
}

// drivers are overlays that take a pin: the parameter with its number, and its default. Source: overlays/README.
var drivers = map[string]struct{ param, pin string }{
	"w1-gpio": {"gpiopin", "4"}, "gpio-fan": {"gpiopin", "12"}, "gpio-ir": {"gpio_pin", "18"}, "gpio-ir-tx": {"gpio_pin", "18"},
	"gpio-shutdown": {"gpio_pin", "3"}, "gpio-poweroff": {"gpiopin", "26"}, "gpio-led": {"gpio", "19"},
	"dht11": {"gpiopin", "4"}, "pwm-ir-tx": {"gpio_pin", "18"}, "gpio-key": {"gpio", "3"},
}

// filters lists the sections that apply to a model, but for [all].
func filters(model string) []string {
	rest, is := strings.CutPrefix(model, "Raspberry Pi ")
	if !is {
		return nil
	}
	for _, f := range sections {
		if strings.HasPrefix(rest, f.model) {
			return strings.Fields(f.names)
		}
	}
	return []string{"pi1"} // "Model B Rev 2", "Model A Plus"
}

// sections has the filters of each model, the longest name first. Source: Raspberry Pi documentation, "config.txt", "Conditional
// filters", "Model filters".
var sections = []struct{ model, names string }{
	{"Zero 2", "pi0 pi0w pi02"}, {"Zero W", "pi0 pi0w"}, {"Zero", "pi0"},
	{"2 Model", "pi2"},
	{"3 Model A Plus", "pi3 pi3+"}, {"3 Model B Plus", "pi3 pi3+"}, {"3 Model", "pi3"},
	{"4 Model", "pi4"}, {"400", "pi4 pi400"},
	{"500", "pi5 pi500"}, {"5", "pi5"},
	{"Compute Module 0", "pi0 pi0w pi02 cm0"}, {"Compute Module 3 Plus", "pi3 cm3 cm3+"}, {"Compute Module 3", "pi3 cm3"},
	{"Compute Module 4S", "pi4 cm4s"}, {"Compute Module 4", "pi4 cm4"}, {"Compute Module 5", "pi5 cm5"},
	{"Compute Module", "pi1 cm1"},
}
