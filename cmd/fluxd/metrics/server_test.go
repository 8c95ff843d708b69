package metrics_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fluxd/bridge/webserver"
	"fluxd/cmd/fluxd/metrics"
)

// robot is a robot whose faults a test sets.
type robot struct {
	faults atomic.Pointer[[]string]
	asked  atomic.Int64
}

func (r *robot) Snapshot() metrics.Snapshot {
	s := metrics.Snapshot{}
	s.Health.Safety.State = "armed"
	return s
}

func (r *robot) Faults(context.Context) []string {
	r.asked.Add(1)
	if all := r.faults.Load(); all != nil {
		return *all
	}
	return nil
}

func start(t *testing.T, r *robot, o metrics.Options) *metrics.Server {
	t.Helper()
	o.Robot = "rover"
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	s, err := metrics.Start(context.Background(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// get asks for a page, and returns the status and the text.
func get(t *testing.T, url string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(request)
	}
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func TestWhatIsServed(t *testing.T) {
	s := start(t, &robot{}, metrics.Options{Version: "v9"})
	for _, c := range []struct {
		path, method, host, says string
		status                   int
	}{
		{"metrics", "GET", "", `fluxd_state{robot="rover",state="armed"} 1`, 200},
		{"metrics?name[]=x", "GET", "", "fluxd_state", 200},
		{"metrics", "HEAD", "", "", 200},
		{"healthz", "GET", "", "ok\n", 200},
		{"", "GET", "", "fluxd v9, robot rover: /metrics", 200},
		{"other", "GET", "", "expected /metrics or /healthz", 404},
		{"metrics/", "GET", "", "expected /metrics or /healthz", 404},
		{"metrics", "POST", "", "expected GET or HEAD", 405},
		{"metrics", "DELETE", "", "expected GET or HEAD", 405},
		{"metrics", "GET", "evil.example", "metrics.hosts", 403},
		{"healthz", "GET", "evil.example:9101", "metrics.hosts", 403},
	} {
		answer, text := get(t, s.URL()+c.path, func(r *http.Request) {
			r.Method = c.method
			if c.host != "" {
				r.Host = c.host
			}
		})
		if answer.StatusCode != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s /%s of %q: %d, %q: want %d, %q", c.method, c.path, c.host, answer.StatusCode, text, c.status, c.says)
		}
		if kind := answer.Header.Get("Content-Type"); c.path == "metrics" && c.status == 200 &&
			kind != "text/plain; version=0.0.4; charset=utf-8" {
			t.Errorf("content type %q", kind)
		}
	}
}

// A robot with a fault is not well: 503, and a line for each reason, whatever the reason is made of.
func TestHealth(t *testing.T) {
	r := &robot{}
	r.faults.Store(&[]string{"sensor_stale: eye has no good reading", "emergency_stop: stopped by ann\nok\x1b[2J"})
	s := start(t, r, metrics.Options{})
	answer, text := get(t, s.URL()+"healthz", nil)
	if want := "sensor_stale: eye has no good reading\nemergency_stop: stopped by ann ok [2J\n"; answer.StatusCode != 503 ||
		text != want {
		t.Errorf("%d, %q: want 503, %q", answer.StatusCode, text, want)
	}
	r.faults.Store(nil)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) { // the answer holds for a second
		if answer, text := get(t, s.URL()+"healthz", nil); answer.StatusCode == 200 && text == "ok\n" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the fault stays")
		}
	}
}

// The control loop is asked once, however many ask whether the robot is well.
func TestAFloodOfQuestionsAsksTheLoopOnce(t *testing.T) {
	r := &robot{}
	s := start(t, r, metrics.Options{})
	begin := time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 3 {
				get(t, s.URL()+"healthz", nil)
			}
		})
	}
	all.Wait()
	if asked, most := r.asked.Load(), 1+int64(time.Since(begin)/time.Second); asked > most {
		t.Errorf("asked %d times in %v, want at most %d", asked, time.Since(begin), most)
	}
}

func TestTokens(t *testing.T) {
	s := start(t, &robot{}, metrics.Options{Token: "0123456789abcdef"})
	for header, status := range map[string]int{
		"": 401, "Bearer": 401, "Bearer wrong": 401, "0123456789abcdef": 401, "Basic 0123456789abcdef": 401,
		"Bearer 0123456789abcdef": 200, "bearer 0123456789abcdef": 200, "Bearer 0123456789abcdef0": 401,
	} {
		for _, path := range []string{"metrics", "healthz", ""} {
			answer, text := get(t, s.URL()+path, func(r *http.Request) {
				if header != "" {
					r.Header.Set("Authorization", header)
				}
			})
			if answer.StatusCode != status || strings.Contains(text, "0123456789") {
				t.Errorf("%q, /%s: %d, want %d: %s", header, path, answer.StatusCode, status, text)
			}
		}
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		options metrics.Options
		says    string
	}{
		{metrics.Options{Listen: "9101"}, "expected host:port"},
		{metrics.Options{Listen: "0.0.0.0:0"}, "can be reached from other machines"},
		{metrics.Options{Listen: ":0"}, "can be reached from other machines"},
		{metrics.Options{Listen: "0.0.0.0:0", Token: "0123456789abcdef"}, "expected a token and a certificate"},
		{metrics.Options{Listen: "127.0.0.1:0", Token: "short"}, "the token has 5 characters"},
		{metrics.Options{Listen: "127.0.0.1:0", TLS: webserver.TLS{Certificate: "c.pem"}}, "expected a certificate and its key"},
		{metrics.Options{Listen: "256.0.0.1:9", Insecure: true}, "cannot listen"},
	} {
		s, err := metrics.Start(context.Background(), &robot{}, c.options)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%+v: %v, want %q", c.options, err, c.says)
		}
	}
	s, err := metrics.Start(context.Background(), &robot{}, metrics.Options{Listen: "0.0.0.0:0", Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// hold connects and sends a text, and leaves the connection open until the end of the test.
func hold(t *testing.T, s *metrics.Server, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(s.URL(), "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// Clients that connect and do nothing, that ask and do not read, or that send a header without end take their own places and no
// more, and lose them: somebody else is answered afterwards.
func TestClientsThatMeanHarm(t *testing.T) {
	var log buffer
	s := start(t, &robot{}, metrics.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 40 {
		hold(t, s, "")
		hold(t, s, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ")
	}
	huge := hold(t, s, "")
	go func() { // ends when the server closes the connection
		for {
			if _, err := huge.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
				return
			}
		}
	}()
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if answer, err := client.Get(s.URL() + "metrics"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody is answered any more")
		}
	}
	s.Close() // it logs what was refused
	if !strings.Contains(log.String(), "too many connections") {
		t.Errorf("the log does not count what was refused:\n%s", log.String())
	}
}

// A flood of requests waits or is refused; what passes is answered in full.
func TestAFloodOfScrapes(t *testing.T) {
	s := start(t, &robot{}, metrics.Options{})
	c := hold(t, s, strings.Repeat("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 40))
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	for i := range 40 {
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode == 200 && !bytes.HasSuffix(text, []byte("\n")) {
			t.Fatalf("answer %d: %d, %v", i, answer.StatusCode, err)
		}
		if answer.StatusCode == http.StatusServiceUnavailable {
			return // refused, and the connection ends
		}
	}
}

// buffer is a log that several goroutines write.
type buffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

func Example() {
	s, err := metrics.Start(context.Background(), &robot{}, metrics.Options{Robot: "rover", Listen: "127.0.0.1:0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	answer, err := http.Get(s.URL() + "healthz")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	// Output: 200 OK
}
