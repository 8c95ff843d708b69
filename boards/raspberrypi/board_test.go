package raspberrypi

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// machine makes a fake root of a model, with the PWM of its header.
func machine(t *testing.T, model, device string) string {
	t.Helper()
	root := t.TempDir()
	chip := filepath.Join(root, "sys/class/pwm/pwmchip3") // any number
	behind := filepath.Join(root, "sys/devices", device)
	for _, dir := range []string{filepath.Join(root, "proc/device-tree"), behind, chip} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(behind, filepath.Join(chip, "device")); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"proc/device-tree/model": model + "\x00", "sys/class/pwm/pwmchip3/npwm": "4\n"}
	for n := range 4 {
		dir := fmt.Sprintf("sys/class/pwm/pwmchip3/pwm%d", n)
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"period", "duty_cycle", "enable"} {
			files[dir+"/"+name] = "0\n"
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Each model does PWM on the channel of the pin.
func TestPWMOfEachModel(t *testing.T) {
	old := map[string]int{"GPIO12": 0, "GPIO18": 0, "GPIO13": 1, "GPIO19": 1}
	five := map[string]int{"GPIO12": 0, "GPIO13": 1, "GPIO18": 2, "GPIO19": 3}
	for _, c := range []struct {
		model, device string
		channels      map[string]int
	}{
		{"Raspberry Pi Zero W Rev 1.1", "20c000.pwm", old},
		{"Raspberry Pi Zero 2 W Rev 1.0", "3f20c000.pwm", old},
		{"Raspberry Pi 3 Model B Rev 1.2", "3f20c000.pwm", old},
		{"Raspberry Pi 4 Model B Rev 1.5", "fe20c000.pwm", old},
		{"Raspberry Pi 400 Rev 1.0", "fe20c000.pwm", old},
		{"Raspberry Pi Compute Module 4 Rev 1.1", "fe20c000.pwm", old},
		{"Raspberry Pi 5 Model B Rev 1.0", "1f00098000.pwm", five},
		{"Raspberry Pi 500 Rev 1.0", "1f00098000.pwm", five},
		{"Raspberry Pi Compute Module 5 Rev 1.0", "1f00098000.pwm", five},
	} {
		for name, channel := range c.channels {
			root := machine(t, c.model, c.device)
			b, err := New(slog.New(slog.DiscardHandler), func() time.Duration { return 0 }, root)
			if err != nil {
				t.Fatal(err)
			}
			pin, err := b.Pin(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := pin.PWM(gpio.DutyMax, physic.KiloHertz); err != nil {
				t.Errorf("%s: %v", c.model, err)
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, fmt.Sprintf("sys/class/pwm/pwmchip3/pwm%d/duty_cycle", channel)))
			if err != nil || !strings.HasPrefix(string(text), "1000000\n") {
				t.Errorf("%s: %s is not channel %d: %q, %v", c.model, name, channel, text, err)
			}
			if err := b.Halt(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestPWMWithoutItsOverlay(t *testing.T) {
	for name, line := range map[string]string{"GPIO13": "pin=12,func=4,pin2=13,func2=4", "GPIO18": "pin=18,func=2,pin2=19,func2=2"} {
		b, err := New(slog.New(slog.DiscardHandler), func() time.Duration { return 0 }, machine(t, "Raspberry Pi 4 Model B Rev 1.5",
			"another.pwm"))
		if err != nil {
			t.Fatal(err)
		}
		pin, err := b.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := pin.PWM(0, physic.KiloHertz); err == nil || !strings.Contains(err.Error(), line) ||
			!strings.Contains(err.Error(), "/boot/firmware/config.txt") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOtherMachinesAreNone(t *testing.T) {
	for _, model := range []string{"Radxa ROCK 5B", ""} {
		root := machine(t, model, "x.pwm")
		if is, err := Model(root); is != "" || err != nil {
			t.Errorf("%q: %q, %v", model, is, err)
		}
		if _, err := New(slog.New(slog.DiscardHandler), nil, root); err == nil || !strings.Contains(err.Error(), "{kind: linux}") {
			t.Errorf("%q: %v", model, err)
		}
	}
	if is, err := Model(t.TempDir()); is != "" || err != nil {
		t.Errorf("a desktop: %q, %v", is, err)
	}
}

func ExampleModel() {
	model, err := Model("/nowhere")
	fmt.Printf("%q %v\n", model, err)
	// Output: "" <nil>
}
