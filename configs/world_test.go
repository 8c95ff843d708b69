package configs

import (
	"reflect"
	"strings"
	"testing"

	"fluxd/boards/sim/worlds"
)

// A robot file can name every world, and say all of its options; the first is that of a file that names none.
func TestARobotFileKnowsEveryWorld(t *testing.T) {
	board := reflect.TypeFor[Board]()
	field, _ := board.FieldByName("World")
	var names []string
	for _, kind := range worlds.Kinds {
		names = append(names, kind.Name)
		options := reflect.TypeOf(kind.New()).Elem()
		for i := range options.NumField() {
			option := options.Field(i)
			own, ok := board.FieldByName(option.Name)
			if !ok || own.Type != option.Type || own.Tag.Get("when") != "world="+kind.Name {
				t.Errorf("option %s of world %s: %v", option.Name, kind.Name, own)
			}
			for _, tag := range []string{"yaml", "default", "doc"} {
				if own.Tag.Get(tag) != option.Tag.Get(tag) {
					t.Errorf("option %s of world %s: %s %q here, %q there", option.Name, kind.Name, tag, own.Tag.Get(tag), option.Tag.Get(tag))
				}
			}
		}
	}
	if got := field.Tag.Get("enum"); got != strings.Join(names, ",") || field.Tag.Get("default") != names[0] {
		t.Errorf("worlds of a robot file: %s, default %s; there are %v", got, field.Tag.Get("default"), names)
	}
}
