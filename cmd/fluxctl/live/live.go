// Package live shows messages as they come: as a picture that is redrawn on a terminal, or as lines in a pipe.
//
//	screen := live.Open(os.Stdout, false) // nil for a pipe: print lines instead
//	defer screen.Leave()
//	in := live.NewInbox()
//	token := client.Subscribe(filter, 0, in.Put)
//	for {
//		select {
//		case <-in.Wake:
//			messages := in.RemoveAll()
//		case <-screen.Due():
//			screen.Show(picture(screen.Size()), 1)
//		}
//	}
package live

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/cmd/internal/printable"
	"fluxd/cmd/internal/terminal"
)

// Screen is a terminal that is redrawn regularly. A nil Screen means that the output is no terminal: live data is printed as
// lines.
type Screen struct {
	terminal.Screen
	ticker *time.Ticker
}

// Open opens a screen if the output is a terminal and no JSON is asked for. Otherwise it returns nil.
func Open(out io.Writer, asJSON bool) *Screen {
	file := terminal.Of(out)
	if file == nil || asJSON {
		return nil
	}
	return &Screen{terminal.Open(file), time.NewTicker(terminal.RedrawEvery)}
}

// Due ticks each time that the screen is to be redrawn.
func (s *Screen) Due() <-chan time.Time {
	if s == nil {
		return nil
	}
	return s.ticker.C
}

// Show draws a text of the screen's size, without control sequences. Lines after the first bright ones are dimmed.
func (s *Screen) Show(text string, bright int) { s.Draw(printable.Text(text), bright) }

// Leave restores the terminal.
func (s *Screen) Leave() {
	if s != nil {
		s.ticker.Stop()
		s.Screen.Leave()
	}
}

// Print prints a message as one line: a name for its topic, and the payload. As JSON it prints the topic itself.
func Print(out io.Writer, name string, m paho.Message, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintf(out, "%s %s\n", printable.Line(name), printable.Line(string(m.Payload())))
		return err
	}
	payload := json.RawMessage(m.Payload())
	if !json.Valid(payload) {
		quoted, err := json.Marshal(string(m.Payload()))
		if err != nil {
			return err
		}
		payload = quoted
	}
	text, err := json.Marshal(struct {
		Topic   string          `json:"topic"`
		Payload json.RawMessage `json:"payload"`
	}{m.Topic(), payload})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", text)
	return err
}

// maxWaiting bounds the messages that wait to be shown. A reader that is slower than the robot loses the oldest ones.
const maxWaiting = 10_000

// Inbox passes messages from the client library to the loop that shows them. It never blocks the library, which would hold up all
// other messages.
type Inbox struct {
	Wake     chan struct{} // one token when there are messages
	mu       sync.Mutex
	messages []paho.Message
}

// NewInbox returns an empty inbox.
func NewInbox() *Inbox { return &Inbox{Wake: make(chan struct{}, 1)} }

// Put adds a message. It is a handler of the client library.
func (i *Inbox) Put(_ paho.Client, m paho.Message) {
	i.mu.Lock()
	if len(i.messages) == maxWaiting {
		i.messages = i.messages[1:]
	}
	i.messages = append(i.messages, m)
	i.mu.Unlock()
	select {
	case i.Wake <- struct{}{}:
	default:
	}
}

// RemoveAll removes and returns all messages.
func (i *Inbox) RemoveAll() []paho.Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	messages := i.messages
	i.messages = nil
	return messages
}
