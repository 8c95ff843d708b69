package scaffold

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// errEnded is the end of the answers before the last question.
var errEnded = errors.New("the answers ended: nothing was written")

// longestAnswer bounds a line, in bytes: a file that is given for a terminal may have no end.
const longestAnswer = 4096

// Ask asks for every open choice: what there is to choose from, and in brackets what an empty answer takes. An answer is a number
// or a name, or its beginning. A wrong one is asked for again.
func (c *Choices) Ask(answers io.Reader, to io.Writer, f Found) error {
	lines := bufio.NewScanner(answers)
	lines.Buffer(nil, longestAnswer)
	return c.settle(f, func(q *Question, options []Option, usual string) (string, error) {
		fmt.Fprintf(to, "\n%s\n", q.Text)
		width := 0
		for _, o := range options {
			width = max(width, len(o.Name))
		}
		for i, o := range options {
			fmt.Fprintf(to, "  %d  %-*s  %s\n", i+1, width, o.Name, o.About)
		}
		for {
			fmt.Fprintf(to, "[%s] ", usual)
			if !lines.Scan() {
				fmt.Fprintln(to)
				return "", errors.Join(errEnded, lines.Err())
			}
			answer, err := pick(options, strings.TrimSpace(lines.Text()), usual)
			if err == nil {
				return answer, nil
			}
			fmt.Fprintln(to, err)
		}
	})
}

// pick finds the option that an answer means.
func pick(options []Option, answer, usual string) (string, error) {
	if answer == "" {
		return usual, nil
	}
	if n, err := strconv.Atoi(answer); err == nil {
		if n >= 1 && n <= len(options) {
			return options[n-1].Name, nil
		}
		return "", fmt.Errorf("%d: expected 1 to %d, or %s", n, len(options), names(options))
	}
	var meant []string
	for _, o := range options {
		if o.Name == strings.ToLower(answer) {
			return o.Name, nil
		}
		if strings.HasPrefix(o.Name, strings.ToLower(answer)) {
			meant = append(meant, o.Name)
		}
	}
	if len(meant) == 1 {
		return meant[0], nil
	}
	return "", fmt.Errorf("%.40q: expected 1 to %d, or %s", answer, len(options), names(options))
}
