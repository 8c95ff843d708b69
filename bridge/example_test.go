package bridge_test

import (
	"context"
	"fmt"
	"os"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// rover is a robot that can only be watched and stopped.
type rover struct{ did chan string }

func (r *rover) Describe() protocol.Description {
	return protocol.Description{Sensors: []protocol.Device{{Name: "battery", Unit: "V"}}}
}

func (r *rover) Health() protocol.Health {
	return protocol.Health{Safety: protocol.Safety{State: "armed"}}
}

func (r *rover) Sensors() map[string]protocol.Measure {
	return map[string]protocol.Measure{"battery": {Value: 7.4, Unit: "V"}}
}

func (r *rover) Actuators() map[string]protocol.Measure { return nil }
func (r *rover) TelemetryEvery() time.Duration          { return time.Second }

func (r *rover) Arm(user string, _ bool) error { r.did <- "armed by " + user; return nil }
func (r *rover) ArmByHand(user string) error   { r.did <- "armed by hand by " + user; return nil }
func (r *rover) Disarm(user string)            { r.did <- "disarmed by " + user }
func (r *rover) EmergencyStop(user string)     { r.did <- "stopped by " + user }

// A robot that can be watched and stopped. The user ann stops it.
func Example() {
	folder, err := os.MkdirTemp("", "broker")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	broker, err := openBroker(folder, server.MQTTOpts{Host: "127.0.0.1"}) // any broker, such as mosquitto
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.close()

	topics, online := protocol.Topics("rover"), make(chan bool, 10)
	ann := paho.NewClient(paho.NewClientOptions().AddBroker(broker.url))
	ann.Connect().Wait()
	defer ann.Disconnect(0)
	ann.Subscribe(topics.Status(), 1, func(paho.Client, paho.Message) { online <- true }).Wait()

	r := &rover{did: make(chan string, 10)}
	robot := bridge.Robot{Telemetry: r, Safety: r}
	b, err := bridge.Start(context.Background(), robot, bridge.Options{Robot: "rover", Broker: broker.url})
	if err != nil { // an invalid option; an absent broker is no error
		fmt.Println(err)
		return
	}
	defer b.Close()

	<-online
	ann.Publish(topics.RequestBy("estop", "ann"), 1, false, "")
	fmt.Println(<-r.did)
	// Output: stopped by ann
}
