package main

import (
	"context"
	"fmt"
	"io"

	"fluxd/bridge/protocol"
)

// converse connects to the robot for as long as a conversation about a verb takes.
func converse(ctx context.Context, s settings, verb string, about func(*remote) error) error {
	r, err := connect(ctx, s, verb == stop)
	if err != nil {
		return err
	}
	defer r.close()
	return about(r)
}

// ask makes a request and prints what came of it: the answer as JSON, or what told makes of it.
func ask(ctx context.Context, s settings, verb string, request protocol.Request, out io.Writer, told func(protocol.Response) string) error {
	return converse(ctx, s, verb, func(r *remote) error {
		response, err := r.request(ctx, verb, request)
		if err != nil {
			return err
		}
		if s.json {
			return printJSON(out, response)
		}
		_, err = fmt.Fprintln(out, told(response))
		return err
	})
}

// order asks for something that has no answer but that it was done.
func order(ctx context.Context, s settings, verb, done string, out io.Writer) error {
	return ask(ctx, s, verb, protocol.Request{}, out, func(protocol.Response) string { return done })
}
