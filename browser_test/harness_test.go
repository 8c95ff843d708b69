//go:build browser

package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// What a page must not do is seen when it does it: otherwise the other tests would prove nothing.
func TestFaultsOfAPageAreSeen(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	for _, one := range []struct{ name, body, policy, fault string }{
		{"nothing", "<script>console.log('all is well')</script>", "", ""},
		{"an error on the console", "<script>console.error('broken', {a: 1})</script>", "", `on the console: "broken"`},
		{"an exception", "<script>undefined.x</script>", "", "on the console: Uncaught TypeError"},
		{"a rejected promise", "<script>Promise.reject(new Error('nobody waits'))</script>", "", "nobody waits"},
		{"a file that is not there", "<img src=missing.png>", "", "on the console: Failed to load resource"},
		{"a broken policy", "<script>document.body</script>", "default-src 'none'", "Content Security Policy"},
		{"a style in a string", "<p style='color: red'>x</p>", "default-src 'self'", "Content Security Policy"},
		{"a request to elsewhere", "<script>fetch('" + elsewhere.URL + "').catch(() => 0)</script>", "", "it asked for " +
			elsewhere.URL},
		{"a picture from elsewhere", "<img src='http://evil.example/x.png'>", "", "it asked for http://evil.example/x.png"},
		{"a WebSocket to elsewhere", "<script>new WebSocket('" + strings.Replace(elsewhere.URL, "http", "ws", 1) + "')</script>", "",
			"it asked for ws://"},
	} {
		t.Run(one.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "text/html")
				if one.policy != "" {
					w.Header().Set("Content-Security-Policy", one.policy)
				}
				fmt.Fprint(w, "<!doctype html><title>x</title><link rel=icon href=data:,>", one.body)
			}))
			defer server.Close()
			p := openTab(t, server.URL+"/")
			if one.fault == "" {
				p.await("the page to be there", "document.title == 'x'")
				if found := p.faults(); len(found) > 0 {
					t.Error(found)
				}
				return
			}
			eventually(t, one.fault, func() bool {
				return slices.ContainsFunc(p.faults(), func(found string) bool { return strings.Contains(found, one.fault) })
			})
		})
	}
}
