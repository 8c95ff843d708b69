// Package users decides who may log in at the embedded broker, and which verbs each role may send to a robot. It reads and writes
// the file of passwords that "fluxctl passwd" makes:
//
//	all, err := users.Load("passwords")                   // an error names the line
//	if err != nil { ... }
//	user, ok, _ := all.Check("ann", password, "10.0.0.7") // takes about 50 ms the first time, on purpose
//	if ok && user.Role.May("set") { ... }
package users

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"fluxd/bridge/protocol"
)

// Role decides what a user of the embedded broker may do. Every role may read everything and stop the robot.
type Role string

// The roles. Each has the rights of those before it, too.
const (
	Viewer   Role = "viewer"   // describe, get, network, world, watch, estop
	Tuner    Role = "tuner"    // set, reset, save, load, reward, stimulate
	Operator Role = "operator" // arm, disarm, drive, sense, place, zero, load_robot
)

// Robot is the role of another robot that shares this broker. It may write the topics of the robot with its user's name, and may
// send requests to no robot.
const Robot Role = "robot"

// leastRoles is the least role for each verb.
var leastRoles = map[string]Role{
	"describe": Viewer, "get": Viewer, "network": Viewer, "world": Viewer, "watch": Viewer, "estop": Viewer,
	"set": Tuner, "reset": Tuner, "save": Tuner, "load": Tuner, "reward": Tuner, "stimulate": Tuner,
	"arm": Operator, "disarm": Operator, "drive": Operator, "sense": Operator, "place": Operator, "zero": Operator,
	"load_robot": Operator,
}

// Verbs returns all verbs, in alphabetical order.
func Verbs() []string { return slices.Sorted(maps.Keys(leastRoles)) }

// LeastRole returns the least role that may send a verb, or false if there is no such verb.
func LeastRole(verb string) (least Role, known bool) {
	least, known = leastRoles[verb]
	return least, known
}

// roles are in the order of their rights.
var roles = []Role{Viewer, Tuner, Operator}

// May reports whether a role may send a verb. It is false for an unknown verb.
func (r Role) May(verb string) bool {
	least, known := leastRoles[verb]
	return known && r != Robot && slices.Index(roles, r) >= slices.Index(roles, least)
}

// Users are the users who may log in at the embedded broker. Their file has a line "name:role:bcrypt hash" for each. Empty lines
// and lines that begin with # are ignored. The file is read again when it has changed. Users may be used from any goroutine.
type Users struct {
	file string

	mutex    sync.Mutex
	read     time.Time // the modification time of the file that was read
	size     int64     // its size
	all      map[string]User
	reported string // the error of the last reading, which was reported

	// A bcrypt hash takes about 50 ms to check, on purpose. One is checked at a time, with a pause after a wrong password, so that a
	// flood of logins leaves the processor to the robot. A user who has logged in before is checked by a hash that takes no time.
	checking chan struct{}
	waiting  map[string]int // for a check or in it, by address
	total    int            // of waiting
	key      []byte         // of the quick hashes, which are in memory only
	proven   map[string][]byte
}

// User is a user who may log in.
type User struct {
	Role Role
	hash []byte
}

// MaxFile is the largest file of users, in bytes.
const MaxFile = 1 << 20

const (
	// restFactor is how much longer than the check of a wrong password the pause after it is: guessing gets half of one core.
	restFactor = 1
	// maxWaiting bounds the logins that wait for a check, some seconds of them, and maxWaitingHere those from one address. Further
	// logins are refused.
	maxWaiting     = 32
	maxWaitingHere = 16 // a class behind one router
	// maxPassword is how many bytes bcrypt uses.
	maxPassword = 72
)

// dummyHash is a hash with bcrypt's default cost. It is checked for a name that does not exist, so that the time does not reveal
// which names do. It is a constant, because making one takes 50 ms at each start.
const dummyHash = "$2a$10$lvvkJro/F9/WOI93C3Uv7..HVtmxSAAXSDjVZq6GeL1gyfpZS7Fp6"

// Load reads a file of users. An error names the line.
func Load(file string) (*Users, error) {
	u := &Users{file: file, checking: make(chan struct{}, 1), waiting: map[string]int{}, key: make([]byte, sha256.Size)}
	rand.Read(u.key) // never fails
	if err := u.refresh(); err != nil {
		return nil, err
	}
	return u, nil
}

// refresh reads the file if it has changed. After an error the users read before stay valid.
func (u *Users) refresh() error {
	info, err := os.Stat(u.file)
	if err != nil {
		return fmt.Errorf("passwords: %w: make it with 'fluxctl passwd %s NAME --role operator'", err, u.file)
	}
	if u.all != nil && info.ModTime().Equal(u.read) && info.Size() == u.size {
		return nil
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("passwords: %s: expected a file, got %v: reading it might never end", u.file, info.Mode().Type())
	}
	if info.Size() > MaxFile {
		return fmt.Errorf("passwords: %s: %d bytes: expected at most %d", u.file, info.Size(), MaxFile)
	}
	data, err := os.ReadFile(u.file)
	if err != nil {
		return fmt.Errorf("passwords: %w", err)
	}
	all, err := parseUsers(u.file, data)
	if err != nil {
		return err
	}
	u.all, u.read, u.size, u.proven = all, info.ModTime(), info.Size(), map[string][]byte{}
	return nil
}

func parseUsers(file string, data []byte) (map[string]User, error) {
	all := map[string]User{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.SplitN(line, ":", 3)
		if len(f) != 3 {
			return nil, fmt.Errorf("%s:%d: expected name:role:bcrypt hash, as 'fluxctl passwd' writes it", file, number)
		}
		if err := checkUser(f[0], Role(f[1])); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number, err)
		}
		if err := checkRole(Role(f[1])); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number, err)
		}
		if _, err := bcrypt.Cost([]byte(f[2])); err != nil {
			return nil, fmt.Errorf("%s:%d: the third part is not a bcrypt hash, as 'fluxctl passwd' writes it", file, number)
		}
		if _, twice := all[f[0]]; twice {
			return nil, fmt.Errorf("%s:%d: user %q is listed twice: expected once", file, number, f[0])
		}
		all[f[0]] = User{Role(f[1]), []byte(f[2])}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: %w: add a user with 'fluxctl passwd %s NAME --role operator'", file, errEmpty, file)
	}
	return all, lines.Err()
}

var errEmpty = errors.New("there are no users")

// checkUser returns an error if a user cannot have a name. A user of role robot has the topics of the robot with that name; other
// users send requests to topics that end in their names.
func checkUser(name string, role Role) error {
	if strings.Contains(name, ":") {
		return fmt.Errorf("user %q: expected a name without a colon, which ends the name in the file", name)
	}
	if role == Robot {
		return protocol.CheckName(name)
	}
	return protocol.CheckUser(name)
}

func checkRole(r Role) error {
	if r != Robot && !slices.Contains(roles, r) {
		return fmt.Errorf("role %q: expected viewer, tuner, operator or robot", r)
	}
	return nil
}

// Changed reads the file again if it has changed. The function that it returns reports whether a user was deleted or has another
// role or password than before. problem is a new problem with the file: each is returned once, by Changed or Check.
func (u *Users) Changed() (changed func(name string, before User) bool, problem error) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	problem = u.reload()
	all := u.all // it is replaced, never written
	return func(name string, before User) bool {
		now, there := all[name]
		return !there || now.Role != before.Role || !bytes.Equal(now.hash, before.hash)
	}, problem
}

// reload reads the file if it has changed. It returns an error only if that was not reported yet. The mutex is held.
func (u *Users) reload() error {
	err := u.refresh()
	switch {
	case err == nil:
		u.reported = ""
	case err.Error() != u.reported:
		u.reported = err.Error()
		return err
	}
	return nil
}

// Check checks a login from an address. It returns the user, and a new problem with the file: see Changed.
func (u *Users) Check(name, password, from string) (user User, ok bool, problem error) {
	quick := hmac.New(sha256.New, u.key)
	quick.Write([]byte(password))
	proof := quick.Sum(nil)

	u.mutex.Lock()
	problem = u.reload()
	user, known := u.all[name]
	proven := u.isProven(name, proof)
	full := u.total >= maxWaiting || u.waiting[from] >= maxWaitingHere
	if !proven && !full {
		u.total++
		u.waiting[from]++
	}
	u.mutex.Unlock()
	switch {
	case proven:
		return user, true, problem
	case full:
		return User{}, false, problem
	case !known:
		user.hash = []byte(dummyHash)
	}

	u.checking <- struct{}{}
	start, rest := time.Now(), time.Duration(0)
	u.mutex.Lock()
	ok = u.isProven(name, proof) // another login of this user was checked meanwhile
	u.mutex.Unlock()
	if !ok {
		ok = bcrypt.CompareHashAndPassword(user.hash, []byte(password)) == nil && known
	}
	if !ok {
		rest = restFactor * time.Since(start)
	}
	time.AfterFunc(rest, func() { <-u.checking })

	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.total--
	if u.waiting[from]--; u.waiting[from] == 0 {
		delete(u.waiting, from)
	}
	if now, there := u.all[name]; ok && there && bytes.Equal(now.hash, user.hash) { // otherwise the file has changed meanwhile
		u.proven[name] = proof
	}
	return user, ok, problem
}

// isProven reports whether the user has logged in with this password since the file was read. The mutex is held.
func (u *Users) isProven(name string, proof []byte) bool {
	before, there := u.proven[name]
	return there && hmac.Equal(before, proof)
}

// Check returns an error if a text is not a file of users. It keeps "fluxctl passwd" from overwriting another file that is named
// by mistake. A text without users is valid.
func Check(file string, text []byte) error {
	_, err := parseUsers(file, text)
	if errors.Is(err, errEmpty) {
		return nil
	}
	return err
}

// Set returns the text of a file of users with a user added, or with another role and password for the user. It keeps the rest of
// the text.
func Set(text []byte, name, password string, role Role) ([]byte, error) {
	if err := Valid(name, role); err != nil {
		return nil, err
	}
	if len(password) < 8 || len(password) > maxPassword {
		return nil, fmt.Errorf("password: expected 8 to %d bytes, got %d", maxPassword, len(password))
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return nil, err
	}
	return replaceUser(text, name, fmt.Sprintf("%s:%s:%s\n", name, role, hash)), nil
}

// Valid returns an error if there can be no user with this name and role.
func Valid(name string, role Role) error {
	if err := checkUser(name, role); err != nil {
		return err
	}
	return checkRole(role)
}

// RoleOf returns the role of a user in the text of a file of users, or false if there is no such user.
func RoleOf(text []byte, name string) (Role, bool) {
	all, err := parseUsers("", text)
	if err != nil {
		return "", false
	}
	one, known := all[name]
	return one.Role, known
}

// Delete returns the text of a file of users without a user.
func Delete(text []byte, name string) ([]byte, error) {
	without := replaceUser(text, name, "")
	if bytes.Equal(without, text) {
		return nil, fmt.Errorf("%q: no such user", name)
	}
	return without, nil
}

// replaceUser replaces the line of a user, or adds one at the end.
func replaceUser(text []byte, name, line string) []byte {
	var b bytes.Buffer
	done := false
	for l := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimSpace(l), []byte(name+":")) {
			if !done {
				b.WriteString(line)
				done = true
			}
			continue
		}
		b.Write(l)
		if l[len(l)-1] != '\n' {
			b.WriteByte('\n')
		}
	}
	if !done {
		b.WriteString(line)
	}
	return b.Bytes()
}
