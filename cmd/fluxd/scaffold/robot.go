package scaffold

import (
	"fmt"
	"strconv"
	"strings"

	"fluxd/boards/header"
)

// text returns the robot file. This Go file has the parts that every robot has, from the first line to the last. A part begins
// with a line break and ends without one: so the lines of its raw strings stand here as they do in the robot file.
func (p *plan) text() string {
	var b strings.Builder
	p.top(&b)
	p.board(&b)
	p.expanders(&b)
	p.sensors(&b)
	p.network(&b)
	p.actuators(&b)
	p.body(&b)
	p.safety(&b)
	if p.onNetwork {
		p.reachedFromNetwork(&b)
	} else {
		p.reachedFromHere(&b)
	}
	p.tuning(&b)
	b.WriteString("\n")
	return b.String()
}

// position returns where a pin of the board is, such as "header pin 11"; "" for one that is not on the header.
func position(pin string) string {
	if p, found := header.Find(pin); found {
		return "header pin " + strconv.Itoa(p.Position)
	}
	return ""
}

// onPin returns a key whose value is a pin of the board, and a comment that says where the pin is.
func onPin(key, pin string) string {
	return fmt.Sprintf("%-24s # %s", key+": "+pin, position(pin))
}

func (p *plan) top(b *strings.Builder) {
	world, armed := "", ""
	if p.onPi {
		world, armed = " --world "+p.behaviour.world, `; nothing moves until "fluxctl arm"`
	}
	fmt.Fprintf(b, `# %[1]s %[2]s.
#
#   fluxd check %[3]s
#       finds every mistake with its line, or lists every wire
#   fluxd pins %[3]s
#       draws where each wire goes
#   fluxd sim %[3]s%[4]s
#       lets it live in a simulated world for a minute
#   fluxd run %[3]s
#       runs it%[5]s
#
# The file is yours: change what you like, and check it again. What stands after # is a comment. Every key is explained in
# docs/robot-file.md, on a robot that has the package in /usr/share/doc/fluxd. This file was made by
#   fluxd init %[6]s

# THE NAME. fluxctl and MQTT know the robot by it.
robot: %[1]s`, p.Name, p.behaviour.does, p.file, world, armed, p.Line())
}

func (p *plan) board(b *strings.Builder) {
	if p.onPi {
		fmt.Fprintf(b, `

# THE BOARD has the pins and buses. This one is a Raspberry Pi with 40 pins, from the Zero to the 5. To run the robot without
# hardware, in real time: fluxd run %s --world %s
board: {kind: raspberrypi}`, p.file, p.behaviour.world)
		return
	}
	fmt.Fprintf(b, `

# THE BOARD has the pins and buses. This one is simulated, in a world: %s.
# On the robot write board: {kind: raspberrypi}. Nothing else has to change.
board: {kind: sim, world: %s}`, p.behaviour.worldIs, p.behaviour.world)
}

func (p *plan) expanders(b *strings.Builder) {
	e := p.driver.Expander
	if e == nil {
		return
	}
	fmt.Fprintf(b, `

# EXPANDERS are chips that add pins. This one has 16 outputs with PWM and a bus address:
expanders:
  %s: {device: pca9685, bus: I2C1, address: %s, frequency: %s} # %s`, e.Name, e.Address, e.Frequency, e.About)
}

func (p *plan) sensors(b *strings.Builder) {
	if p.Sensors == "none" && !p.hasBumper {
		return
	}
	b.WriteString(`

# SENSORS: what the robot measures. A reading becomes spikes (encode), and the spikes go to a neuron (to).`)
	p.behaviour.sensors(b, p)
	if p.hasBumper {
		bumper(b)
	}
}

func (p *plan) network(b *strings.Builder) {
	b.WriteString(`

# THE NETWORK decides. A neuron is a barrel of water: each spike that arrives pours the weight of its synapse in, a negative weight
# takes water out, and the barrel leaks. When it is filled to its threshold it fires: it sends a spike on, and is empty again.`)
	p.behaviour.network(b, p)
	if p.backsOff {
		reflexSynapses(b)
	}
}

func (p *plan) actuators(b *strings.Builder) {
	fmt.Fprintf(b, `

# ACTUATORS: what the robot moves. The spikes of a neuron, counted over a window, become a command from -1 to 1 (decode).
# %s
actuators:`, p.driver.Note)
	for _, w := range p.driver.Wheels {
		p.wheel(b, w)
	}
}

// wheel writes one of the actuators.
func (p *plan) wheel(b *strings.Builder, w wheel) {
	fmt.Fprintf(b, `
  %s_wheel:
    device: %s`, w.Side, p.driver.Device)
	for _, wire := range w.Wires {
		at := position(wire.Pin)
		if at != "" {
			at += ", "
		}
		fmt.Fprintf(b, `
    %-24s # %sto %s`, wire.Key+": "+wire.Pin, at, wire.To)
	}
	if w.Mirrored {
		b.WriteString(`
    inverted: true           # it is mounted the other way round; false if the wheel turns the wrong way`)
	} else {
		b.WriteString(`
    # inverted: true         # remove the first # of this line if the wheel turns the wrong way`)
	}
	b.WriteString(`
    # min_power: 0.2         # and of this one if the motor hums and does not turn; then find its smallest number that works`)

	and, backward := "", ""
	if p.backsOff {
		and, backward = ", those of another one back", `
      backward: back_`+w.Initial()
	}
	fmt.Fprintf(b, `
    decode:
      kind: push-pull        # the spikes of one neuron drive ahead%s
      forward: motor_%s%s
      %-22s # so many spikes a second are full speed: a larger number makes the robot slower
      window: %s`, and, w.Initial(), backward, "full: "+p.behaviour.full, p.behaviour.window)
}

func (p *plan) body(b *strings.Builder) {
	fmt.Fprintf(b, `

# THE BODY, for the simulated world only: measure yours, and the simulated robot drives as the real one does.
body:
  radius: 8 cm               # of a round robot; for a square one half its width
  track: 12 cm               # from wheel to wheel
  wheel: 65 mm               # diameter
  top_speed: %s         # at full power`, p.behaviour.speed)
	p.behaviour.mounts(b, p)
}

func (p *plan) safety(b *strings.Builder) {
	arming := `The simulated robot moves at once. On a Raspberry Pi nothing moves until you say "fluxctl arm".`
	if p.onPi {
		arming = `Nothing moves until you say "fluxctl arm", and all motors stop when fluxd ends, for whatever reason.`
	}
	fmt.Fprintf(b, `

# SAFETY. %s
# Best is a switch in the motors' supply. The three below need wires first; then remove the # before them.
safety:
  arm: auto                  # explicit: the simulated robot waits for "fluxctl arm", too
  # emergency_stop: {pin: GPIO26} # %s: a switch to ground that opens when it is pressed
  # start: {pin: GPIO16}          # %s: a button to ground, instead of "fluxctl arm" and "fluxctl disarm"
  # status_light: {pin: GPIO24}   # %s: an LED and a resistor of 330 ohm to ground, lit while the robot is armed`,
		arming, position("GPIO26"), position("GPIO16"), position("GPIO24"))
}

func (p *plan) reachedFromNetwork(b *strings.Builder) {
	fmt.Fprintf(b, `

# HOW IT IS REACHED: from other machines, with users and encryption. "fluxd pair USER %[1]s" makes a user, and the first
# time the certificate, too; before that fluxd does not start. A name without a folder counts from the folder in which fluxd is
# started. For the service that is not the folder of this file: copied to /etc/fluxd, they are /etc/fluxd/passwords and so on.
mqtt:
  broker: embedded           # the robot has its own
  listen: 0.0.0.0:8883
  passwords: %[2]s
  tls: {certificate: %[3]s, key: %[3]s}

# ITS PAGE in a browser: https://%[4]s.local:8443 if %[4]s is also the name of the machine.
dashboard:
  listen: 0.0.0.0:8443
  hosts: [%[4]s.local]
  tls: {certificate: %[3]s, key: %[3]s}`, p.file, p.passwords, p.certificate, p.Name)
}

func (p *plan) reachedFromHere(b *strings.Builder) {
	b.WriteString(`

# HOW IT IS REACHED: by fluxctl on the same machine. To let other machines in, it needs users and encryption: "fluxd pair USER"
# makes them, and says which lines to add here.
mqtt:
  broker: embedded           # the robot has its own, which listens on this machine alone

# ITS PAGE in a browser on the same machine: http://localhost:8080`)
	if p.onPi {
		b.WriteString(`
# From a laptop: ssh -L 8080:localhost:8080 USER@ROBOT, and then the same address in the laptop's browser.`)
	}
	b.WriteString(`
dashboard: {listen: 127.0.0.1:8080}`)
}

func (p *plan) tuning(b *strings.Builder) {
	fmt.Fprintf(b, `

# WHAT YOU TUNE while it runs ("fluxctl set") is lost when it ends, unless you remove the next # : then it is kept in this file, which
# also counts more than what stands above.
# tuning: {file: %s-tuned.yaml, persist: true}`, p.Name)
}
