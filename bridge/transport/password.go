package transport

import (
	"fluxd/files"
	"fmt"
	"os"
	"strings"
)

// Password finds a password in a file or an environment variable; neither means none. It never stands in a robot file, which is copied and
// shown.
func Password(file, variable string) (string, error) {
	switch {
	case file != "":
		return ReadPassword(file)
	case variable != "":
		text, set := os.LookupEnv(variable)
		if !set {
			return "", fmt.Errorf("password_env: the environment has no %s", variable)
		}
		return text, nil
	}
	return "", nil
}

// maxPassword bounds a file that holds a password: MQTT can carry 65,535 bytes.
const maxPassword = 64 << 10

// ReadPassword reads a file that holds a password; without a file there is none.
func ReadPassword(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := files.Read(file, maxPassword)
	if err != nil {
		return "", fmt.Errorf("password_file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
