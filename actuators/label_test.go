package actuators_test

import (
	"fmt"
	"testing"

	"fluxd/actuators"
)

var _ actuators.Device = (*actuators.Label)(nil)

func TestLabelSelects(t *testing.T) {
	names := []string{"ahead", "left"}
	label := actuators.NewLabel("way", names)
	names[0] = "changed by the caller"
	if got := label.Name(); got != "" {
		t.Errorf("at first: got %q, want none", got)
	}
	for _, c := range []struct {
		command actuators.Command
		want    string
		fails   bool
	}{
		{0, "ahead", false}, {1, "left", false}, {2, "left", true}, {-2, "left", true}, {-1, "", false}, {0, "ahead", false},
	} {
		if err := label.Drive(c.command); (err != nil) != c.fails {
			t.Errorf("command %d: got error %v", c.command, err)
		}
		if got := label.Name(); got != c.want {
			t.Errorf("command %d: got %q, want %q", c.command, got, c.want)
		}
	}
	if err := label.Halt(); err != nil || label.Name() != "" {
		t.Errorf("halted: got %q, %v, want none", label.Name(), err)
	}
}

func ExampleLabel() {
	label := actuators.NewLabel("way", []string{"ahead", "left", "right"})
	fmt.Printf("%q\n", label.Name())
	if err := label.Drive(2); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%q\n", label.Name())
	// Output:
	// ""
	// "right"
}
