package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// maxSecret is the longest line that Secret reads, in bytes.
const maxSecret = 8192

// Secret asks for each of the prompts on a terminal, without echo. Elsewhere it reads one line.
func Secret(ctx context.Context, in io.Reader, out io.Writer, prompts ...string) (typed []string, err error) {
	file, isFile := in.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, maxSecret)).ReadString('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		return []string{strings.TrimRight(line, "\r\n")}, nil
	}
	before, err := term.GetState(int(file.Fd()))
	if err != nil {
		return nil, err
	}
	for _, prompt := range prompts {
		fmt.Fprint(out, prompt)
		type line struct {
			text []byte
			err  error
		}
		read := make(chan line, 1)
		go func() { // ReadPassword blocks and does not end with ctx
			secret, err := term.ReadPassword(int(file.Fd()))
			read <- line{secret, err}
		}()
		select {
		case l := <-read:
			fmt.Fprintln(out)
			if l.err != nil {
				return nil, l.err
			}
			typed = append(typed, string(l.text))
		case <-ctx.Done():
			_ = term.Restore(int(file.Fd()), before) // turn the echo on again
			fmt.Fprintln(out)
			return nil, errors.New("interrupted: nothing was changed")
		}
	}
	return typed, nil
}
