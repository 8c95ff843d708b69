package worlds

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// achieved returns how much of the goal the robot has reached.
func (f *floor) achieved() float64 {
	switch f.Goal {
	case "lamp":
		return float64(f.reached)
	case "food":
		return float64(f.eaten)
	case "laps":
		return math.Abs(f.progress.laps())
	}
	return f.distance
}

// goal describes the goal.
func (f *floor) goal() string {
	target := share(f.Target)
	one := target <= 1
	switch {
	case f.Goal == "lamp" && one:
		return "reached the lamp"
	case f.Goal == "lamp":
		return fmt.Sprintf("reached %g lamps", target)
	case f.Goal == "food" && one:
		return "ate the food"
	case f.Goal == "food":
		return fmt.Sprintf("ate %g pieces of food", target)
	case f.Goal == "laps" && target == 1 && len(f.lines.lines) > 0 && f.lines.lines[0].closed:
		return "drove a lap"
	case f.Goal == "laps" && target == 1:
		return "drove along the line"
	case f.Goal == "laps":
		return fmt.Sprintf("drove %g laps", target)
	case f.Goal == "distance":
		return fmt.Sprintf("drove %g m", target)
	}
	return ""
}

func (f *floor) score(steps int64) Score {
	s := Score{Goal: f.goal(), Reached: f.done > 0, Values: f.values(steps)}
	after := fmt.Sprintf("%s after %.3f s", s.Goal, secondsOf(f.done))
	if f.Goal == "lamp" {
		s.Text = f.lampText(after)
	} else {
		s.Text = f.text(after)
	}
	if f.empty() {
		s.Text += ", the battery is empty"
	}
	return s
}

// text says how far the robot has come with any other goal. After says when it reached that, if it did.
func (f *floor) text(after string) string {
	var parts []string
	if f.done > 0 {
		parts = append(parts, after)
	}
	switch f.Goal {
	case "food":
		parts = append(parts, numberOf(f.eaten, "piece")+" of food eaten")
	case "laps":
		parts = append(parts, fmt.Sprintf("%.2f laps, %.1f %% of the time on the line", f.progress.laps(),
			100*float64(f.onLine)/float64(max(f.steps, 1))))
	default:
		parts = append(parts, fmt.Sprintf("drove %.2f m", f.distance))
		if len(f.food) > 0 {
			parts = append(parts, numberOf(f.eaten, "piece")+" of food eaten")
		}
	}
	return strings.Join(append(parts, numberOf(f.bumps, "bump")), ", ")
}

// lampText says how far the robot has come with the lamps. After says when it reached the goal, if it did.
func (f *floor) lampText(after string) string {
	next := ""
	if f.shines() {
		next = fmt.Sprintf(", %.2f m to the next", f.nextLamp().length())
	}
	switch {
	case f.done == 0 && f.reached == 0:
		return fmt.Sprintf("did not reach the lamp, %.2f m away", f.nextLamp().length())
	case f.done == 0:
		return "reached " + numberOf(f.reached, "lamp") + next
	case len(f.lamps) == 1 && f.lamps[0].Reached != "moves":
		return after
	}
	return after + ", " + numberOf(f.reached, "lamp") + " in all" + next
}

// shines reports whether a lamp has not gone out.
func (f *floor) shines() bool {
	return slices.ContainsFunc(f.lamps, func(l floorLamp) bool { return !l.dark() })
}

// numberOf writes a number of things.
func numberOf(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func secondsOf(steps int64) float64 { return (time.Duration(steps) * floorStep).Seconds() }

// values returns the score in numbers: always, and what the world has lamps, food or lines for. A time that has not come yet is
// that of the whole episode. Where all lamps are out, there is no way to the next.
func (f *floor) values(steps int64) []Value {
	when := func(step int64) float64 {
		if step == 0 {
			step = steps
		}
		return secondsOf(step)
	}
	var all []Value
	if f.Goal != "none" {
		all = append(all, Value{"goal_s", when(f.done)})
	}
	if len(f.lamps) > 0 {
		next := 0.0
		if f.shines() {
			next = f.nextLamp().length()
		}
		all = append(all, Value{"lamps", float64(f.reached)}, Value{"first_s", when(f.first)}, Value{"to_lamp_m", next})
	}
	if len(f.food) > 0 {
		all = append(all, Value{"food", float64(f.eaten)}, Value{"first_food_s", when(f.fed)})
	}
	if f.progress.line != nil {
		all = append(all, Value{"on_line", float64(f.onLine) / float64(max(f.steps, 1))}, Value{"laps", f.progress.laps()},
			Value{"line_m", f.progress.way})
	}
	return append(all, Value{"metres", f.distance}, Value{"bumps", float64(f.bumps)}, Value{"x_m", f.at.x},
		Value{"y_m", f.at.y})
}

func (f *floor) events() (all []Event) {
	if f.reached != f.reported {
		f.reported = f.reached
		all = append(all, Event{Code: lampReached, Text: fmt.Sprintf("%d so far", f.reached)})
	}
	if f.empty() && !f.drained {
		f.drained = true
		all = append(all, Event{Code: batteryEmpty, Text: fmt.Sprintf("after %.0f s", secondsOf(f.steps))})
	}
	return all
}

func (f *floor) state() map[string]float64 {
	s := map[string]float64{
		"x_m": f.at.x, "y_m": f.at.y, "heading_rad": f.heading, "turning_rad_s": f.turning, "speed_m_s": f.moved.dot(f.facing),
		"left_m_s": f.wheels[0].speed, "right_m_s": f.wheels[1].speed, "left_m": f.wheels[0].turned, "right_m": f.wheels[1].turned,
		"touching": whether(f.touching), "bumps": float64(f.bumps), "metres": f.distance,
		"battery_V": f.voltage(), "battery_A": f.current(),
	}
	for i := range f.lamps {
		name := "lamp"
		if len(f.lamps) > 1 {
			name = fmt.Sprintf("lamp%d", i+1)
		}
		s[name+"_x_m"], s[name+"_y_m"] = f.lamps[i].at.x, f.lamps[i].at.y
	}
	if len(f.lamps) > 0 {
		s["lamps"] = float64(f.reached)
	}
	if len(f.food) > 0 {
		s["food"] = float64(f.eaten)
	}
	if f.progress.line != nil {
		s["line_m"], s["line_offset_m"] = f.progress.way, f.progress.aside
	}
	return s
}
