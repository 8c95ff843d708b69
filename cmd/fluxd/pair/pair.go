// Package pair prepares a robot to be reached from other machines: it makes a certificate for its broker and a user with a
// password, and prints the line with which "fluxctl pair" gets to know the robot.
//
//	root.AddCommand(pair.Command()) // fluxd pair USER [ROBOT]
package pair

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge/pairing"
	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"
	"fluxd/files"
)

// defaultRobot is the file of a robot that is a service.
const defaultRobot = "/etc/fluxd/robot.yaml"

// authorityFile is the name of the file of the robot's authority, with its key.
const authorityFile = "ca.pem"

// options are the flags of the command, and what a test has in the place of this machine.
type options struct {
	user, role, robot string
	roleGiven         bool
	hosts             []string
	service           string

	host      string // the name of this machine
	addresses []net.Addr
	now       time.Time
}

// Command returns the command.
func Command() *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "pair USER [ROBOT]",
		Short: "Let a laptop reach the robot: certificate, user, password",
		Long: `pair prepares a robot with its own broker to be reached from other machines, and
prints one line for them. Give that line to 'fluxctl pair' on a laptop.

The first time it makes a certificate authority for this robot and a certificate
for its broker, in the folder of the robot file. Each time it makes the user,
with a new random password, in the robot's file of passwords. It changes nothing
else: it says which lines the robot file needs, and how to restart the robot.

The line holds the password: it is a secret. It alone goes to stdout:

  ssh pi@rover7.local sudo fluxd pair ann | fluxctl pair -

Without ROBOT it is ` + defaultRobot + `. Run as root, pair lets the
user fluxd read the files, as which the service runs. Run it again when the
robot has got another name or address, or a year before its certificate ends.`,
		Example: `  sudo fluxd pair ann                       # of the service
  sudo fluxd pair bob --role viewer         # may watch, and stop the robot
  fluxd pair ann rover.yaml --host 10.0.0.7`,
		Args: usage.Args(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			o.user, o.roleGiven, o.now = args[0], c.Flags().Changed("role"), time.Now()
			if o.robot = defaultRobot; len(args) > 1 {
				o.robot = args[1]
			}
			o.host, _ = os.Hostname() // without a name there are addresses
			var err error
			if o.addresses, err = net.InterfaceAddrs(); err != nil {
				return err
			}
			return run(o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.role, "role", string(users.Operator), "viewer, tuner or operator; a user who is there keeps the role")
	c.Flags().StringSliceVar(&o.hosts, "host", nil, "a further `name or address` under which the robot is reached; may be repeated")
	c.Flags().StringVar(&o.service, "service-user", "fluxd", "the `user` as which the robot runs, if root runs pair")
	return c
}

// site is a robot with the files that pairing is about.
type site struct {
	options
	config    *configs.Robot
	folder    string
	passwords string // file of users
	server    string // file of the certificate and its key
	port      string
	done      []string // what was made or changed, for people
	renewed   bool     // the certificate: the robot has to be restarted
}

// run pairs, and prints the line to out and the rest to notes.
func run(o options, out, notes io.Writer) error {
	s, err := open(o)
	if err != nil {
		return err
	}
	_, dialled := hostNames(o.host, o.addresses, o.hosts)
	addresses := s.reachable(dialled)
	if len(addresses) == 0 {
		return errors.New("this machine has no name and no network: expected the address under which the robot is reached, as --host")
	}
	root, serverName, err := s.certify()
	if err != nil {
		return err
	}
	password, err := s.addUser()
	if err != nil {
		return err
	}
	ticket := pairing.Ticket{Robot: s.config.Name, Addresses: addresses, User: o.user, Password: password,
		ServerName: serverName, Fingerprint: pairing.Fingerprint(root)}
	if _, err := fmt.Fprintln(out, ticket); err != nil {
		return err
	}
	return s.explain(notes)
}

// open reads the robot file and decides which files are used.
func open(o options) (*site, error) {
	if err := protocol.CheckUser(o.user); err != nil {
		return nil, err
	}
	if users.Role(o.role) == users.Robot {
		return nil, errors.New("--role robot: expected viewer, tuner or operator: fluxctl passwd makes a user for another robot")
	}
	if _, err := os.Stat(o.robot); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file: expected the robot file, as in 'fluxd pair %s rover.yaml'", o.robot, o.user)
	}
	whole, err := filepath.Abs(o.robot)
	if err != nil {
		return nil, err
	}
	config, err := configs.Load(whole)
	if err != nil {
		return nil, err
	}
	m := config.MQTT
	switch {
	case m.Broker != "embedded":
		return nil, fmt.Errorf("%s: mqtt.broker is %s: pair is for the robot's own broker, embedded; users of another broker are "+
			"made there", o.robot, m.Broker)
	case m.TLS != nil && m.TLS.CA != "":
		return nil, fmt.Errorf("%s: mqtt.tls.ca: clients need certificates, which pair does not make: remove the key, "+
			"or give out certificates of your authority", o.robot)
	}
	s := &site{options: o, config: config, folder: filepath.Dir(whole), port: "8883"}
	s.passwords, s.server = filepath.Join(s.folder, "passwords"), filepath.Join(s.folder, "robot.pem")
	if m.Passwords != "" {
		s.passwords = s.resolve(m.Passwords)
	}
	if t := m.TLS; t != nil && t.Certificate == t.Key { // such as pair makes, under the name that the robot file has for it
		server := s.resolve(t.Certificate)
		_, missing := os.Stat(server)
		_, foreign := os.Stat(filepath.Join(filepath.Dir(server), authorityFile))
		if errors.Is(missing, fs.ErrNotExist) || foreign == nil {
			s.server, s.folder = server, filepath.Dir(server)
		}
	}
	if host, port, err := net.SplitHostPort(m.Listen); err == nil && !isLoopback(host) && port != "0" {
		s.port = port
	}
	return s, nil
}

// resolve returns the whole path of a file that the robot file names. Such names count from the folder in which fluxd is started.
func (s *site) resolve(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	const service = "/var/lib/fluxd"
	if info, err := os.Stat(service); err == nil && info.IsDir() && s.robot == defaultRobot {
		return filepath.Join(service, name)
	}
	whole, err := filepath.Abs(name)
	if err != nil {
		return name // without a present folder
	}
	return whole
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// reachable returns the addresses of the broker: those at which it listens.
func (s *site) reachable(hosts []string) (all []string) {
	listen, _, err := net.SplitHostPort(s.config.MQTT.Listen)
	ip := net.ParseIP(listen)
	if err != nil || isLoopback(listen) || listen == "" {
		ip = net.IPv4zero // the line that explain suggests
	}
	if ip != nil && !ip.IsUnspecified() {
		hosts = append(append([]string(nil), s.hosts...), listen)
	}
	for _, host := range hosts {
		one := net.ParseIP(host)
		if one != nil && one.To4() == nil && ip != nil && ip.To4() != nil {
			continue // it listens on IPv4 alone
		}
		if len(all) < pairing.MaxAddresses {
			all = append(all, net.JoinHostPort(host, s.port))
		}
	}
	return all
}

// certify makes the certificate of the broker, unless there is a good one. It returns the certificate that clients pin, and the
// name that they check.
func (s *site) certify() (root *x509.Certificate, serverName string, err error) {
	if t := s.config.MQTT.TLS; t != nil && s.resolve(t.Certificate) != s.server {
		root, err = lastCertificate(s.resolve(t.Certificate))
		return root, "", err
	}
	names, _ := hostNames(s.host, s.addresses, s.hosts)
	file := filepath.Join(s.folder, authorityFile)
	authority, err := readPair(file)
	if err != nil {
		return nil, "", err
	}
	root, _, broken := authority.read()
	switch {
	case authority.certificate != nil && broken != nil:
		return nil, "", fmt.Errorf("%s: %w: remove it, and pair again all laptops", file, broken)
	case authority.certificate == nil || s.now.Add(renewBefore).After(root.NotAfter):
		if authority, err = newAuthority(s.config.Name, s.now); err != nil {
			return nil, "", err
		}
		if err := s.write(file, append(authority.certificate, authority.key...), 0o600, false); err != nil {
			return nil, "", err
		}
		s.done = append(s.done, file+": the robot's certificate authority. Laptops that were paired before have to be paired again")
		if root, _, err = authority.read(); err != nil {
			return nil, "", err
		}
	}
	// For programs that are not paired, such as a browser. Written each time: it may have been lost.
	if err := s.write(filepath.Join(s.folder, "ca.crt"), authority.certificate, 0o644, true); err != nil {
		return nil, "", err
	}
	server, err := readPair(s.server)
	if err != nil {
		return nil, "", err
	}
	why := "it is new"
	if server.certificate != nil {
		why = renew(server, authority, names, s.now)
	}
	if why == "" {
		return root, pairing.ServerName, s.own(s.server, 0o640)
	}
	if server, err = newServer(authority, names, s.now); err != nil {
		return nil, "", err
	}
	// Certificate and key in one file: a power cut leaves the old ones or the new ones.
	if err := s.write(s.server, append(server.certificate, server.key...), 0o640, true); err != nil {
		return nil, "", err
	}
	s.done = append(s.done, s.server+": the certificate of the robot's broker, and its key ("+why+")")
	s.renewed = true
	return root, pairing.ServerName, nil
}

// readPair reads a file with certificates and a key. A file that is not there has none.
func readPair(file string) (certified, error) {
	text, err := files.Read(file, protocol.MaxPEM)
	if errors.Is(err, fs.ErrNotExist) {
		return certified{}, nil
	}
	if err != nil {
		return certified{}, err
	}
	c := certified{certificate: []byte{}}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			c.certificate = append(c.certificate, pem.EncodeToMemory(block)...)
		} else {
			c.key = append(c.key, pem.EncodeToMemory(block)...)
		}
	}
	return c, nil
}

// lastCertificate returns the last certificate of a file: the one nearest to its authority.
func lastCertificate(file string) (*x509.Certificate, error) {
	text, err := files.Read(file, protocol.MaxPEM)
	if err != nil {
		return nil, fmt.Errorf("mqtt.tls.certificate: %w", err)
	}
	var last []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			last = block.Bytes
		}
	}
	certificate, err := x509.ParseCertificate(last)
	if err != nil {
		return nil, fmt.Errorf("mqtt.tls.certificate: %s: expected certificates, PEM-encoded: %w", file, err)
	}
	return certificate, nil
}

// addUser makes the user with a new password.
func (s *site) addUser() (password string, err error) {
	text, err := files.Read(s.passwords, users.MaxFile)
	isNew := errors.Is(err, fs.ErrNotExist)
	if err != nil && !isNew {
		return "", err
	}
	if err := users.Check(s.passwords, text); err != nil {
		return "", err
	}
	role, before := users.RoleOf(text, s.user)
	if !before || s.roleGiven {
		role = users.Role(s.role)
	}
	secret := make([]byte, 15)
	rand.Read(secret) // never fails
	password = strings.ToLower(base32.StdEncoding.EncodeToString(secret))
	if text, err = users.Set(text, s.user, password, role); err != nil {
		return "", err
	}
	if isNew {
		err = s.write(s.passwords, text, 0o640, true)
	} else if err = files.Rewrite(s.passwords, text); err == nil {
		err = s.own(s.passwords, 0o640)
	}
	what := "has a password"
	if before {
		what = "has a new password; with the old one nobody can log in any more"
	}
	s.done = append(s.done, fmt.Sprintf("%s: user %s, %s, %s", s.passwords, s.user, role, what))
	return password, err
}

// write writes a file. With shared the robot's user may read it.
func (s *site) write(file string, text []byte, mode os.FileMode, shared bool) error {
	if before, err := files.Read(file, protocol.MaxPEM); err != nil || !bytes.Equal(before, text) {
		if err := files.Write(file, text); err != nil { // only this user may read it at first
			return err
		}
	}
	if shared {
		return s.own(file, mode)
	}
	return os.Chmod(file, mode)
}

// line returns the number of the line of the robot file that begins its mqtt section; 0 if there is none.
func line(file string) int {
	text, err := files.Read(file, configs.MaxSize)
	if err != nil {
		return 0
	}
	number := 0
	for one := range strings.Lines(string(text)) {
		if number++; strings.HasPrefix(one, "mqtt:") {
			return number
		}
	}
	return 0
}

// explain says what was done, and what is left to do.
func (s *site) explain(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nThis line is a secret: it holds the password of %s. On the laptop, fluxctl asks for it:\n\n"+
		"  fluxctl pair\n\n", s.user)
	for _, one := range s.done {
		b.WriteString(one + "\n")
	}
	m := s.config.MQTT
	host, _, err := net.SplitHostPort(m.Listen)
	var keys []string
	if err != nil || isLoopback(host) {
		keys = append(keys, "  listen: '0.0.0.0:"+s.port+"'")
	}
	if m.Passwords == "" {
		keys = append(keys, "  passwords: "+quote(s.passwords))
	}
	if m.TLS == nil {
		keys = append(keys, fmt.Sprintf("  tls: {certificate: %s, key: %s}", quote(s.server), quote(s.server)))
	}
	switch {
	case len(keys) > 0:
		if at := line(s.robot); at > 0 {
			fmt.Fprintf(&b, "\n%s has mqtt in line %d: it needs these keys there, beside the others:\n\n", s.robot, at)
		} else {
			fmt.Fprintf(&b, "\n%s needs these lines, at its end:\n\n", s.robot)
		}
		b.WriteString("mqtt:\n" + strings.Join(keys, "\n") + "\n\nThen restart the robot: " + restart() + "\n")
	case s.renewed:
		b.WriteString("\nRestart the robot, so that it uses the certificate: " + restart() + "\n")
	default:
		b.WriteString("\nA running robot knows the user within a second.\n")
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// quote returns a text as YAML has it within {}.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// restart returns how the robot is restarted.
func restart() string {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		for _, folder := range []string{"/etc", "/usr/local/lib", "/usr/lib", "/lib"} {
			if _, err := os.Stat(folder + "/systemd/system/fluxd.service"); err == nil {
				return "sudo systemctl restart fluxd"
			}
		}
	}
	return "end 'fluxd run' with ctrl-C, and start it again"
}
