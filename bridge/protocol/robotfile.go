package protocol

import (
	"fmt"
	"time"
)

// RobotFile says which robot file a robot runs: the answer to the verb load_robot.
type RobotFile struct {
	Own     string    `json:"own"`               // the file on the command line of fluxd
	Runs    *SentFile `json:"runs,omitempty"`    // the file that runs instead; nil: Own
	Trial   bool      `json:"trial"`             // Runs is on trial: unless it is confirmed, the robot returns to the file before
	Left    Seconds   `json:"left_s,omitempty"`  // of the trial
	Waits   *SentFile `json:"waits,omitempty"`   // is tried at the next start
	Last    string    `json:"last,omitempty"`    // how the last trial ended, for people
	Folder  string    `json:"folder"`            // on the robot, where the files are kept
	Restart bool      `json:"restart,omitempty"` // the robot starts again now
}

// SentFile is a robot file that a user has sent.
type SentFile struct {
	SHA256 string `json:"sha256"` // of its text, in hexadecimal digits
	By     string `json:"by"`     // the user, or Anonymous
	Time   int64  `json:"ts"`     // when it came, in milliseconds since 1970, by the robot's clock
}

// Mistake is one mistake in a robot file that a user has sent.
type Mistake struct {
	Line    int    `json:"line,omitempty"` // from 1; 0: unknown
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"` // of the key: "sensors.left_eye.address"
	Message string `json:"message"`
}

// MaxMistakes is how many mistakes an answer lists.
const MaxMistakes = 100

// CheckTime refuses a request that is older than its ttl_ms or MaxAge, or that comes from the future: it may have been prepared
// to act later.
func (r Request) CheckTime(now time.Time) *Error {
	clock, valid := now.UnixMilli(), min(r.TTL, MaxAge.Milliseconds())
	if clock-valid <= r.Time && r.Time <= clock+MaxAhead.Milliseconds() {
		return nil
	}
	return &Error{Code: Stale, Message: fmt.Sprintf("the request was sent at %s and is valid for %d ms, but the robot's clock "+
		"shows %s: it arrived too late, or the clocks differ (ts may be ahead by at most %v)",
		clockText(r.Time), valid, clockText(clock), MaxAhead)}
}

func clockText(milliseconds int64) string {
	return time.UnixMilli(milliseconds).UTC().Format("2006-01-02T15:04:05.000Z")
}
