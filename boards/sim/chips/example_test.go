package chips_test

import (
	"fmt"
	"time"

	"fluxd/actuators"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/options"
	"fluxd/sensors"
)

// A world lets a range finder sense a wall that comes nearer by half a metre a second.
func ExampleSense() {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	wall := func(at time.Duration) int64 { return 1_500_000 - int64(at/time.Microsecond)/2 } // in µm
	opts := &sensors.TMP102Opts{OnBus: sensors.OnBus{Bus: "I2C1", Address: 0x48}}
	for name, sense := range map[string]chips.Sense{
		"tmp102":  nil, // at rest
		"vl53l0x": func(string) func(time.Duration) int64 { return wall },
	} {
		kind, _ := chips.Find(name)
		address := map[string]uint16{"tmp102": 0x48, "vl53l0x": 0x29}[name]
		if err := board.Attach("I2C1", address, kind.OnBus(sense, options.Values(opts))); err != nil {
			fmt.Println(err)
		}
	}
	bus, _ := board.Bus("I2C1")
	thermometer, _ := sensors.NewTMP102(bus, 0x48, opts)
	finder, _ := sensors.NewVL53L0X(bus, 0x29, nil)
	for range 100 { // both chips start
		thermometer.Sample(now)
		finder.Sample(now)
		now += 20 * time.Millisecond
	}
	degrees, _ := thermometer.Sample(now)
	metres, _ := finder.Sample(now)
	fmt.Println(float64(degrees)/1e6, "°C", float64(metres)/1e6, "m")
	// Output: 22.5 °C 0.506 m
}

// A motor that is mounted the other way round, and needs a quarter of full power to turn, does what its driver commands.
func ExampleActuator() {
	board := sim.New(func() time.Duration { return 0 })
	opts := options.Defaults[actuators.HBridgeOpts]()
	opts.Inverted, opts.MinPower = true, 250_000
	pwm, _ := board.Line("GPIO12")
	direction, _ := board.Line("GPIO5")
	driver, err := actuators.NewHBridge(pwm, direction, nil, &opts)
	if err != nil {
		fmt.Println(err)
	}
	kind, _ := chips.FindActuator("hbridge")
	motor := kind.New(map[string]*sim.Pin{"pwm": pwm, "direction": direction}, options.Values(&opts))
	fmt.Println("at power-up", motor.Command())
	driver.Drive(600_000)
	duty, _ := pwm.Power()
	fmt.Println("driven", motor.Command(), "with a duty of", duty, "and direction", direction.Read())
	driver.Halt()
	fmt.Println("halted", motor.Command())
	// Output:
	// at power-up 0
	// driven 600000 with a duty of 70% and direction High
	// halted 0
}
