package main

import (
	"sync"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// waitingLines is how many messages wait to be shown; a reader that is slower than the robot loses the oldest.
const waitingLines = 10_000

// inbox hands messages from the client library to the loop that prints them. It never makes the library wait: that would hold up
// everything that comes in.
type inbox struct {
	wake     chan struct{}
	mu       sync.Mutex
	messages []paho.Message
}

func (i *inbox) put(_ paho.Client, m paho.Message) {
	i.mu.Lock()
	if len(i.messages) == waitingLines {
		i.messages = i.messages[1:]
	}
	i.messages = append(i.messages, m)
	i.mu.Unlock()
	notify(i.wake)
}

func (i *inbox) take() []paho.Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	messages := i.messages
	i.messages = nil
	return messages
}
