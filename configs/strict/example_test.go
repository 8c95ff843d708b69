package strict_test

import (
	"fmt"
	"reflect"
	"time"

	"fluxd/configs/strict"
)

// A Lamp is the type of the example's file.
type Lamp struct {
	Pin   string        `yaml:"pin" required:"true" doc:"GPIO pin, such as GPIO17"`
	Mode  string        `yaml:"mode" default:"blink" enum:"on,blink" doc:"what it does"`
	Every time.Duration `yaml:"every" when:"mode=blink" default:"1s" doc:"time between two flashes"`
}

func Example() {
	const text = `pin: GPIO17
mod: blink
every: 2m
`
	d, err := strict.NewDecoder("lamp.yaml", []byte(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	var lamp Lamp
	d.Decode(&lamp, "the lamp")
	if d.Readable("every") && lamp.Every > time.Minute {
		d.Fail("every", "%v: expected at most 1m", lamp.Every)
	}
	fmt.Println(d.Err())
	// Output:
	// lamp.yaml:2:1: mod: unknown key (did you mean mode?); known are pin, mode, every
	// lamp.yaml:3:8: every: 2m0s: expected at most 1m
}

func ExampleSchema() {
	type Lamp struct {
		Pin string `yaml:"pin" required:"true" doc:"GPIO pin"`
	}
	fmt.Println(string(strict.Schema(reflect.TypeFor[Lamp](), "lamp")))
	// Output:
	// {
	//   "$schema": "https://json-schema.org/draft/2020-12/schema",
	//   "additionalProperties": false,
	//   "properties": {
	//     "pin": {
	//       "description": "GPIO pin",
	//       "type": "string"
	//     }
	//   },
	//   "required": [
	//     "pin"
	//   ],
	//   "title": "lamp",
	//   "type": "object"
	// }
}
