package protocol_test

import (
	"encoding/json"
	"fmt"

	"fluxd/bridge/protocol"
)

// A change of a threshold, if nobody else has tuned since revision 17.
func ExampleRequest() {
	revision := protocol.Revision(17)
	text, err := json.Marshal(protocol.Request{ID: "u1", Time: 1_700_000_000_000, TTL: 2000, IfRevision: &revision,
		Set: map[string]float64{"network.neurons.eye.threshold": 90}})
	fmt.Println(string(text), err)
	// Output: {"id":"u1","ts":1700000000000,"ttl_ms":2000,"if_rev":17,"set":{"network.neurons.eye.threshold":90}} <nil>
}
