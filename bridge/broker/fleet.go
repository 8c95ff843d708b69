package broker

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge/protocol"
)

// The leaf node has a separate account. So subscriptions of the robot's clients do not attract the traffic of the whole fleet,
// and messages from the fleet cannot pass for the robot's. Only subjects that both accounts name cross between them
// (https://docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts).

// fleetAccount is the name of the leaf node's account.
const fleetAccount = "FLEET"

// remote returns the accounts and the connection to join the fleet; nil without a fleet.
func (f Fleet) remote() (accounts []*server.Account, remotes []*server.RemoteLeafOpts, err error) {
	if f.URL == "" {
		return nil, nil, nil
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return nil, nil, fmt.Errorf("fleet: %w", err)
	}
	if f.User != "" {
		u.User = url.UserPassword(f.User, f.Password)
	}
	r := &server.RemoteLeafOpts{LocalAccount: fleetAccount, URLs: []*url.URL{u}, TLS: u.Scheme == "tls"}
	if r.TLS {
		r.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
		if f.CA != "" {
			r.TLSConfig.RootCAs = x509.NewCertPool()
			r.TLSConfig.RootCAs.AppendCertsFromPEM([]byte(f.CA))
		}
		r.TLSTimeout = tlsPatience.Seconds()
	}
	return []*server.Account{server.NewAccount(fleetAccount)}, []*server.RemoteLeafOpts{r}, nil
}

// shareWithFleet lets the robot's messages up to the fleet, and requests down.
func shareWithFleet(s *server.Server, robot protocol.Topics) error {
	fleet, err := s.LookupAccount(fleetAccount)
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	here := s.GlobalAccount()
	for _, way := range []struct {
		from, to *server.Account
		subjects []string
	}{
		{here, fleet, subjects(robot.Status(), robot.Describe(), robot.Param("#"), robot.Response("+"), robot.Health(), robot.Sensors(),
			robot.Actuators(), robot.Event("+"))},
		{fleet, here, subjects(robot.Request("#"))},
	} {
		for _, one := range way.subjects {
			if err := way.from.AddStreamExport(one, []*server.Account{way.to}); err != nil {
				return fmt.Errorf("fleet: export %s: %w", one, err)
			}
			if err := way.to.AddStreamImport(way.from, one, ""); err != nil {
				return fmt.Errorf("fleet: import %s: %w", one, err)
			}
		}
	}
	return nil
}
