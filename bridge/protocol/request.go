package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// keys are the keys that requests of a verb may have beside id, ts and ttl_ms.
var keys = map[string][]string{
	"get":       {"paths"},
	"set":       {"set", "if_rev"},
	"reset":     {"paths", "if_rev"},
	"reward":    {"reward", "value"},
	"stimulate": {"stimulate"},
	"watch":     {"lease_ms", "spikes", "neurons", "learning", "world"},
	"arm":       {"value", "by_hand", "fresh"},
	"drive":     {"actuator", "value", "lease_ms"},
	"sense":     {"sensor", "value", "lease_ms"},
	"zero":      {"sensor"},
	"place":     {"thing", "x", "y", "heading"},

	"load_robot": {"file", "restart", "confirm", "back"},
}

// ParseRequest reads the payload of a request with a verb. It is strict, so that no value acts that was not meant: a wrong type,
// null, a key that is unknown, given twice or in other letters is an *Error with the code Malformed and the path of the key. The
// request then holds what stands before the error.
func ParseRequest(verb string, payload []byte) (Request, error) {
	var r Request
	if err := checkJSON(payload); err != nil {
		return r, err
	}
	p := parser{json.NewDecoder(bytes.NewReader(payload))}
	p.decoder.UseNumber()
	allowed := append([]string{"id", "ts", "ttl_ms"}, keys[verb]...)
	texts := map[string]*string{"id": &r.ID, "reward": &r.Reward, "actuator": &r.Actuator, "sensor": &r.Sensor, "thing": &r.Thing,
		"file": &r.File}
	integers := map[string]*int64{"ts": &r.Time, "ttl_ms": &r.TTL, "lease_ms": &r.Lease}
	flags := map[string]*bool{"by_hand": &r.ByHand, "fresh": &r.Fresh, "spikes": &r.Spikes, "learning": &r.Learning,
		"world": &r.World, "restart": &r.Restart, "confirm": &r.Confirm, "back": &r.Back}
	numbers := map[string]**float64{"x": &r.X, "y": &r.Y, "heading": &r.Heading}
	watched := 0 // keys of watch that say what
	err := p.object("", "a JSON object", func(key string) (err error) {
		if !slices.Contains(allowed, key) {
			return malformed(key, "verb %s has no such key: expected %s", verb, strings.Join(allowed, ", "))
		}
		if verb == "watch" && slices.Contains(keys[verb][1:], key) {
			watched++
		}
		if to, is := texts[key]; is {
			*to, err = p.text(key)
			return err
		}
		if to, is := integers[key]; is {
			*to, err = p.integer(key)
			return err
		}
		if to, is := flags[key]; is {
			*to, err = p.boolean(key)
			return err
		}
		if to, is := numbers[key]; is {
			var v float64
			v, err = p.number(key)
			*to = &v
			return err
		}
		switch key {
		case "value":
			var v float64
			if v, err = p.number(key); err == nil && verb == "arm" && v != 0 && v != 1 {
				err = malformed(key, "expected 1 to arm or 0 to disarm, got %g", v)
			}
			r.Value = &v
		case "if_rev":
			var v int64
			if v, err = p.integer(key); err == nil && v < 0 {
				err = malformed(key, "expected a revision of at least 0, got %d", v)
			}
			rev := Revision(v)
			r.IfRevision = &rev
		case "paths":
			r.Paths, err = p.textList(key, "path")
		case "neurons":
			if r.Neurons, err = p.textList(key, "neuron"); err == nil && len(r.Neurons) > MaxNeurons {
				err = malformed(key, "expected at most %d neurons, got %d", MaxNeurons, len(r.Neurons))
			}
		case "set":
			r.Set = map[string]float64{}
			err = p.object(key, "an object of paths and values", func(path string) (err error) {
				r.Set[path], err = p.number(key + "." + path)
				return err
			})
		case "stimulate":
			r.Stimulate = map[string]Train{}
			err = p.object(key, "an object of neurons and trains", func(neuron string) (err error) {
				r.Stimulate[neuron], err = p.train(key + "." + neuron)
				return err
			})
		}
		return err
	})
	if err == nil && watched > 0 && !r.Spikes && r.Neurons == nil && !r.Learning && !r.World {
		err = malformed("", "there is nothing to watch: expected spikes, learning or world to be true, or names of neurons")
	}
	return r, err
}

// checkJSON returns an error with the place where a text is not JSON.
func checkJSON(text []byte) error {
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(text, new(json.RawMessage)); {
	case err == nil:
		return nil
	case len(bytes.TrimSpace(text)) == 0:
		return malformed("", "expected a JSON object, got nothing")
	case errors.Is(json.NewDecoder(bytes.NewReader(text)).Decode(new(json.RawMessage)), io.ErrUnexpectedEOF):
		return malformed("", "the JSON ends too early, after %d bytes", len(text))
	case errors.As(err, &syntax):
		at := max(0, int(syntax.Offset)-1)
		return malformed("", "not JSON from byte %d on: %s; JSON has neither NaN nor Infinity", at,
			strconv.Quote(string(text[at:min(len(text), at+20)])))
	default:
		return malformed("", "not JSON")
	}
}

// parser reads a text that checkJSON has accepted.
type parser struct{ decoder *json.Decoder }

// next returns the next token. There always is one, since the text is JSON.
func (p parser) next() json.Token {
	token, _ := p.decoder.Token()
	return token
}

// object reads an object. It calls each for every key, to read the value.
func (p parser) object(path, what string, each func(key string) error) error {
	if got := p.next(); got != json.Delim('{') {
		return wrongType(path, what, got)
	}
	seen := map[string]bool{}
	for p.decoder.More() {
		key, _ := p.next().(string)
		if seen[key] {
			return malformed(strings.TrimPrefix(path+"."+key, "."), "given twice: expected once")
		}
		seen[key] = true
		if err := each(key); err != nil {
			return err
		}
	}
	p.next()
	return nil
}

func (p parser) text(path string) (string, error) {
	got := p.next()
	text, ok := got.(string)
	if !ok {
		return "", wrongType(path, "a text", got)
	}
	return text, nil
}

func (p parser) boolean(path string) (bool, error) {
	got := p.next()
	is, ok := got.(bool)
	if !ok {
		return false, wrongType(path, "true or false", got)
	}
	return is, nil
}

// textList reads a list that is not empty. An empty list would mean all.
func (p parser) textList(path, of string) ([]string, error) {
	if got := p.next(); got != json.Delim('[') {
		return nil, wrongType(path, "a list of "+of+"s", got)
	}
	var all []string
	for p.decoder.More() {
		one, err := p.text(fmt.Sprintf("%s[%d]", path, len(all)))
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	p.next()
	if all == nil {
		return nil, malformed(path, "expected at least one %s; leave the key out %s", of, without[of])
	}
	return all, nil
}

// without says what it means to leave out a list.
var without = map[string]string{"path": "to mean all", "neuron": "to watch none"}

func (p parser) number(path string) (float64, error) {
	got := p.next()
	text, ok := got.(json.Number)
	if !ok {
		return 0, wrongType(path, "a number", got)
	}
	v, err := text.Float64()
	if err != nil || math.IsInf(v, 0) {
		return 0, malformed(path, "expected a number below 1.8e308, got %s", shorten(text.String()))
	}
	return v, nil
}

func (p parser) integer(path string) (int64, error) {
	got := p.next()
	text, ok := got.(json.Number)
	if !ok {
		return 0, wrongType(path, "a whole number", got)
	}
	v, err := text.Int64()
	if err != nil {
		return 0, malformed(path, "expected a whole number of at most 19 digits, got %s", shorten(text.String()))
	}
	return v, nil
}

func (p parser) train(path string) (t Train, err error) {
	return t, p.object(path, `a train, such as {"count":1}`, func(key string) error {
		v, err := p.integer(path + "." + key)
		switch {
		case err != nil:
			return err
		case key == "count":
			if v < 1 || v > MaxTrain {
				return malformed(path+"."+key, "expected 1 to %d, got %d", MaxTrain, v)
			}
			t.Count = int(v)
		case key == "every_us":
			t.Every = v
		default:
			return malformed(path+"."+key, "a train has no such key: expected count, every_us")
		}
		return nil
	})
}

func wrongType(path, expected string, got json.Token) error {
	shown := "a list"
	switch got := got.(type) {
	case nil:
		shown = "null"
	case bool:
		shown = strconv.FormatBool(got)
	case string:
		shown = strconv.Quote(shorten(got))
	case json.Number:
		shown = shorten(got.String())
	case json.Delim:
		if got == '{' {
			shown = "an object"
		}
	}
	return malformed(path, "expected %s, got %s", expected, shown)
}

func shorten(text string) string {
	const most = 40
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

func malformed(path, format string, args ...any) *Error {
	return &Error{Code: Malformed, Path: path, Message: fmt.Sprintf(format, args...)}
}
