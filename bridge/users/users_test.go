package users

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"pgregory.net/rapid"

	"fluxd/bridge/protocol"
)

// patience bounds every wait of these tests. Nothing is expected to take that long.
const patience = 2 * time.Minute

// everyRole has all roles.
var everyRole = []Role{Viewer, Tuner, Operator, Robot}

// line returns a line of a file of users. Its hash is quick to make and to check.
func line(t *testing.T, name string, role Role, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s:%s:%s\n", name, role, hash)
}

// passwords returns the text of a file with a user of each role, whose password is the name twice.
func passwords(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, role := range everyRole {
		text.WriteString(line(t, string(role), role, string(role+role)))
	}
	return text.String()
}

// write creates or changes a file. Each time it makes the file a second newer, so that a coarse clock does not matter.
func write(t *testing.T, file, text string) {
	t.Helper()
	at := time.Now()
	if info, err := os.Stat(file); err == nil {
		at = info.ModTime().Add(time.Second)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

// load reads a new file with a text.
func load(t *testing.T, text string) (*Users, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "passwords")
	write(t, file, text)
	all, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return all, file
}

// receive waits for an answer, for a limited time.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case one := <-from:
		return one
	case <-time.After(patience):
		t.Fatal("no answer")
		panic("unreachable")
	}
}

// mayLogIn reports whether a user may log in, and has a role.
func mayLogIn(t *testing.T, all *Users, name, password string, role Role) bool {
	t.Helper()
	one, ok, problem := all.Check(name, password, "here")
	if problem != nil {
		t.Errorf("%s: %v", name, problem)
	}
	return ok && one.Role == role
}

// The verbs that each role may send. A new verb needs a row here.
func TestRoles(t *testing.T) {
	all := map[string][]Role{
		"describe":  {Viewer, Tuner, Operator},
		"get":       {Viewer, Tuner, Operator},
		"network":   {Viewer, Tuner, Operator},
		"world":     {Viewer, Tuner, Operator},
		"watch":     {Viewer, Tuner, Operator},
		"estop":     {Viewer, Tuner, Operator},
		"set":       {Tuner, Operator},
		"reset":     {Tuner, Operator},
		"save":      {Tuner, Operator},
		"load":      {Tuner, Operator},
		"reward":    {Tuner, Operator},
		"stimulate": {Tuner, Operator},
		"arm":       {Operator},
		"disarm":    {Operator},
		"drive":     {Operator},
		"sense":     {Operator},
		"place":     {Operator},
		"zero":      {Operator},

		"load_robot": {Operator},
	}
	verbs := Verbs()
	if !slices.IsSorted(verbs) {
		t.Errorf("not in order: %v", verbs)
	}
	if len(verbs) != len(all) {
		t.Errorf("the verbs are %v: expected %d", verbs, len(all))
	}
	for verb, may := range all {
		if !slices.Contains(verbs, verb) {
			t.Errorf("%s is missing in %v", verb, verbs)
		}
		if least, known := LeastRole(verb); !known || least != may[0] {
			t.Errorf("%s needs %q, %v: expected %s", verb, least, known, may[0])
		}
		for _, role := range append(everyRole, "", "king", "Operator") {
			if got, want := role.May(verb), slices.Contains(may, role); got != want {
				t.Errorf("%q may %s: %v, expected %v", role, verb, got, want)
			}
		}
	}
	for _, verb := range []string{"", "dance", "Get", "get ", "set/more", "+", "#", "may"} {
		if least, known := LeastRole(verb); known || least != "" {
			t.Errorf("%q needs %q", verb, least)
		}
		for _, role := range everyRole {
			if role.May(verb) {
				t.Errorf("%s may send %q, which is not a verb", role, verb)
			}
		}
	}
}

// A name that does not exist takes as long to check as one that does.
func TestDummyHash(t *testing.T) {
	cost, err := bcrypt.Cost([]byte(dummyHash))
	if err != nil || cost != bcrypt.DefaultCost {
		t.Errorf("cost %d, %v: expected %d as for users", cost, err, bcrypt.DefaultCost)
	}
	text, err := Set(nil, "ann", "a good password", Viewer)
	if err != nil {
		t.Fatal(err)
	}
	_, hash, _ := strings.Cut(strings.TrimSpace(string(text)), ":viewer:")
	if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != bcrypt.DefaultCost || len(hash) != len(dummyHash) {
		t.Errorf("a user's hash has cost %d, %v", cost, err)
	}
}

func TestCheck(t *testing.T) {
	all, _ := load(t, passwords(t)+"\n# a comment\n  "+line(t, "ärger", Viewer, "ünlucky"))
	for _, c := range []struct {
		name, password string
		role           Role // empty: must not log in
	}{
		{"viewer", "viewerviewer", Viewer},
		{"tuner", "tunertuner", Tuner},
		{"operator", "operatoroperator", Operator},
		{"robot", "robotrobot", Robot},
		{"ärger", "ünlucky", Viewer},
		{"viewer", "wrong", ""},
		{"viewer", "", ""},
		{"viewer", "viewerviewer ", ""},
		{"viewer", "tunertuner", ""},
		{"VIEWER", "viewerviewer", ""},
		{"stranger", "nobody", ""},
		{"", "", ""},
		{"viewer", strings.Repeat("x", 1<<16), ""},
	} {
		tries := 1
		if c.role != "" {
			tries = 2 // the second login is checked by another hash
		}
		for range tries {
			one, ok, problem := all.Check(c.name, c.password, "here")
			if ok != (c.role != "") || problem != nil || ok && one.Role != c.role {
				t.Errorf("%q with %.20q: %v as %q, %v: expected %q", c.name, c.password, ok, one.Role, problem, c.role)
			}
		}
	}
}

// A bounded number of logins may wait for a check, for each address and in all. Further ones are refused; later logins work. A
// user who has logged in before does not wait.
func TestFloodOfLoginsIsBounded(t *testing.T) {
	all, _ := load(t, passwords(t))
	check := func(when, name, from string, want Role) {
		t.Helper()
		one, ok, problem := all.Check(name, name+name, from)
		if ok != (want != "") || one.Role != want || problem != nil {
			t.Errorf("%s: %v as %q, %v: expected %q", when, ok, one.Role, problem, want)
		}
	}
	check("before the flood", "operator", "desk", Operator)
	all.checking <- struct{}{} // as if a login were being checked
	answers := make(chan bool, 1000)
	flood := func(number int, from string) {
		for range number {
			go func() { _, ok, _ := all.Check("viewer", "wrong", from); answers <- ok }()
		}
	}
	refused := func(number int) {
		t.Helper()
		for range number {
			if receive(t, answers) {
				t.Fatal("a wrong password is accepted")
			}
		}
	}
	flood(100, "here")
	refused(100 - maxWaitingHere) // the others wait
	check("from the same address", "viewer", "here", "")
	for i := range 100 {
		flood(1, fmt.Sprint("there ", i))
	}
	refused(100 - (maxWaiting - maxWaitingHere))
	check("while they wait", "viewer", "elsewhere", "")
	check("a user who has logged in before", "operator", "here", Operator)
	<-all.checking
	refused(maxWaiting)
	check("after the flood", "viewer", "here", Viewer)

	// A class may log in at once, all with the same correct password.
	for range maxWaitingHere {
		go func() { _, ok, _ := all.Check("tuner", "tunertuner", "class"); answers <- ok }()
	}
	for range maxWaitingHere {
		if !receive(t, answers) {
			t.Error("a correct password is refused")
		}
	}
	if len(all.waiting) != 0 || all.total != 0 {
		t.Errorf("%v still wait", all.waiting)
	}
}

// Changed reports users who were deleted or have another role or password.
func TestChangedFile(t *testing.T) {
	stays, other := line(t, "stays", Viewer, "stays, stays"), line(t, "promoted", Tuner, "a tuner's")
	all, file := load(t, stays+other+line(t, "gone", Viewer, "gone, gone")+line(t, "careful", Viewer, "the old one"))
	before := map[string]User{}
	for name, password := range map[string]string{
		"stays": "stays, stays", "promoted": "a tuner's", "gone": "gone, gone", "careful": "the old one",
	} {
		one, ok, err := all.Check(name, password, "here")
		if !ok || err != nil {
			t.Fatalf("%s: %v, %v", name, ok, err)
		}
		before[name] = one
	}
	expect := func(when string, want ...string) {
		t.Helper()
		changed, problem := all.Changed()
		if problem != nil {
			t.Errorf("%s: %v", when, problem)
		}
		for name, one := range before {
			if got := changed(name, one); got != slices.Contains(want, name) {
				t.Errorf("%s: %s has changed: %v", when, name, got)
			}
		}
	}
	expect("nothing was written")
	write(t, file, stays+other+line(t, "gone", Viewer, "gone, gone")+line(t, "careful", Viewer, "the old one"))
	expect("the same passwords with other hashes", "gone", "careful") // which the hashes do not show
	write(t, file, stays+strings.Replace(other, string(Tuner), string(Operator), 1)+
		line(t, "careful", Viewer, "the new one")+line(t, "late", Viewer, "late, late"))
	expect("after a change", "promoted", "gone", "careful")
	for _, c := range []struct {
		name, password string
		role           Role
		want           bool
	}{
		{"stays", "stays, stays", Viewer, true},
		{"promoted", "a tuner's", Operator, true},
		{"gone", "gone, gone", Viewer, false},
		{"careful", "the old one", Viewer, false}, // has logged in before
		{"careful", "the new one", Viewer, true},
		{"late", "late, late", Viewer, true},
	} {
		if got := mayLogIn(t, all, c.name, c.password, c.role); got != c.want {
			t.Errorf("%s with %q as %s: %v, expected %v", c.name, c.password, c.role, got, c.want)
		}
	}
	write(t, file, stays+other+line(t, "gone", Viewer, "gone, gone"))
	if mayLogIn(t, all, "late", "late, late", Viewer) {
		t.Error("a deleted user may log in, without a call of Changed")
	}
}

// With an invalid file the users read before stay valid. Each problem is reported once, by the first call of Changed or Check.
func TestInvalidFileChangesNothing(t *testing.T) {
	good := passwords(t)
	all, file := load(t, good)
	before, ok, err := all.Check("operator", "operatoroperator", "here")
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	folder := filepath.Join(filepath.Dir(file), "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, says string }{
		{"a role", "operator:king:x\n", `:1: role "king": expected viewer, tuner, operator or robot`},
		{"another role", good + "ann:queen:x\n", `:5: role "queen": expected viewer, tuner, operator or robot`},
		{"a hash", "operator:viewer:secret\n", ":1: the third part is not a bcrypt hash"},
		{"no users", "# all deleted\n", "there are no users"},
		{"cut off", good[:len(good)-20], ":4: the third part is not a bcrypt hash"},
		{"too long", good + strings.Repeat("#\n", MaxFile/2), "expected at most 1048576"},
		{"a line that is too long", good + strings.Repeat("#", 1<<17), "too long"},
		{"no file", "", "make it with 'fluxctl passwd"},
	} {
		if c.text == "" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, file, c.text)
		}
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: Load returns %v, expected %q", c.name, err, c.says)
		}
		changed, problem := all.Changed()
		if problem == nil || !strings.Contains(problem.Error(), c.says) {
			t.Errorf("%s: Changed returns %v, expected %q", c.name, problem, c.says)
		}
		if changed("operator", before) {
			t.Errorf("%s: the operator has changed", c.name)
		}
		for range 2 {
			if _, problem := all.Changed(); problem != nil {
				t.Errorf("%s: reported again: %v", c.name, problem)
			}
			for _, role := range []Role{Operator, Viewer} { // the first has logged in before, the second has not
				if !mayLogIn(t, all, string(role), string(role+role), role) {
					t.Errorf("%s: %s may not log in", c.name, role)
				}
			}
		}
	}
	write(t, file, good)
	if changed, problem := all.Changed(); problem != nil || changed("operator", before) {
		t.Errorf("the file is valid again: %v", problem)
	}
	write(t, file, "nobody\n")
	if _, _, problem := all.Check("operator", "operatoroperator", "here"); problem == nil {
		t.Error("Check does not report a mistake")
	}
	if _, err := Load(folder); err == nil || !strings.Contains(err.Error(), "expected a file") {
		t.Errorf("a folder: %v", err)
	}
}

// The file may change while many users log in. This is for the race detector.
func TestFileChangesDuringLogins(t *testing.T) {
	text := [2]string{}
	text[0] = passwords(t)
	text[1] = text[0] + line(t, "late", Viewer, "late, late")
	all, file := load(t, text[0])
	stop := make(chan struct{})
	var work sync.WaitGroup
	for _, name := range []string{"viewer", "tuner", "operator"} {
		work.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				one, ok, problem := all.Check(name, name+name, name)
				if !ok || one.Role != Role(name) || problem != nil {
					t.Errorf("%s: %v as %q, %v", name, ok, one.Role, problem)
					return
				}
				if changed, _ := all.Changed(); changed(name, one) {
					t.Errorf("%s has changed", name)
					return
				}
			}
		})
	}
	for i := range 100 {
		replacement := file + ".new"
		write(t, replacement, text[i%2])
		if err := os.Rename(replacement, file); err != nil { // as fluxctl passwd does it
			t.Fatal(err)
		}
		_, _ = all.Changed()
	}
	close(stop)
	work.Wait()
}

func TestPasswordFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":               "there are no users",
		"# none yet\n\n": "there are no users",
		"me\n":           "passwords:1: expected name:role:bcrypt hash",
		"me:viewer\n":    "passwords:1: expected name:role:bcrypt hash",
		":viewer:x\n":    `passwords:1: user "": expected one or more characters other than`,
		"a/b:viewer:x\n": `passwords:1: user "a/b": expected one or more characters other than / + # * > $, ` +
			`spaces and control characters`,
		"a b:viewer:x\n":    `passwords:1: user "a b": expected one or more characters other than`,
		"config:viewer:x\n": `passwords:1: user "config": robots use this word for values that no user has set`,
		strings.Repeat("a", protocol.MaxUser+1) + ":viewer:x\n": "65 bytes: expected at most 64",
		"# a\nme:king:x\n":   `passwords:2: role "king": expected viewer, tuner, operator or robot`,
		"me::x\n":            `passwords:1: role "": expected viewer, tuner, operator or robot`,
		"me:viewer:secret\n": "passwords:1: the third part is not a bcrypt hash",
		strings.Repeat("me:robot:"+dummyHash+"\n", 2): `passwords:2: user "me" is listed twice`,
	} {
		_, err := parseUsers("passwords", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		// Only a text without users, or with valid ones, may become a file of users.
		if mayBecome := want == "there are no users"; (Check("passwords", []byte(text)) == nil) != mayBecome {
			t.Errorf("%q: %v", text, Check("passwords", []byte(text)))
		}
	}
	if err := Check("passwords", []byte("me:robot:"+dummyHash+"\r\n\r\n")); err != nil {
		t.Errorf("line ends of Windows: %v", err)
	}
	if err := Check("notes", []byte("buy milk\n")); err == nil {
		t.Error("any text is accepted as a file of users")
	}
}

func TestSetAndDelete(t *testing.T) {
	text := []byte("# users\n")
	for _, c := range []struct {
		name, password string
		role           Role
	}{
		{"me", "correct horse", Tuner},
		{"you", "battery staple", Viewer},
		{"me", "another one", Operator}, // replaces the first
	} {
		var err error
		if text, err = Set(text, c.name, c.password, c.role); err != nil {
			t.Fatal(err)
		}
	}
	all, err := parseUsers("passwords", text)
	if err != nil || len(all) != 2 || all["me"].Role != Operator || all["you"].Role != Viewer ||
		!strings.HasPrefix(string(text), "# users\nme:operator:") {
		t.Errorf("%v, %v:\n%s", all, err, text)
	}
	if bcrypt.CompareHashAndPassword(all["me"].hash, []byte("another one")) != nil {
		t.Error("the new password is not in the file")
	}
	for _, secret := range []string{"horse", "staple", "another"} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("a password is in the file:\n%s", text)
		}
	}
	text, err = Delete(text, "me")
	if err != nil || strings.Contains(string(text), "me:") || !strings.Contains(string(text), "you:") {
		t.Errorf("%v:\n%s", err, text)
	}
	for _, name := range []string{"me", "yo", ""} {
		if same, err := Delete(text, name); err == nil || same != nil {
			t.Errorf("%q, which does not exist, was deleted", name)
		}
	}
	long := strings.Repeat("x", maxPassword)
	for _, c := range []struct {
		name, password string
		role           Role
	}{
		{"", "12345678", Viewer},
		{"a:b", "12345678", Viewer},
		{"a b", "12345678", Viewer},
		{"a\tb", "12345678", Viewer},
		{"a\nb", "12345678", Viewer},
		{"a\rb", "12345678", Viewer},
		{"a/b", "12345678", Robot},
		{"+", "12345678", Robot},
		{"#", "12345678", Robot},
		{"me", "short", Viewer},
		{"me", "", Viewer},
		{"me", long + "x", Viewer},
		{"me", "12345678", "king"},
		{"me", "12345678", ""},
	} {
		_, err := Set(nil, c.name, c.password, c.role)
		if err == nil || c.password != "" && strings.Contains(err.Error(), c.password) {
			t.Errorf("%q with %q as %q: %v", c.name, c.password, c.role, err)
		}
	}
	text, err = Set([]byte("# no end of line"), "me", long, Robot)
	if err != nil || !strings.HasPrefix(string(text), "# no end of line\nme:robot:") {
		t.Errorf("%v:\n%s", err, text)
	}
}

// Adding a user to a file and deleting it again keeps the rest of the file.
func TestRestOfTheFileStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]{1,3}`)
		rest := rapid.SliceOf(rapid.OneOf(
			rapid.Just(""),
			rapid.StringMatching(`# [a-z: ]{0,8}`),
			rapid.Map(name, func(n string) string { return n + ":viewer:" + dummyHash }),
		)).Draw(t, "lines")
		user := name.Draw(t, "user")
		others := slices.DeleteFunc(slices.Clone(rest), func(l string) bool { return strings.HasPrefix(l, user+":") })
		want := ""
		for _, l := range others {
			want += l + "\n"
		}
		with := replaceUser([]byte(strings.Join(rest, "\n")), user, user+":tuner:"+dummyHash+"\n")
		if n := bytes.Count(append([]byte("\n"), with...), []byte("\n"+user+":")); n != 1 {
			t.Fatalf("%q is listed %d times:\n%s", user, n, with)
		}
		without, err := Delete(with, user)
		if trailing := strings.TrimRight(string(without), "\n"); err != nil || trailing != strings.TrimRight(want, "\n") {
			t.Fatalf("%v, %q, want %q", err, without, want)
		}
	})
}
