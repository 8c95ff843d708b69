//go:build browser

package browser_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// A lesson is a robot and its page, as somebody who follows docs/lessons has them.
type lesson struct {
	*page
	name string
}

// begin starts the robot of a lesson: an example or a file of docs/lessons. view is as in the worksheet.
func begin(t *testing.T, name, robotFile, view string, width, height int64) lesson {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", robotFile))
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, string(text), places(t)[0])
	p := open(t, r.page+"?view="+view)
	p.do(chromedp.EmulateViewport(width, height))
	p.awaitOnline()
	p.awaitSpikes()
	return lesson{p, name}
}

// hold holds the reading of a sensor, by its field.
func (l lesson) hold(sensor, reading string) {
	l.t.Helper()
	field := device("sensor", sensor) + " input[type=text]"
	l.click(field)
	eval[any](l.page, first(field)+".select()")
	l.do(chromedp.SendKeys(chromedp.CSS(field), reading+"\r"))
	l.await("the reading to be held", first(device("sensor", sensor))+".dataset.held == 'true'")
}

// tune sets a parameter by its field in the tuning panel.
func (l lesson) tune(path, text string, value float64) {
	l.t.Helper()
	l.find(path)
	l.enter(path, text)
	l.awaitParameter(path, value)
}

// touch presses a button of the panel for work by hand, as a finger does.
func (l lesson) touch(sensor string) {
	l.t.Helper()
	x, y := l.middle(first(device("sensor", sensor) + " button.press"))
	l.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	l.await("the button to be pressed", first(device("sensor", sensor))+".dataset.held == 'true'")
	time.Sleep(150 * time.Millisecond)
	l.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

// counts returns how often neurons have spiked since the raster was opened, all at one moment.
func (l lesson) counts() map[string]float64 {
	l.t.Helper()
	counts := map[string]float64{}
	for _, shown := range l.attributes("[data-panel=raster] tr[data-neuron]") {
		count, err := strconv.ParseFloat(shown["count"], 64)
		if err != nil {
			l.t.Fatal(shown, err)
		}
		counts[shown["neuron"]] = count
	}
	return counts
}

// share waits until a neuron has had many spikes of another one, and returns how many the first makes for each of them. A machine
// that is slow makes neither more nor fewer.
func (l lesson) share(of, from string, many float64) float64 {
	l.t.Helper()
	before := l.counts()
	now := before
	eventually(l.t, "spikes of "+from, func() bool { now = l.counts(); return now[from]-before[from] >= many })
	return (now[of] - before[of]) / (now[from] - before[from])
}

// expectShare compares a share with what the lesson says. Where a busy machine has paused the robot, the eye's spikes came at
// uneven intervals, and the share is another one: later spikes count then.
func (l lesson) expectShare(what, of, from string, want float64) {
	l.t.Helper()
	still() // what was on its way with the old value
	for range 10 {
		got := l.share(of, from, 200)
		l.t.Logf("%s: %s spikes %.3f times for each spike of %s", what, of, got, from)
		if math.Abs(got-want) <= 0.02 {
			return
		}
	}
	l.t.Errorf("%s: expected %.3f", what, want)
}

// picture writes what the page shows from a panel on, with -update.
func (l lesson) picture(panel string) {
	l.t.Helper()
	if !*update {
		return
	}
	ctx, cancel := context.WithTimeout(l.context, *patience)
	defer cancel()
	eval[any](l.page, first("[data-panel="+panel+"]")+".scrollIntoView({block: 'start'}); document.activeElement.blur()")
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		l.t.Fatal(err)
	}
	small, _ := reduce(l.t.(*testing.T), png)
	if err := os.WriteFile(filepath.Join("..", "docs", "lessons", l.name+".png"), small, 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// demo is the file of the demo robot.
const demo = "configs/robots/lightseeker.yaml"

// dim holds both eyes where each fires 50 times a second, and stops the wheels so that the bumper stays out of it.
func (l lesson) dim() {
	l.t.Helper()
	l.press("header", "Disarm")
	l.awaitState("disarmed")
	l.hold("left_eye", "100")
	l.hold("right_eye", "120")
}

// openNeuron opens a neuron of the circuit.
func (l lesson) openNeuron(name string) {
	l.t.Helper()
	l.await("the neuron "+name, first("[data-node="+quote("neuron:"+name)+"]")+" != null")
	eval[any](l.page, first("[data-node="+quote("neuron:"+name)+"]")+".dispatchEvent(new MouseEvent('click', {bubbles: true}))")
}

func TestLessonThreshold(t *testing.T) {
	l := begin(t, "threshold", demo, "raster,tuning,hand", 1280, 760)
	l.dim()
	for _, one := range []struct{ threshold, share float64 }{{100, 1}, {120, 1. / 2}, {230, 1. / 3}, {300, 1. / 4}} {
		l.tune("network.neurons.motor_l.threshold", fmt.Sprint(one.threshold), one.threshold)
		l.expectShare(fmt.Sprintf("threshold %v", one.threshold), "motor_l", "eye_r", one.share)
	}
	l.picture("raster")
}

func TestLessonLeak(t *testing.T) {
	l := begin(t, "leak", demo, "raster,tuning,hand", 1280, 760)
	l.dim()
	l.tune("network.neurons.motor_l.threshold", "300", 300)
	for _, one := range []struct{ leak, share float64 }{{0, 1. / 3}, {1000, 1. / 4}, {3000, 1. / 5}, {5000, 1. / 20}, {6000, 0}} {
		l.tune("network.neurons.motor_l.leak", fmt.Sprint(one.leak), one.leak)
		l.expectShare(fmt.Sprintf("leak %v", one.leak), "motor_l", "eye_r", one.share)
	}
	l.picture("raster")
}

func TestLessonRefractory(t *testing.T) {
	l := begin(t, "refractory", demo, "raster,tuning,hand", 1280, 760)
	l.dim()
	for _, one := range []struct{ ms, share float64 }{{5, 1}, {25, 1. / 2}, {45, 1. / 3}, {110, 1. / 6}} {
		l.tune("network.neurons.motor_l.refractory", fmt.Sprint(one.ms)+" ms", 1000*one.ms)
		l.expectShare(fmt.Sprintf("refractory period %v ms", one.ms), "motor_l", "eye_r", one.share)
	}
	l.picture("raster")
}

func TestLessonCrossing(t *testing.T) {
	l := begin(t, "crossing", "docs/lessons/crossing.yaml", "world,circuit,tuning,raster", 1280, 900)
	began := time.Now()
	lamps := `Number((/(\d+) lamps? in all/.exec(` + first("[data-panel=world] .score") + `?.dataset.score) ?? [0, 0])[1])`
	l.await("three lamps", lamps+" >= 3")
	t.Logf("crossed: %q after %v", l.text("[data-panel=world] .score"), time.Since(began).Round(time.Second))
	for _, one := range []struct{ from, to, weight string }{
		{"eye_l", "motor_r", "1"}, {"eye_r", "motor_l", "1"}, {"eye_l", "motor_l", "110"}, {"eye_r", "motor_r", "110"},
	} {
		want, _ := strconv.ParseFloat(one.weight, 64)
		l.tune("network.synapses."+one.from+"."+one.to+".weight", one.weight, want)
	}
	before := eval[int](l.page, lamps)
	time.Sleep(45 * time.Second)
	// It may still roll into the lamp that it was heading for.
	if after := eval[int](l.page, lamps); after > before+1 {
		t.Errorf("uncrossed it has reached %d lamps, and %d 45 s later", before, after)
	}
	l.picture("world")
}

func TestLessonHabituation(t *testing.T) {
	l := begin(t, "habituation", "docs/lessons/shy.yaml", "circuit,raster,hand", 1280, 640)
	l.press("header", "Disarm")
	l.awaitState("disarmed")
	l.openNeuron("pain")
	still()
	for i := range 8 {
		before := l.counts()
		l.touch("bumper")
		still()
		now := l.counts()
		pain, retreat := now["pain"]-before["pain"], now["retreat"]-before["retreat"]
		t.Logf("press %d: pain spikes %v times, retreat %v times", i+1, pain, retreat)
		if i < 5 && (pain != 1 || retreat != 30) || i == 7 && pain != 0 {
			t.Error("that is not what the lesson says")
		}
	}
	l.picture("circuit")
}

func TestLessonReward(t *testing.T) {
	l := begin(t, "reward", "docs/lessons/pupil.yaml", "world,raster,learning,hand", 1280, 760)
	acts := []string{"forward", "left", "right"}
	call := func() (did string) {
		before := l.counts()
		l.touch("call")
		still()
		now := l.counts()
		most := 0.0
		for _, act := range acts {
			if n := now[act] - before[act]; n > most {
				did, most = act, n
			}
		}
		return did
	}
	rewards, punishments := 0, 0
	for i, inARow := 0, 0; i < 25 && inARow < 5; i++ {
		did := call()
		if did == "forward" {
			inARow++
			rewards++
			l.press("[data-panel=learning] [data-reward=trick]", "Reward")
		} else {
			inARow = 0
			punishments++
			l.press("[data-panel=learning] [data-reward=trick]", "Punish")
		}
		t.Logf("call %d: %s", i+1, did)
		time.Sleep(5 * time.Second)
	}
	t.Logf("%d rewards, %d punishments", rewards, punishments)
	// Chance has still a word: how often, TestPupilsLearnByReward counts for two hundred pupils.
	knows := 0
	for range 3 {
		if call() == "forward" {
			knows++
		}
		time.Sleep(5 * time.Second)
	}
	if knows < 2 {
		t.Errorf("after the lesson it goes forward at %d of 3 calls", knows)
	}
	l.picture("learning")
}
