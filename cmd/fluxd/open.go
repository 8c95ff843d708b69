package main

import (
	"errors"
	"log/slog"
	"os/exec"
	"runtime"

	"fluxd/cmd/fluxd/machine"
)

// openers has the program that opens a URL in the user's browser, by operating system; elsewhere it is xdg-open.
var openers = map[string][]string{
	"darwin":  {"open"},
	"windows": {"rundll32", "url.dll,FileProtocolHandler"},
}

// openPage opens a URL in the user's browser, without waiting for it. A failure is logged: the robot runs on.
func openPage(url string, log *slog.Logger) {
	opener, known := openers[runtime.GOOS]
	if !known {
		opener = []string{"xdg-open"}
	}
	go func() {
		if err := openWith(opener, url); err != nil {
			log.Warn("cannot open the page: open it in a browser yourself", "page", url, "error", err)
		}
	}()
}

func openWith(opener []string, url string) error {
	if url == "" {
		return errors.New("the robot has no page: see dashboard in its file")
	}
	// The thread ends with the goroutine, so that nothing of the robot runs on it later.
	runtime.LockOSThread()
	if err := machine.LeaveRealtime(); err != nil {
		return err // a browser must not run before the rest of the machine
	}
	command := exec.Command(opener[0], append(opener[1:], url)...)
	command.SysProcAttr = apart() // ctrl-C in fluxd's terminal is not for the browser
	return command.Run()
}
