package sim

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The names are those that a robot file takes.
func TestBoardNames(t *testing.T) {
	board := New(still)
	for name, want := range map[string]string{
		"GPIO17": "GPIO17", "17": "GPIO17", "P1_11": "GPIO17", "0": "GPIO0", "P1_27": "GPIO0", "P1_3": "GPIO2", "P1_7": "GPIO4",
		"P1_32": "GPIO12", "P1_33": "GPIO13", "P1_35": "GPIO19", "P1_37": "GPIO26", "P1_40": "GPIO21",
	} {
		if pin, err := board.Pin(name); err != nil || pin.Name() != want {
			t.Errorf("pin %q: got %v, %v, want %s", name, pin, err, want)
		}
	}
	for _, name := range []string{"", "GPIO28", "28", "-1", "P1_1", "P1_6", "P1_0", "P1_41", "P1_", "gpio17"} {
		if _, err := board.Pin(name); err == nil || !strings.Contains(err.Error(), "expected GPIO0 to GPIO27") {
			t.Errorf("pin %q: got %v", name, err)
		}
	}
	for name, want := range map[string]string{"I2C1": "I2C1", "1": "I2C1", "0": "I2C0", "/dev/i2c-0": "I2C0"} {
		if bus, err := board.Bus(name); err != nil || fmt.Sprint(bus) != want {
			t.Errorf("bus %q: got %v, %v, want %s", name, bus, err, want)
		}
	}
	for _, name := range []string{"", "2", "I2C2", "I2C"} {
		if _, err := board.Bus(name); err == nil || !strings.Contains(err.Error(), "expected I2C0 or I2C1") {
			t.Errorf("bus %q: got %v", name, err)
		}
	}
	if err := board.Attach("1", 0x40, &echo{}); err != nil {
		t.Error(err)
	}
	if err := board.Attach("I2C1", 0x40, &echo{}); err == nil {
		t.Error("by its other name the address is free")
	}
}

func TestBoard(t *testing.T) {
	b := New(func() time.Duration { return 0 })
	if _, err := b.Pin("GPIO99"); err == nil || !strings.Contains(err.Error(), "GPIO0 to GPIO27") {
		t.Errorf("unknown pin: %v", err)
	}
	if _, err := b.Bus("I2C9"); err == nil || !strings.Contains(err.Error(), "I2C0 or I2C1") {
		t.Errorf("unknown bus: %v", err)
	}
	if one, _ := b.Pin("GPIO4"); one == nil {
		t.Error("no GPIO4")
	} else if two, _ := b.Pin("GPIO4"); one != two {
		t.Error("two pins of one name")
	}
	bus, err := b.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	if err := bus.Tx(0x23, []byte{1}, nil); !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), "I2C1 address 0x23") {
		t.Errorf("nobody there: %v", err)
	}
	eye := &echo{}
	if err := b.Attach("I2C1", 0x23, eye); err != nil {
		t.Fatal(err)
	}
	if err := b.Attach("I2C1", 0x23, eye); err == nil {
		t.Error("two devices at one address")
	}
	if err := b.Attach("I2C7", 0x23, eye); err == nil {
		t.Error("attached to a bus that is not there")
	}
	if err := bus.Tx(0x23, []byte{1}, nil); err != nil {
		t.Errorf("attached: %v", err)
	}
	if err := b.Detach("I2C1", 0x23); err != nil {
		t.Fatal(err)
	}
	if err := bus.Tx(0x23, []byte{1}, nil); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("detached: %v", err)
	}
}
