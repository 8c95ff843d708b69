//go:build browser

package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// stranger serves a page that is no robot's, as any site that a user of the robot visits.
func stranger(t testing.TB, body string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>stranger</title><link rel=icon href=data:,>", body)
	}))
	t.Cleanup(server.Close)
	return server
}

// knock opens a WebSocket from a page to an address, and returns what happened: "open" or "refused".
const knock = `new Promise(done => {
	const socket = new WebSocket(%q, 'mqtt');
	socket.onopen = () => { socket.close(); done('open') };
	socket.onerror = () => done('refused');
})`

// at returns the address of a robot's page under another name, and another scheme.
func (r *robot) at(scheme, host, path string) string {
	own, err := url.Parse(r.page)
	if err != nil {
		r.t.Fatal(err)
	}
	if host != "" {
		host += ":" + own.Port()
	} else {
		host = own.Host
	}
	return scheme + "://" + host + path
}

// A site that the user visits in the same browser can neither read the robot's messages nor send it requests.
func TestOtherSitesDoNotReachTheRobot(t *testing.T) {
	r := start(t, lightseeker(t), places(t)[0])
	dialog := func(address string) string { return fmt.Sprintf(knock, address) }

	own := open(t, r.page)
	if got := eval[string](own, dialog(r.at("ws", "", "/mqtt"))); got != "open" {
		t.Errorf("the WebSocket of the robot's own page: %s, or this test knocks wrongly", got)
	}
	server := stranger(t, "")
	other := openTab(t, server.URL+"/")
	for _, host := range []string{"", "localhost", "evil.example"} {
		if got := eval[string](other, dialog(r.at("ws", host, "/mqtt"))); got != "refused" {
			t.Errorf("a WebSocket from %s to %s: %s", server.URL, r.at("ws", host, "/mqtt"), got)
		}
	}
	read := fmt.Sprintf(`fetch(%q).then(r => r.text(), e => 'refused')`, r.at("http", "", "/robot.json"))
	if got := eval[string](other, read); got != "refused" {
		t.Errorf("%s reads %s: %s", server.URL, r.page, got)
	}

	framed := stranger(t, "<iframe src='"+r.page+"'></iframe>")
	frame := openTab(t, framed.URL+"/")
	eventually(t, "the browser to refuse the frame", func() bool {
		return strings.Contains(strings.Join(frame.faults(), "\n"), "frame-ancestors")
	})
}

// Somebody has pointed a name at the robot's address (DNS rebinding): for the browser the page is then their own.
func TestAnotherNameDoesNotReachTheRobot(t *testing.T) {
	r := start(t, lightseeker(t), places(t)[0])
	p := openTab(t, r.at("http", "evil.example", "/"))
	if title, shown := eval[string](p, "document.title"), eval[string](p, "document.body.innerText"); strings.Contains(shown,
		r.name) ||
		eval[bool](p, "document.querySelector('script') != null") {
		t.Errorf("under another name the robot shows %q: %q", title, shown)
	}
	if got := eval[string](p, fmt.Sprintf(knock, r.at("ws", "evil.example", "/mqtt"))); got != "refused" {
		t.Errorf("a WebSocket under another name: %s", got)
	}
	p.do(chromedp.Navigate(r.at("http", "localhost", "/")))
	p.await("the page under the name localhost", "document.querySelector('script') != null")

	for _, path := range []string{"/", "/app.js", "/app.css", "/robot.json", "/mqtt", "/nothing"} {
		for _, host := range []string{"evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", "192.0.2.1", ""} {
			request, err := http.NewRequest(http.MethodGet, r.at("http", "", path), nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			if host == "" {
				request.Header.Set("X-Forwarded-Host", "127.0.0.1")
				request.Host = "evil.example"
			}
			answer, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode < 400 || answer.StatusCode >= 500 {
				t.Errorf("%s with host %q: %s", path, host, answer.Status)
			}
		}
	}
}

// What the server allows the page.
func TestHeadersOfThePage(t *testing.T) {
	r := start(t, lightseeker(t), places(t)[0])
	for _, path := range []string{"/", "/app.js", "/app.css", "/robot.json"} {
		answer, err := http.Get(r.at("http", "", path))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		policy := answer.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "base-uri 'none'", "form-action 'none'",
			"frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: Content-Security-Policy %q: expected %s", path, policy, part)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: Content-Security-Policy %q", path, policy)
		}
		if got := answer.Header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", path, got)
		}
		if got := answer.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q", path, got)
		}
	}
}
