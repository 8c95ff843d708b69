package scaffold

// A driver of two motors, and how it is wired.
type driver struct {
	Name     string
	About    string
	Device   string // of the actuators
	Note     string // what to know when wiring it
	Expander *expander
	Wheels   []wheel // left and right

	found func(Found) bool // whether what answers on the bus shows it; nil: nothing does
}

// An expander is the PCA9685 that a driver hangs on.
type expander struct{ Name, Address, Frequency, About string }

// A wheel is a motor.
type wheel struct {
	Side     string // left, right
	Wires    []wire
	Mirrored bool // it is mounted the other way round, as the right one of two equal servos is
}

// Initial is how the neurons of a wheel end: l or r.
func (w wheel) Initial() string { return w.Side[:1] }

// A wire joins a pin to an input of the driver.
type wire struct{ Key, Pin, To string }

func wheels(left, right []wire) []wheel {
	return []wheel{{"left", left, false}, {"right", right, false}}
}

func servos(left, right string) []wheel {
	return []wheel{
		{"left", []wire{{"pwm", left, "the signal of the left servo"}}, false},
		{"right", []wire{{"pwm", right, "the signal of the right servo"}}, true},
	}
}

// drivers are all, the usual one first. PWM is on GPIO12 and GPIO13, which every model has with one overlay. The other pins of a
// bridge without standby are pulled down from power-on; so are the standby pins.
//
// Sources of the outputs of HATs: Adafruit, Motor HAT library, MotorHAT.py, getMotor; Waveshare, Motor Driver HAT, schematic.
var drivers = []driver{
	{
		Name: "drv8833", About: "a DRV8833: two motors of at most 1.5 A", Device: "hbridge",
		Note: "A DRV8833: its supply VM is the motors' battery, and its ground is joined to that of the Raspberry Pi.",
		Wheels: wheels(
			[]wire{{"pwm", "GPIO12", "AIN1; the motor is at AOUT1 and AOUT2"}, {"in2", "GPIO25", "AIN2"},
				{"standby", "GPIO22", "SLP, also called EEP or nSLEEP: high while a motor may turn"}},
			[]wire{{"pwm", "GPIO13", "BIN1; the motor is at BOUT1 and BOUT2"}, {"in2", "GPIO20", "BIN2"},
				{"standby", "GPIO22", "SLP, the same wire"}}),
	},
	{
		Name: "tb6612fng", About: "a TB6612FNG: two motors of at most 1.2 A", Device: "hbridge",
		Note: "A TB6612FNG: VCC to 3.3 V, VM to the motors' battery, and its ground to that of the Raspberry Pi.",
		Wheels: wheels(
			[]wire{{"pwm", "GPIO12", "PWMA; the motor is at AO1 and AO2"}, {"in1", "GPIO21", "AIN1"}, {"in2", "GPIO25", "AIN2"},
				{"standby", "GPIO22", "STBY: high while a motor may turn"}},
			[]wire{{"pwm", "GPIO13", "PWMB; the motor is at BO1 and BO2"}, {"in1", "GPIO11", "BIN1"}, {"in2", "GPIO20", "BIN2"},
				{"standby", "GPIO22", "STBY, the same wire"}}),
	},
	{
		Name: "l298n", About: "an L298N: two motors of at most 2 A", Device: "hbridge",
		Note: "An L298N: take the jumpers off ENA and ENB. It loses some 2 V, so its battery must have that more than the motors.",
		Wheels: wheels(
			[]wire{{"pwm", "GPIO12", "ENA; the motor is at OUT1 and OUT2"}, {"in1", "GPIO21", "IN1"}, {"in2", "GPIO25", "IN2"}},
			[]wire{{"pwm", "GPIO13", "ENB; the motor is at OUT3 and OUT4"}, {"in1", "GPIO11", "IN3"}, {"in2", "GPIO20", "IN4"}}),
	},
	{
		Name: "direction", About: "a bridge with PWM and direction (DRV8835, Pololu G2)", Device: "hbridge",
		Note: "A bridge with inputs for PWM (or ENABLE) and direction (or PHASE); a DRV8835 needs its pin MODE at 3.3 V.",
		Wheels: wheels(
			[]wire{{"pwm", "GPIO12", "PWM or ENABLE of the left motor"}, {"direction", "GPIO25", "DIR or PHASE"}},
			[]wire{{"pwm", "GPIO13", "PWM or ENABLE of the right motor"}, {"direction", "GPIO20", "DIR or PHASE"}}),
	},
	{
		Name: "servos", About: "two servos that turn all the way round", Device: "continuous",
		Note:   "Servos that turn all the way round. They need a supply of 5 V that is not the Raspberry Pi's; its ground is joined.",
		Wheels: servos("GPIO12", "GPIO13"),
	},
	{
		Name: "pca9685-drv8833", About: "a DRV8833 at a PCA9685, two PWM outputs a motor", Device: "hbridge",
		Note:     "A DRV8833 at outputs of the PCA9685: SLP to 3.3 V, VM to the motors' battery, all grounds joined.",
		Expander: &expander{"pwm", "0x40", "1500 Hz", "motors hum least; servos need another chip"},
		Wheels: wheels(
			[]wire{{"pwm", "pwm/0", "AIN1; the motor is at AOUT1 and AOUT2"}, {"pwm2", "pwm/1", "AIN2"}},
			[]wire{{"pwm", "pwm/2", "BIN1; the motor is at BOUT1 and BOUT2"}, {"pwm2", "pwm/3", "BIN2"}}),
	},
	{
		Name: "pca9685-servos", About: "two servos that turn all the way round, at a PCA9685", Device: "continuous",
		Note:     "Servos that turn all the way round, at outputs of the PCA9685, whose V+ is 5 V from a supply of its size.",
		Expander: &expander{"servos", "0x40", "50 Hz", "the pulses of servos"},
		Wheels:   servos("servos/0", "servos/1"),
	},
	{
		Name: "adafruit-hat", About: "an Adafruit Motor HAT, motors M1 and M2", Device: "hbridge",
		Note:     "An Adafruit Motor HAT sits on the header and needs no wires but those of the motors and their battery.",
		Expander: &expander{"hat", "0x60", "1500 Hz", "motors hum least"},
		Wheels: wheels(
			[]wire{{"pwm", "hat/8", "M1"}, {"in1", "hat/10", "M1"}, {"in2", "hat/9", "M1"}},
			[]wire{{"pwm", "hat/13", "M2"}, {"in1", "hat/11", "M2"}, {"in2", "hat/12", "M2"}}),
		found: func(f Found) bool { return f.has(0x60) },
	},
	{
		Name: "waveshare-hat", About: "a Waveshare Motor Driver HAT", Device: "hbridge",
		Note:     "A Waveshare Motor Driver HAT sits on the header and needs no wires but those of the motors and their battery.",
		Expander: &expander{"hat", "0x40", "1500 Hz", "motors hum least"},
		Wheels: wheels(
			[]wire{{"pwm", "hat/0", "MA1 and MA2"}, {"in1", "hat/1", "MA1 and MA2"}, {"in2", "hat/2", "MA1 and MA2"}},
			[]wire{{"pwm", "hat/5", "MB1 and MB2"}, {"in1", "hat/3", "MB1 and MB2"}, {"in2", "hat/4", "MB1 and MB2"}}),
	},
}
