package raspberrypi

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"periph.io/x/conn/v3/driver/driverreg"
)

type driver struct{ name string }

func (d driver) String() string        { return d.name }
func (driver) Prerequisites() []string { return nil }
func (driver) After() []string         { return nil }
func (driver) Init() (bool, error)     { return false, nil }

func TestDriversThatFailAreLogged(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	report(log, &driverreg.State{
		Failed:  []driverreg.DriverFailure{{D: driver{"sysfs-i2c"}, Err: errors.New("permission denied")}},
		Skipped: []driverreg.DriverFailure{{D: driver{"allwinner"}, Err: errors.New("no such chip")}},
	})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, parts := range [][]string{{"level=WARN", "sysfs-i2c", "permission denied"}, {"level=DEBUG", "allwinner", "no such chip"}} {
		for _, part := range parts {
			if i >= len(lines) || !strings.Contains(lines[i], part) {
				t.Errorf("line %d: expected %q in %q", i, part, lines)
			}
		}
	}
}

func TestRootIsRefusedOnAPi5Alone(t *testing.T) {
	for _, c := range []struct {
		model   string
		user    int
		refused bool
	}{
		{"Raspberry Pi 5 Model B Rev 1.0\x00", 0, true},
		{"Raspberry Pi Compute Module 5 Rev 1.0\x00", 0, true},
		{"Raspberry Pi 5 Model B Rev 1.0\x00", 1000, false},
		{"Raspberry Pi 4 Model B Rev 1.5\x00", 0, false},
		{"Raspberry Pi Zero 2 W Rev 1.0\x00", 0, false},
		{"", 0, false},
		{"", -1, false},
	} {
		if err := refuseRoot(c.model, c.user); (err != nil) != c.refused {
			t.Errorf("%q as user %d: got %v", c.model, c.user, err)
		}
	}
}
