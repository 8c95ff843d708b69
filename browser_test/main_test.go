//go:build browser

package browser_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fluxd/bridge/broker"

	"github.com/chromedp/chromedp"
)

var (
	fluxd     = flag.String("fluxd", "../bin/fluxd", "program that runs the robots: make dashboard builds it")
	chromium  = flag.String("chromium", "chromium", "program of the browser")
	mosquitto = flag.String("mosquitto", "mosquitto", "program of the Mosquitto broker")
	pictures  = flag.String("pictures", os.TempDir(), "folder for a picture of each page on which a test failed")
	patience  = flag.Duration("patience", 2*time.Minute,
		"how long a test waits for an event. A failing test takes that long, a passing one does not")
)

// programs is what these tests need, and how to get it on Debian.
var programs = []struct {
	flag   *string
	remedy string
}{
	{fluxd, "run make dashboard, which builds it"},
	{chromium, "apt-get install --no-install-recommends chromium"},
	{mosquitto, "apt-get install mosquitto, and look for it in /usr/sbin"},
}

// browser is the context of the one browser of these tests. Each page has a separate profile in it.
var browser context.Context

// resolver says where the browser finds names. It never leaves this machine, and evil.example is a name that somebody points at
// it.
const resolver = "MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"

// TestMain runs the tests; or the broker of a robot that runs in a test's process.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == broker.Command {
		os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr))
	}
	if beCrowd() {
		return
	}
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser_test:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	for _, one := range programs {
		path, missing := exec.LookPath(*one.flag)
		if missing == nil {
			path, missing = filepath.Abs(path)
		}
		if missing != nil {
			err = errors.Join(err, fmt.Errorf("the tests of the dashboard need %s, which is not there: %s", *one.flag, one.remedy))
		}
		*one.flag = path
	}
	if err != nil {
		return 1, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(*chromium),
		chromedp.Flag("js-flags", "--expose-gc"),
		chromedp.Flag("host-resolver-rules", resolver))
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	defer closeAllocator()
	var closeBrowser context.CancelFunc
	browser, closeBrowser = chromedp.NewContext(allocator)
	defer closeBrowser()
	if err := chromedp.Do(browser); err != nil {
		return 1, fmt.Errorf("%s does not start: %w", *chromium, err)
	}
	code = m.Run()
	return code, chromedp.Cancel(browser)
}
