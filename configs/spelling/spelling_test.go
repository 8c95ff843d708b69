package spelling

import (
	"fmt"
	"testing"
)

func TestMeant(t *testing.T) {
	known := []string{"eye_l", "eye_r", "motor_l", "motor_r", "retreat"}
	for name, want := range map[string]string{
		"moter_l":  ", did you mean motor_l?",
		"Motor_R":  ", did you mean motor_r?",
		"motor":    ", did you mean motor_l or motor_r?",
		"motor_x":  ", did you mean motor_l or motor_r?",
		"retraet":  ", did you mean retreat?",
		"lighting": "",
		"":         "",
	} {
		if got := Meant(name, known); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := fmt.Sprint(Nearest("eye", make([]string, MostKnown+1))); got != "[]" {
		t.Errorf("too many names: %s", got)
	}
}
