// Package browser tries the dashboard in a real browser: Debian's Chromium, without a window. make dashboard runs it.
//
// A test starts a robot (robot_test.go), opens its page as a person does (page_test.go), and reads the same messages through MQTT
// (watcher_test.go). What the page shows is compared with what MQTT says. Every page is held to the same at its end: no error on
// its console, no rule of its Content-Security-Policy broken, no request to elsewhere.
//
// The build tag browser keeps these tests out of go test ./..., which needs no browser.
package browser
