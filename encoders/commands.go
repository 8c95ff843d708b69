package encoders

import (
	"strings"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// Command is a command to an actuator, in millionths of full scale: -FullScale to FullScale.
type Command int64

// commandLimits returns the limits of a command.
func commandLimits() (low, high int64, ok bool) { return -FullScale, FullScale, true }

// checkCommands refuses commands beyond full scale.
func checkCommands(key string, commands []Command) (mistakes []options.Mistake) {
	for i, c := range commands {
		if c < -FullScale || c > FullScale {
			mistakes = append(mistakes, options.Wrong(partOf(key, i), "%g: expected a command from -1 to 1", float64(c)/FullScale))
		}
	}
	return mistakes
}

// checkNumbers refuses the commands of named neurons that are beyond full scale, or words.
func checkNumbers(key string, commands []Named[Choice]) (mistakes []options.Mistake) {
	for _, c := range commands {
		switch number := float64(c.Value.Micro) / FullScale; {
		case c.Value.Word != "":
			mistakes = append(mistakes, options.Wrong(key+"."+c.Name, "%q: expected a command from -1 to 1", c.Value.Word))
		case number < -1 || number > 1:
			mistakes = append(mistakes, options.Wrong(key+"."+c.Name, "%g: expected a command from -1 to 1", number))
		}
	}
	return mistakes
}

// checkOpposite refuses one neuron for both directions.
func checkOpposite(forward, backward string) []options.Mistake {
	if forward != "" && forward == backward {
		return []options.Mistake{options.Wrong("backward", "expected another neuron than forward, got %s", backward)}
	}
	return nil
}

// isPart reports whether a key is that of a named part of an option, such as "values.left".
func isPart(key, of string) bool {
	_, part := strings.CutPrefix(key, of+".")
	return part
}

// partOf returns the key of one of two ends: "commands[0]".
func partOf(key string, i int) string { return key + [...]string{"[0]", "[1]"}[i] }

func ticks(d time.Duration) core.Tick { return core.Tick(d.Microseconds()) }

// timeLine maps times linearly to commands, from one end to the other. Times beyond an end are like the end.
type timeLine struct {
	line
	first   int64
	falling bool // the second command is the smaller one
}

// newTimeLine maps two different times, of at most an hour, to two commands.
func newTimeLine(times [2]core.Tick, commands [2]Command) (timeLine, error) {
	first, way := int64(commands[0]), int64(commands[1]-commands[0])
	l := timeLine{first: first, falling: way < 0}
	var err error
	l.line, err = newLine(int64(times[0]), int64(times[1]), max(way, -way))
	return l, err
}

// command returns the command for a time.
func (l *timeLine) command(t core.Tick) int64 {
	if l.falling {
		return l.first - l.at(int64(t))
	}
	return l.first + l.at(int64(t))
}
