//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/chromedp/chromedp"
)

// password returns the password of a user of these tests.
func password(user string) string { return "the password of " + user }

// startWithUsers starts a robot at its own broker, which knows a user of each role, named after it.
func startWithUsers(t *testing.T, text string) *robot {
	t.Helper()
	var known []byte
	for _, role := range []users.Role{users.Viewer, users.Tuner, users.Operator} {
		var err error
		if known, err = users.Set(known, string(role), password(string(role)), role); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, known, 0o600); err != nil {
		t.Fatal(err)
	}
	at := places(t)[0]
	at.mqtt += ", passwords: '" + file + "'"
	return start(t, text, at)
}

// logIn fills in the form of the page as a person does.
func (p *page) logIn(user, password string) {
	p.t.Helper()
	p.see("form.login")
	for name, text := range map[string]string{"user": user, "password": password} {
		field := "form.login input[name=" + name + "]"
		eval[any](p, "("+first(field)+".value = '')")
		p.do(chromedp.SendKeys(chromedp.CSS(field), text))
	}
	p.press("form.login", "Log in")
}

// With users, the page asks who is there, and shows nothing before.
func TestLogin(t *testing.T) {
	r := startWithUsers(t, lightseeker(t))
	p := open(t, r.page)
	p.see("form.login")
	if eval[bool](p, "document.querySelector('[data-panel], .estop') != null") {
		t.Error("the page shows the robot before the login")
	}
	for _, wrong := range [][2]string{{"operator", "wrong"}, {"nobody", password("nobody")}, {"viewer", password("operator")}} {
		p.logIn(wrong[0], wrong[1])
		p.await("the page to refuse "+wrong[0], first("form.login [role=alert]")+"?.innerText")
		if eval[bool](p, first("[data-panel]")+" != null") {
			t.Errorf("with a wrong password of %s the page shows the robot", wrong[0])
		}
	}
	p.logIn("operator", password("operator"))
	p.awaitOnline()
	p.awaitState("armed")
	for _, store := range []string{"localStorage", "document.cookie"} {
		if kept := eval[string](p, "JSON.stringify("+store+")"); strings.Contains(kept, "password of") {
			t.Errorf("%s keeps the password: %s", store, kept)
		}
	}
	p.do(chromedp.Reload())
	p.awaitOnline() // the tab remembers
	another := open(t, r.page)
	another.see("form.login") // others do not
	p.press("header", "Log out operator")
	p.see("form.login")
	p.do(chromedp.Reload())
	p.see("form.login")
}

// sentVerbs returns the verbs of the requests that the page has sent, from the bytes on its WebSocket.
func (p *page) sentVerbs() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	verbs := map[string]int{}
	for _, frame := range p.sent {
		for _, found := range requestTopic.FindAllStringSubmatch(frame, -1) {
			verbs[found[1]]++
		}
	}
	return verbs
}

var requestTopic = regexp.MustCompile(`flux/[^/]+/req/([a-z]+)`)

// harmless are the requests that change nothing; and the emergency stop, which everybody may send.
var harmless = []string{"describe", "get", "watch", "network", "world", "estop"}

// operate uses every control of the page that is enabled, but those that stop the robot, leave the page or hide panels; and
// returns how many.
const operate = `(() => {
	let used = 0;
	const stays = e => !e.closest('form.login, nav, .title') && !e.matches('.estop') && !/^Log out/.test(e.innerText);
	for (const e of [...document.querySelectorAll('button, input, select, [role=button], [role=slider], [draggable=true]')].filter(stays)) {
		if (e.disabled || e.getAttribute('aria-disabled') == 'true' || !e.checkVisibility()) continue;
		used++;
		if (e.matches('input[type=range], input[type=number]')) {
			e.value = e.max || '7';
			for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind, {bubbles: true}));
		}
		for (const key of ['ArrowRight', 'Enter']) for (const kind of ['keydown', 'keyup'])
			e.dispatchEvent(new KeyboardEvent(kind, {key, bubbles: true, cancelable: true}));
		const b = e.getBoundingClientRect();
		for (const [kind, dx] of [['pointerdown', 0], ['pointermove', 9], ['pointerup', 9]]) e.dispatchEvent(new PointerEvent(kind,
			{pointerId: 1, isPrimary: true, bubbles: true, clientX: b.x + b.width / 2 + dx, clientY: b.y + b.height / 2}));
		e.click?.();
	}
	return used;
})()`

// A viewer can change nothing: not with the page, and not with messages made by hand.
func TestViewerCanDoNothing(t *testing.T) {
	r := startWithUsers(t, lightseeker(t))
	w := watch(t, r, "operator", password("operator"))
	before := map[string]protocol.Value{}
	remember := func() map[string]protocol.Value {
		all := map[string]protocol.Value{}
		var d protocol.Description
		w.latest("describe", &d)
		for _, one := range d.Parameters {
			all[one.Path] = w.parameter(one.Path)
		}
		return all
	}
	eventually(t, "all parameters", func() bool { return w.has("param/mqtt.telemetry") && w.has("tele/actuators") })
	before = remember()

	// The same controls work for an operator, so that this test would notice.
	for _, role := range []string{"operator", "viewer"} {
		p := open(t, r.page)
		p.logIn(role, password(role))
		p.awaitOnline()
		if role == "viewer" {
			p.await("the page to see that it may not arm", "!"+button("header", "Arm")+" || "+button("header", "Arm")+".disabled")
		}
		used := eval[int](p, operate)
		p.expect("") // the operator's controls may be refused
		verbs := p.sentVerbs()
		t.Logf("%s: %d controls, requests %v", role, used, verbs)
		harmful := slices.DeleteFunc(slices.Sorted(maps.Keys(verbs)), func(verb string) bool { return slices.Contains(harmless, verb) })
		if role == "viewer" && len(harmful) > 0 {
			t.Errorf("a viewer's page sends %v", harmful)
		}
		if role == "operator" {
			if !slices.Contains(harmful, "set") {
				t.Errorf("an operator's page sends only %v: this test uses no slider", harmful)
			}
			w.ask("disarm", protocol.Request{})
			w.ask("reset", protocol.Request{})
			w.ask("arm", protocol.Request{})
			eventually(t, "the values of the robot file", func() bool { return w.safety().State == "armed" })
			before = remember()
		}
		p.close()
	}

	address := strings.Replace(r.page, "http", "ws", 1) + "mqtt"
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(address).SetClientID("forger").SetUsername("viewer").
		SetPassword(password("viewer")).SetHTTPHeaders(http.Header{"Origin": {strings.TrimSuffix(r.page, "/")}}))
	if done := c.Connect(); done.WaitTimeout(*patience) && done.Error() != nil {
		t.Fatal(done.Error())
	}
	defer c.Disconnect(0)
	const path = "network.neurons.motor_l.threshold"
	for verb, body := range map[string]string{"set": `"set":{"` + path + `":7}`, "disarm": "", "arm": `"value":0`, "save": "",
		"drive": `"actuator":"left_wheel","value":1,"lease_ms":5000`, "stimulate": `"stimulate":{"motor_l":{"count":1}}`} {
		for _, topic := range []string{"req/" + verb, "req/" + verb + "/viewer", "req/" + verb + "/operator"} {
			id := strings.ReplaceAll(topic, "/", "-")
			text := fmt.Sprintf(`{"id":%q,"ts":%d,"ttl_ms":20000,%s}`, id, time.Now().UnixMilli(), body)
			c.Publish("flux/"+r.name+"/"+topic, 0, false, strings.Replace(text, ",}", "}", 1))
		}
	}
	if c.Publish("flux/"+r.name+"/param/"+path, 0, true,
		`{"v":7,"rev":9,"src":"operator"}`).WaitTimeout(*patience); !c.IsConnected() {
		t.Log("the broker has closed the forger's connection")
	}
	if answer := w.ask("get", protocol.Request{Paths: []string{path}}); answer.Values[path].V != before[path].V {
		t.Errorf("%s is %v", path, answer.Values[path].V)
	}
	still()
	for path, value := range remember() {
		if value != before[path] {
			t.Errorf("%s was %+v and is %+v", path, before[path], value)
		}
	}
	if got := w.safety().State; got != "armed" {
		t.Errorf("the robot is %s", got)
	}
	if m, found := w.find(func(m message) bool {
		var answer protocol.Response
		return strings.HasPrefix(m.topic, "res/") && json.Unmarshal(m.payload, &answer) == nil && strings.HasPrefix(answer.ID, "req-")
	}); found {
		t.Errorf("the robot answers the forger: %s %s", m.topic, m.payload)
	}
}
