package worlds

import (
	"errors"
	"math"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
	"fluxd/sensors"
)

// floorRover is a robot with a device of each kind that a floor has something for.
func floorRover() *Robot {
	r := &Robot{Body: hobbyist}
	chip := func(name, device, measure, unit string, address uint16) {
		r.Wiring = append(r.Wiring, Connection{Path: "sensors." + name, Name: name, Device: device, Role: "address", Bus: "I2C1",
			Address: address})
		r.Sensors = append(r.Sensors, Sensor{Name: name, Device: device, Measure: measure, Unit: unit, Meaning: unit})
	}
	pins := func(name, device string, roles ...string) {
		for i := 0; i < len(roles); i += 2 {
			r.Wiring = append(r.Wiring, Connection{Path: name, Name: name, Device: device, Role: roles[i], Pin: roles[i+1],
				Input: roles[i] == "pin" || roles[i] == "echo" || roles[i] == "a" || roles[i] == "b", ActiveLow: true})
		}
	}
	chip("eye", "bh1750", "", "lx", 0x23)
	chip("turn", "mpu6050", "gyro_z", "°/s", 0x68)
	chip("power", "ina219", "current", "A", 0x40)
	chip("ground_red", "tcs34725", "red", "", 0x29)
	chip("ground_blue", "tcs34725", "blue", "", 0x29)
	pins("sonar", "hcsr04", "trigger", "GPIO23", "echo", "GPIO24")
	pins("encoder_l", "quadrature", "a", "GPIO5", "b", "GPIO6")
	pins("bumper", "button", "pin", "GPIO17")
	pins("left_wheel", "hbridge", "pwm", "GPIO12", "direction", "GPIO20")
	pins("right_wheel", "hbridge", "pwm", "GPIO13", "direction", "GPIO21")
	r.Sensors = append(r.Sensors, Sensor{Name: "sonar", Device: "hcsr04", Unit: "m", Meaning: "m"},
		Sensor{Name: "encoder_l", Device: "quadrature", Measure: "position", Unit: "m", Meaning: "m",
			Settings: map[string]any{"counts": 2000.0}},
		Sensor{Name: "bumper", Device: "button"})
	r.Actuators = []Device{{Name: "left_wheel", Device: "hbridge"}, {Name: "right_wheel", Device: "hbridge"}}
	return r
}

// A robot at its own pins and addresses: what its motors do, the drivers of its sensors read.
func TestFloorThroughDrivers(t *testing.T) {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	opts := floorOf(t, `
world: floor
lamps: [{at: [3 m, 1.5 m], reached: stays}]
lines: [{points: [[2.5 m, 1 m], [2.5 m, 2 m]], width: 10 cm}]
start: {at: [1 m, 1.5 m], heading: 0 °}
`)
	robot := floorRover()
	if refused, unknown := Check(opts, robot); len(refused)+len(unknown) > 0 {
		t.Fatal(refused, unknown)
	}
	w, err := Open(opts, board, robot, 1)
	if err != nil {
		t.Fatal(err)
	}
	bus, _ := board.Bus("I2C1")
	line := func(name string) *sim.Pin {
		pin, err := board.Line(name)
		if err != nil {
			t.Fatal(err)
		}
		return pin
	}
	must := func(s sensors.Sensor, err error) sensors.Sensor {
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	eye, err := sensors.NewBH1750(bus, 0x23, nil)
	must(eye, err)
	inertia, err := sensors.NewMPU6050(bus, 0x68, nil)
	if err != nil {
		t.Fatal(err)
	}
	power, err := sensors.NewINA219(bus, 0x40, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]sensors.Sensor{"eye": eye, "turn": must(inertia.Measure("gyro_z")), "power": must(power.Measure("current"))}
	ground, err := sensors.NewTCS34725(bus, 0x29, nil)
	if err != nil {
		t.Fatal(err)
	}
	all["red"], all["blue"] = must(ground.Measure("red")), must(ground.Measure("blue"))
	sonar, err := sensors.NewHCSR04(line("GPIO23"), line("GPIO24"), nil)
	all["sonar"] = must(sonar, err)
	encoder, err := sensors.NewQuadrature(line("GPIO5"), line("GPIO6"), &sensors.QuadratureOpts{Counts: 2000, Unit: "m"})
	if err != nil {
		t.Fatal(err)
	}
	all["encoder"] = must(encoder.Measure("position"))
	drive := func(left, right gpio.Duty, length time.Duration) map[string]float64 {
		t.Helper()
		if err := errors.Join(line("GPIO12").PWM(left, 20*physic.KiloHertz),
			line("GPIO13").PWM(right, 20*physic.KiloHertz)); err != nil {
			t.Fatal(err)
		}
		read := map[string]float64{}
		for end := now + length; now < end; {
			now += 20 * time.Millisecond
			w.Advance(now)
			for name, s := range all {
				value, err := s.Sample(now)
				if edges, is := s.(sensors.EdgeSensor); is {
					for r, more := edges.Next(now, 0); more; r, more = edges.Next(now, 0) {
						value, err = r.Value, nil
					}
				}
				if err == nil {
					read[name] = float64(value) / 1e6
				}
			}
		}
		return read
	}
	bumper := line("GPIO17")
	if got := drive(0, 0, time.Second); !near(got["sonar"], 2.92, 0.01) || !near(got["eye"], 15+400/(1.92*1.92), 4) ||
		got["turn"] != 0 || !near(got["power"], 0.3, 0.01) || bumper.Read() != gpio.High {
		t.Errorf("at rest: %v, bumper %v", got, bumper.Read())
	} else if !near(got["red"], 0.7*0.85, 0.001) || !near(got["blue"], 0.7*0.85, 0.001) {
		t.Errorf("on the white floor: red %g, blue %g", got["red"], got["blue"])
	}
	got := drive(gpio.DutyMax/4, gpio.DutyMax*3/4, time.Second)
	if !near(got["turn"], 0.25/0.12*180/math.Pi, 1) || !near(got["encoder"], 0.125*0.95, 0.002) {
		t.Errorf("in a circle: %v", got)
	}
	w.Restart(2)
	if got := drive(gpio.DutyMax, gpio.DutyMax, 8*time.Second); bumper.Read() != gpio.Low || !near(got["power"], 2.3, 0.1) ||
		got["turn"] != 0 {
		t.Errorf("at the wall: %v, bumper %v, %v", got, bumper.Read(), w.State())
	}
	if got := w.Score(); got.Text != "drove 2.92 m, 1 bump" {
		t.Errorf("%+v", got)
	}
}
