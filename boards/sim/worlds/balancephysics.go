package worlds

import (
	"fmt"
	"math"
	"time"

	"fluxd/splitmix64"
)

const (
	balanceStep     = time.Millisecond
	balanceSeconds  = 0.001
	balanceGravity  = 9.80665
	balancePush     = 100 // steps that a push lasts
	balanceCreeping = 0.5 // rad/s up to which dry friction grows with the speed, as steps are not infinitely short
	balancePath     = 250 // steps between two points of the way that is drawn
)

// balance is a two-wheeled inverted pendulum that rolls without slip.
//
// The equations are those of Kim and Kwon, "Dynamic modeling of a two-wheeled inverted pendulum balancing mobile robot",
// International Journal of Control, Automation and Systems 13 (2015), not linearized: speed v, lean θ forward, yaw ψ to the left,
// and the torques of both motors between body and wheels. With body mass M, its height l, inertias I about its lateral and
// longitudinal axes and I₃ along its length, wheels of radius r at a distance d that act like a mass m each when they roll:
//
//	(M + 2m) v' + M l cosθ θ'' = (τ₁ + τ₂)/r + M l sinθ (θ'² + ψ'²) + F
//	M l cosθ v' + (M l² + I) θ'' = -(τ₁ + τ₂) + M g l sinθ + (M l² + I - I₃) sinθ cosθ ψ'² + F l cosθ
//	(I₃ + (M l² + I - I₃) sin²θ + W) ψ'' = (τ₂ - τ₁) d/(2r) - (M l v + 2 (M l² + I - I₃) cosθ θ') sinθ ψ'
//
// F is a push at the centre of mass, W the yaw inertia of the wheels. A motor's torque falls in a straight line from its stall
// torque at standstill to 0 at its top speed, as a DC motor's does; the dry friction of its gear works against the turning of the
// wheel on the body. The integration is semi-implicit Euler, with steps of a millisecond.
type balance struct {
	balanceFixed
	random *splitmix64.Random

	steps, untouched, pushed int64   // untouched counts down to the next push, pushed to the end of the present one
	force                    float64 // of the present push, N
	pushes                   int

	at, start           vector     // where it is, and where it started; both move when it is put elsewhere
	way, heading, lean  float64    // of the middle of the axle, m; rad
	speed, rate, turn   float64    // m/s, rad/s, rad/s
	forward, pitch, yaw float64    // accelerations, m/s² and rad/s²
	rims, wheels        [2]float64 // left and right: the speed of a rim on the body, m/s, and how far it has come, m

	farthest, most float64 // from the start, m, and from upright, rad, so far
	fell, reported bool
	path           []Point // of the middle of the axle, every balancePath
}

// balanceFixed is what does not change.
type balanceFixed struct {
	opts                               BalanceOpts
	body, height, wheel, track         float64 // M, l, r, d
	pitching, yawing, rolling, turning float64 // I, I₃, m, W
	stall, fastest, friction, inertial float64 // N m, rad/s, N m, m
	tilt, falls, push                  float64 // rad, rad, N s
	holding, lasting                   int64   // steps that it is held, and of the whole episode
}

func (b *balance) step() time.Duration { return balanceStep }

func (b *balance) parts() []part {
	return []part{{"left_wheel", "the left wheel", true}, {"right_wheel", "the right wheel", true}}
}

// reset implements physics.
func (b *balance) reset(random *splitmix64.Random) {
	*b = balance{balanceFixed: b.balanceFixed, random: random}
	b.lean = random.Between(-b.tilt, b.tilt)
	b.most = math.Abs(b.lean)
	b.untouched = b.gap()
	b.path = []Point{{}}
}

// gap returns the number of steps to the next push.
func (b *balance) gap() int64 {
	return int64(b.random.Between(0.5, 1.5) * float64(b.opts.PushGap/balanceStep))
}

// advance implements physics.
func (b *balance) advance(commands []float64) {
	if b.steps++; b.steps <= b.holding {
		return
	}
	b.shove()
	left, right := b.torque(0, commands[0]), b.torque(1, commands[1])
	b.accelerate(left, right)

	b.speed += float64(balanceSeconds * b.forward)
	b.rate += float64(balanceSeconds * b.pitch)
	b.turn += float64(balanceSeconds * b.yaw)
	b.lean += float64(balanceSeconds * b.rate)
	b.heading += float64(balanceSeconds * b.turn)
	b.way += float64(balanceSeconds * b.speed)
	b.at = b.at.plus(direction(b.heading).times(float64(balanceSeconds * b.speed)))
	aside, back := float64(b.turn*b.track)/2, float64(b.rate*b.wheel)
	b.rims = [2]float64{b.speed - aside - back, b.speed + aside - back}
	for i, rim := range b.rims {
		b.wheels[i] += float64(balanceSeconds * rim)
	}
	b.farthest, b.most = max(b.farthest, b.at.minus(b.start).length()), max(b.most, math.Abs(b.lean))
	b.fell = math.Abs(b.lean) > b.falls
	if b.steps%balancePath == 0 {
		b.path = append(b.path, Point{b.at.x, b.at.y})
	}
}

// shove begins and ends pushes.
func (b *balance) shove() {
	if b.push == 0 {
		return
	}
	b.untouched--
	switch {
	case b.pushed > 0:
		if b.pushed--; b.pushed == 0 {
			b.force = 0
		}
	case b.untouched <= 0:
		b.pushed, b.untouched = balancePush, b.gap()
		b.pushes++
		b.force = b.push / float64(balancePush*balanceSeconds)
		if b.random.Below(2) == 0 {
			b.force = -b.force
		}
	}
}

// torque returns the torque on a wheel.
func (b *balance) torque(wheel int, command float64) float64 {
	turning := b.rims[wheel] / b.wheel
	drive := float64(b.stall * (min(max(command, -1), 1) - turning/b.fastest))
	return min(max(drive, -2*b.stall), 2*b.stall) - float64(b.friction*min(max(turning/balanceCreeping, -1), 1))
}

// accelerate computes the accelerations from the torques on the wheels.
func (b *balance) accelerate(left, right float64) {
	lean := direction(b.lean)
	cosine, sine := lean.x, lean.y
	arm := float64(b.body * b.height)
	across := float64(arm*b.height) + b.pitching
	spread := across - b.yawing
	turning := float64(b.turn * b.turn)

	coupling := float64(arm * cosine)
	push := (left+right)/b.wheel + float64(float64(arm*sine)*(float64(b.rate*b.rate)+turning)) + b.force
	fall := -(left + right) + float64(float64(arm*balanceGravity)*sine) +
		float64(float64(float64(spread*sine)*cosine)*turning) + float64(float64(b.force*b.height)*cosine)
	moving := b.body + float64(2*b.rolling)
	both := float64(moving*across) - float64(coupling*coupling)
	b.forward = (float64(across*push) - float64(coupling*fall)) / both
	b.pitch = (float64(moving*fall) - float64(coupling*push)) / both

	swing := float64(arm*b.speed) + float64(float64(float64(2*spread)*cosine)*b.rate)
	b.yaw = (float64((right-left)*b.track)/(2*b.wheel) - float64(float64(swing*sine)*b.turn)) /
		(b.yawing + float64(float64(spread*sine)*sine) + b.turning)
}

func (b *balance) over() bool { return b.fell || b.steps >= b.lasting }

func (b *balance) seconds() float64 { return float64(b.steps) / 1000 }

func (b *balance) score(int64) Score {
	s := Score{Goal: fmt.Sprintf("stood for %v", b.opts.Duration), Reached: !b.fell && b.steps >= b.lasting,
		Values: []Value{{"seconds", b.seconds()}, {"farthest_m", b.farthest}, {"most_deg", b.most * 180 / math.Pi},
			{"pushes", float64(b.pushes)}}}
	switch {
	case s.Reached:
		s.Text = s.Goal
	case b.fell:
		s.Text = fmt.Sprintf("fell after %.3f s", b.seconds())
	default:
		s.Text = fmt.Sprintf("stands after %.3f s", b.seconds())
	}
	s.Text += fmt.Sprintf(", at most %.2f m from the start and %.1f° from upright", b.farthest, b.most*180/math.Pi)
	if b.push > 0 {
		s.Text += fmt.Sprintf(", pushed %d times", b.pushes)
	}
	return s
}

func (b *balance) events() []Event {
	if !b.fell || b.reported {
		return nil
	}
	b.reported = true
	return []Event{{Code: robotFell, Text: fmt.Sprintf("after %.3f s", b.seconds())}}
}

func (b *balance) state() map[string]float64 {
	return map[string]float64{"x_m": b.at.x, "y_m": b.at.y, "heading_rad": b.heading, "lean_rad": b.lean, "speed_m_s": b.speed,
		"lean_rad_s": b.rate, "turn_rad_s": b.turn, "left_m": b.wheels[0], "right_m": b.wheels[1], "push_n": b.force}
}
