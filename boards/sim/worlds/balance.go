package worlds

import (
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

var balanceKind = Kind{
	Name: "balance", About: "a floor for a robot on two wheels that must keep itself upright",
	Events: []string{robotFell}, New: func() Options { return &BalanceOpts{} },
}

// BalanceOpts are the options of the world balance. The robot file's body has the rest: track, diameter and top speed of the
// wheels, and the radius of the body.
type BalanceOpts struct {
	Mass      int64           `yaml:"mass" unit:"kg" default:"0.8 kg" min:"0.01 kg" max:"1000 kg" doc:"of the body, without the wheels"`
	Height    physic.Distance `yaml:"height" default:"80 mm" min:"1 mm" max:"10 m" doc:"of the body's centre of mass above the wheels' axle"`
	Length    physic.Distance `yaml:"length" default:"160 mm" min:"1 mm" max:"20 m" doc:"of the body, a cylinder with the radius of the robot file"`
	WheelMass int64           `yaml:"wheel_mass" unit:"kg" default:"0.04 kg" min:"0.001 kg" max:"100 kg" doc:"of each wheel, a disc, with what turns in its motor"`
	Torque    int64           `yaml:"torque" unit:"N m" default:"0.25 N m" min:"0.001 N m" max:"1000 N m" doc:"of each motor at standstill and command 1; it falls to 0 at the top speed"`
	Friction  int64           `yaml:"friction" unit:"N m" default:"0.01 N m" min:"0 N m" max:"100 N m" doc:"dry friction of each gear"`
	Inertial  physic.Distance `yaml:"inertial" default:"80 mm" min:"-10 m" max:"10 m" doc:"height of accelerometers above the axle"`

	Tilt     physic.Angle  `yaml:"tilt" default:"2 °" min:"0 °" max:"80 °" doc:"at the start the robot leans at random by up to this"`
	Held     time.Duration `yaml:"held" default:"2s" max:"1m" doc:"how long it is held so at the start, while its sensors wake up and its network settles"`
	Falls    physic.Angle  `yaml:"falls" default:"45 °" min:"1 °" max:"89 °" doc:"it has fallen when it leans by more than this"`
	Push     int64         `yaml:"push" unit:"N s" default:"0 N s" min:"0 N s" max:"1000 N s" doc:"impulse of a push at the centre of mass, which lasts 100 ms and comes from ahead or behind"`
	PushGap  time.Duration `yaml:"push_every" default:"5s" min:"200ms" max:"1h" doc:"from one push to the next on average; at random between half and one and a half of this"`
	Duration time.Duration `yaml:"duration" default:"60s" min:"100ms" max:"1h" doc:"of a whole episode"`
}

// Check implements Options.
func (o *BalanceOpts) Check() (mistakes []options.Mistake) {
	if o.Tilt >= o.Falls {
		mistakes = append(mistakes, options.Wrong("tilt", "expected less than falls, %s: it would lie at the start", o.Falls))
	}
	if o.Held >= o.Duration {
		mistakes = append(mistakes, options.Wrong("held", "expected less than duration, %v", o.Duration))
	}
	return mistakes
}

func (o *BalanceOpts) physics(robot *Robot) physics {
	f := balanceFixed{opts: *o, body: float64(o.Mass) / 1e6, height: metres(o.Height), wheel: metres(robot.Body.Wheel) / 2,
		track: metres(robot.Body.Track), stall: float64(o.Torque) / 1e6, friction: float64(o.Friction) / 1e6,
		inertial: metres(o.Inertial), tilt: radians(o.Tilt), falls: radians(o.Falls), push: float64(o.Push) / 1e6,
		holding: int64(o.Held / balanceStep), lasting: int64(o.Duration / balanceStep)}
	f.fastest = float64(robot.Body.TopSpeed) / float64(physic.MetrePerSecond) / f.wheel
	radius, length, disc := metres(robot.Body.Radius), metres(o.Length), float64(o.WheelMass)/1e6
	f.pitching = f.body / 12 * (float64(3*float64(radius*radius)) + float64(length*length))
	f.yawing = f.body / 2 * float64(radius*radius)
	// A disc of mass m that rolls has m r²/2 about its axle, like another m/2 that only moves, and m r²/4 about its diameter.
	f.rolling = 1.5 * disc
	f.turning = float64(f.rolling*float64(f.track*f.track))/2 + float64(disc/2*float64(f.wheel*f.wheel))
	return &balance{balanceFixed: f}
}
