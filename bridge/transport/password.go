package transport

import (
	"fmt"
	"os"
	"strings"

	"fluxd/files"
)

// Password returns the password in a file or an environment variable, or none if both names are empty. A robot file never
// contains a password, since it is copied and shown.
func Password(file, variable string) (string, error) {
	switch {
	case file != "":
		return ReadPassword(file)
	case variable != "":
		text, set := os.LookupEnv(variable)
		if !set {
			return "", fmt.Errorf("password_env: the environment variable %s is not set", variable)
		}
		return text, nil
	}
	return "", nil
}

// maxPassword is the largest file with a password, in bytes. MQTT allows passwords of 65,535 bytes.
const maxPassword = 64 << 10

// ReadPassword reads a password from a file, without the line end. It returns none for an empty name.
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
