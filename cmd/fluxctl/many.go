package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/fleet"
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/internal/usage"
)

// many reports whether a command is for many robots.
func (s settings) many() bool { return s.all || s.match != "" }

// forMany marks a command that can be meant for many robots.
func forMany(c *cobra.Command) *cobra.Command {
	c.Annotations = map[string]string{"many": ""}
	return c
}

// checkMany returns an error if the flags do not say which robots a command is for, or if the command is for one robot only.
func (s *settings) checkMany(c *cobra.Command) error {
	_, can := c.Annotations["many"]
	s.in = c.InOrStdin()
	switch {
	case s.all && s.match != "":
		return errors.New("--all with --match: expected only one of them")
	case s.many() && s.robot != "":
		return errors.New("--robot with --all or --match: expected only one of them")
	case s.many() && !can && c.HasParent():
		return fmt.Errorf("%s is for one robot: expected --robot NAME instead of --all or --match", c.Name())
	}
	if _, err := fleet.Match(s.match); err != nil {
		return fmt.Errorf("--match %q: expected a pattern, such as 'rover*' or 'rover[1-3]': %w", s.match, err)
	}
	return nil
}

// sources returns the brokers at which to look for robots, and which robots count. They are the broker that is named, or those of
// all robots that are paired, and that of this machine.
func (s settings) sources() (all []fleet.Source, match func(string) bool, err error) {
	paired := s.paired()
	match, err = fleet.Match(s.match)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range inOrder(paired) {
		if !match(name) {
			continue
		}
		target, err := paired[name].Target(s.timeout)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, fleet.Source{Target: target, Robot: name})
	}
	secured, err := s.tls.Client()
	here := link.Target{URL: s.broker, TLS: secured, Patience: s.timeout}
	return append(all, fleet.Source{Target: here, Optional: len(paired) > 0}), match, err
}

func listCommand(s *settings) *cobra.Command {
	return forMany(&cobra.Command{
		Use:   "list",
		Short: "List all robots",
		Long: `list prints a line for each robot: whether it is there, whether it may move, the
version of its daemon, its address, and the age of the last health that it has
published. It listens for up to 3 s.

A robot is online if its health comes, offline if the broker has lost it, and
silent if neither is so: it hangs, or its network does. A paired robot is
unreachable if its broker does not answer.`,
		Example: `  fluxctl list
  fluxctl list --match 'rover*' --json`,
		Args: usage.Args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return listRobots(c.Context(), *s, c.OutOrStdout()) },
	})
}

// listRobots prints all robots.
func listRobots(ctx context.Context, s settings, out io.Writer) error {
	robots, err := gather(ctx, s, nil)
	if err != nil {
		return err
	}
	now := time.Now()
	if !s.json {
		return fleet.List(robots, now, out)
	}
	shown := []fleet.Shown{}
	for _, r := range robots {
		shown = append(shown, r.Show(now))
	}
	return printJSON(out, struct {
		Robots []fleet.Shown `json:"robots"`
	}{shown})
}

// gather finds all robots and calls then, if it is not nil, while their brokers are connected. It returns an error if there are
// none.
func gather(ctx context.Context, s settings, then func([]*fleet.Robot) error) ([]*fleet.Robot, error) {
	sources, match, err := s.sources()
	if err != nil {
		return nil, err
	}
	roster := fleet.Open(ctx, sources, fleet.Options{Match: match})
	defer roster.Close()
	if err := roster.Settle(ctx); err != nil {
		return nil, err
	}
	if n := roster.LeftOut(); n > 0 {
		fmt.Fprintf(s.warnings, "fluxctl: more than %d robots: others are left out\n", fleet.MaxRobots)
	}
	robots := roster.Robots()
	if len(robots) == 0 {
		return nil, roster.None()
	}
	if then != nil {
		err = then(robots)
	}
	return robots, err
}

// watchAll shows all robots.
func watchAll(ctx context.Context, s settings, out io.Writer) error {
	sources, match, err := s.sources()
	if err != nil {
		return err
	}
	return fleet.Watch(ctx, sources, match, openScreen(out, s), out, s.json)
}

// stopAll stops all robots.
func stopAll(ctx context.Context, s settings, out io.Writer) error {
	sources, match, err := s.sources()
	if err != nil {
		return err
	}
	verdicts, err := fleet.Stop(ctx, sources, match, s.warnings)
	if err != nil {
		return err
	}
	if s.json {
		err = printJSON(out, struct {
			Robots []fleet.Verdict `json:"robots"`
		}{verdicts})
	} else {
		err = fleet.PrintVerdicts(verdicts, out)
	}
	return errors.Join(err, fleet.Failed(verdicts))
}

// atOnce bounds how many robots are asked at the same time.
const atOnce = 32

// result is what became of a request to one of many robots, as --json prints it.
type result struct {
	Robot  string          `json:"robot"`
	Exit   int             `json:"exit"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *protocol.Error `json:"error,omitempty"`

	text, warnings string
}

// converseAll calls about for each robot that is asked for, and prints a line for each. A robot that fails does not keep the
// others from being asked. The exit code is the highest of all.
func converseAll(
	ctx context.Context, s settings, verb string, out io.Writer, about func(*remote, io.Writer) error,
) error {
	var results []result
	_, err := gather(ctx, s, func(robots []*fleet.Robot) error {
		if s.ask {
			if err := s.confirm(ctx, verb, robots); err != nil {
				return err
			}
		}
		results = make([]result, len(robots))
		var asked sync.WaitGroup
		places := make(chan struct{}, atOnce)
		for i, one := range robots {
			places <- struct{}{}
			asked.Go(func() { // each writes its own result
				results[i] = s.converseWith(one, verb, about)
				<-places
			})
		}
		asked.Wait()
		return nil
	})
	if err != nil {
		return err
	}
	worst, failed := outcome.OK, 0
	for _, r := range results {
		for line := range strings.Lines(r.warnings) {
			fmt.Fprintf(s.warnings, "fluxctl: %s: %s", r.Robot, strings.TrimPrefix(line, "fluxctl: "))
		}
		if r.Exit != outcome.OK {
			failed++
		}
		worst = max(worst, r.Exit)
		if !s.json {
			fmt.Fprintf(out, "%s: %s\n", r.Robot, r.text)
		}
	}
	if s.json {
		err = printJSON(out, struct {
			Robots []result `json:"robots"`
		}{results})
	}
	if worst != outcome.OK {
		summary := fmt.Errorf("%s: %d of %d robots did not do it", verb, failed, len(results))
		err = errors.Join(err, outcome.Failure{Exit: worst, Err: summary})
	}
	return err
}

// converseWith calls about for one of many robots.
func (s settings) converseWith(one *fleet.Robot, verb string, about func(*remote, io.Writer) error) result {
	var text, warnings bytes.Buffer
	err := one.Ready(time.Now())
	if err == nil {
		r := &remote{Broker: one.Broker, topics: one.Topics, version: one.Version(), protocol: one.Protocol(), shared: true,
			warnings: &warnings}
		if err = r.checkVersion(verb); err == nil {
			err = about(r, &text)
		}
	}
	done := result{Robot: one.Name, Exit: outcome.Code(err), warnings: warnings.String()}
	if err != nil {
		done.Error = shown(done.Exit, err).Error
		done.text = strings.ReplaceAll(usage.Text(err), "\n", "; ")
		return done
	}
	if s.json {
		done.Result = text.Bytes()
	}
	done.text = strings.ReplaceAll(strings.TrimSpace(text.String()), "\n", "; ")
	return done
}

// confirm asks on a terminal whether all robots are meant. Elsewhere it returns an error.
func (s settings) confirm(ctx context.Context, verb string, robots []*fleet.Robot) error {
	file, isFile := s.in.(*os.File)
	var names []string
	for _, r := range robots {
		names = append(names, r.Name)
	}
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return fmt.Errorf("%s of %d robots without a terminal: expected --yes; they are %s", verb, len(robots),
			strings.Join(names, ", "))
	}
	fmt.Fprintf(s.warnings, "%s %d robots: %s\nyes or no? ", verb, len(robots), strings.Join(names, ", "))
	answer := make(chan string, 1)
	go func() { // a read does not end with ctx
		line, _ := bufio.NewReader(file).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case line := <-answer:
		if line == "yes" || line == "y" {
			return nil
		}
	case <-ctx.Done():
	}
	return outcome.Failure{Exit: outcome.Refused, Err: fmt.Errorf("%s: not confirmed: no robot was asked", verb)}
}
