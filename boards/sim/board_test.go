package sim

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Boards accept the names of a robot file.
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
		t.Errorf("no device there: %v", err)
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

// mover answers at a variable address with a variable byte.
type mover struct {
	address  uint16
	says     byte
	received []byte
	refuses  bool
}

func (m *mover) Address() (uint16, bool) { return m.address, m.address != 0 }

func (m *mover) Tx(_ time.Duration, w, r []byte) error {
	if m.refuses {
		return ErrNoAnswer
	}
	m.received = append(m.received, w...)
	for i := range r {
		r[i] = m.says
	}
	return nil
}

// Two devices at one address receive the same bytes, and a bit is low if either of them holds it low.
func TestBoardMovers(t *testing.T) {
	board := New(still)
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	one, other := &mover{address: 0x29, says: 0x3f}, &mover{address: 0x29, says: 0xf5}
	for place, m := range map[uint16]*mover{0x30: one, 0x31: other} {
		if err := board.Attach("I2C1", place, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := board.Attach("I2C1", 0x40, &echo{}); err != nil {
		t.Fatal(err)
	}
	says := func(address uint16) string {
		r := make([]byte, 2)
		if err := bus.Tx(address, []byte{0x07}, r); err != nil {
			if !errors.Is(err, ErrNoAnswer) {
				t.Error(err)
			}
			return "nothing"
		}
		return fmt.Sprintf("%x", r)
	}
	for _, c := range []struct {
		one, other uint16
		refuses    bool
		at         uint16
		want       string
	}{
		{0x29, 0x29, false, 0x29, "3535"}, {0x29, 0x29, true, 0x29, "3f3f"}, {0x2a, 0x29, false, 0x29, "f5f5"},
		{0x2a, 0x29, true, 0x29, "nothing"},
		{0x2a, 0x29, false, 0x2a, "3f3f"}, {0x2a, 0, false, 0x29, "nothing"}, {0x2a, 0x29, false, 0x30, "nothing"},
		{0x2a, 0x29, false, 0x40, "0700"},
	} {
		one.address, other.address, other.refuses = c.one, c.other, c.refuses
		if got := says(c.at); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
	if fmt.Sprint(one.received, other.received) != "[7 7 7] [7 7]" {
		t.Errorf("received %v and %v", one.received, other.received)
	}
}
