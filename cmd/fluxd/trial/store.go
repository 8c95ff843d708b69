package trial

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/kept"
	"fluxd/configs"
	"fluxd/core"
)

// A Store keeps the robot files that were sent to one robot, and a record of which one runs. All of it is in a folder in the
// robot's state directory. The robot's own file, which is on the command line, is only read.
//
// The record is the only place that decides. It is replaced as a whole, after everything that it refers to is on the disk. So a
// power cut between any two steps leaves the robot before the step or after it, and each step can be done again.
type Store struct {
	folder string
	own    string // the robot's own file: an absolute path, or the name of an example
	disk   disk
	lock   *kept.File
	record record
	there  bool // there is a record
}

// record is the content of the file recordName.
type record struct {
	Format int      `json:"format"`
	Path   string   `json:"path"`             // of the robot's own file
	Own    string   `json:"own_sha256"`       // of its text when the last file was sent
	Runs   *sent    `json:"runs,omitempty"`   // the file that runs instead: it was confirmed
	Before *before  `json:"before,omitempty"` // what Runs has replaced
	Next   *sent    `json:"next,omitempty"`   // waits for the next start, or is on trial
	Trial  bool     `json:"trial,omitempty"`  // Next was started
	Undo   []copied `json:"undo,omitempty"`   // of a trial: what the robot kept before it
	Why    string   `json:"why,omitempty"`    // of a trial: why it is over
	Last   string   `json:"last,omitempty"`   // how the last trial ended, for people
}

// sent is a file that a user has sent.
type sent struct {
	protocol.SentFile
	Replaces []string `json:"replaces,omitempty"` // absolute paths of the weights and values that the file before keeps
}

// name returns the name of the file's text in the folder.
func (f *sent) name() string { return fileMark + f.SHA256[:16] + ".yaml" }

// before is what a confirmed file has replaced.
type before struct {
	File   *sent    `json:"file,omitempty"` // nil: the robot's own
	Copies []copied `json:"copies,omitempty"`
}

// copied is a file of learnt weights or tuned values, as it was before a trial.
type copied struct {
	Name string `json:"name"`           // absolute
	Copy string `json:"copy,omitempty"` // its copy in the folder; "": there was no such file
}

const (
	format     = 1
	recordName = "record.json"
	fileMark   = "robot-"
	copyMark   = "kept-"
	maxRecord  = 1 << 20 // bytes
	// maxKept is the largest file of learnt weights or of tuned values, in bytes.
	maxKept = max(core.MaxSnapshot, configs.MaxSize)
)

// Sum returns the SHA-256 of a text in hexadecimal digits.
func Sum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Open opens the store of a robot. State is the robot's state directory, and own the name of its own file, as on the command
// line. It creates nothing. A record that cannot be read is an error; the store then has none.
func Open(state, own string) (*Store, error) { return open(state, own, real{}) }

func open(state, own string, d disk) (*Store, error) {
	if strings.ContainsAny(own, `./\`) {
		path, err := filepath.Abs(own)
		if err != nil {
			return nil, err
		}
		own = path
	}
	folder, err := filepath.Abs(filepath.Join(state, filepath.Base(own)+".loaded"))
	if err != nil {
		return nil, err
	}
	s := &Store{folder: folder, own: own, disk: d}
	return s, s.reload()
}

// reload reads the record.
func (s *Store) reload() error {
	s.record, s.there = record{}, false
	text, err := s.disk.read(s.recordFile(), maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var r record
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return fmt.Errorf("%s: not a record of robot files: %w", s.recordFile(), err)
	}
	if r.Format != format {
		return fmt.Errorf("%s: format %d: expected %d; another version of fluxd has written it: "+
			"use that one, or remove the folder", s.recordFile(), r.Format, format)
	}
	for _, f := range []*sent{r.Runs, r.Next} {
		if f != nil && len(f.SHA256) != 2*sha256.Size {
			return fmt.Errorf("%s: sha256 %q: expected %d digits", s.recordFile(), f.SHA256, 2*sha256.Size)
		}
	}
	if b := r.Before; b != nil && b.File != nil && len(b.File.SHA256) != 2*sha256.Size {
		return fmt.Errorf("%s: sha256 %q: expected %d digits", s.recordFile(), b.File.SHA256, 2*sha256.Size)
	}
	if r.Trial && r.Next == nil {
		return fmt.Errorf("%s: a trial without a file", s.recordFile())
	}
	if r.Path == s.own { // otherwise it belongs to another robot file of that name
		s.record, s.there = r, true
	}
	return nil
}

// Folder returns where the files are kept.
func (s *Store) Folder() string { return s.folder }

func (s *Store) recordFile() string { return filepath.Join(s.folder, recordName) }

// write replaces the record.
func (s *Store) write(r record) error {
	r.Format, r.Path = format, s.own
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := s.disk.write(s.recordFile(), append(text, '\n')); err != nil {
		return err
	}
	s.record, s.there = r, true
	s.tidy()
	return nil
}

// text returns the text of a file in the folder, if it is what was sent.
func (s *Store) text(f *sent) (configs.File, error) {
	name := filepath.Join(s.folder, f.name())
	text, err := s.disk.read(name, configs.MaxSize)
	if err == nil && Sum(text) != f.SHA256 {
		err = fmt.Errorf("%s: it is not what was sent: the disk may be damaged, or somebody has edited it", name)
	}
	return configs.File{Source: name, Text: text}, err
}

// Lock keeps other processes from using the store, until Close. It does nothing where nothing was ever sent.
func (s *Store) Lock() (err error) {
	if !s.there || s.lock != nil {
		return nil
	}
	s.lock, err = kept.Open(s.recordFile(), maxRecord)
	return err
}

// Close lets other processes use the store.
func (s *Store) Close() { s.lock.Close() }

// A Choice is the robot file that runs.
type Choice struct {
	configs.File
	Sent    *protocol.SentFile // nil: the robot's own
	OnTrial bool
	Ran     []configs.File // other files that may have run last: their actuators must come to failsafe, too
	News    []News         // what there is to report
}

// News is an event, and a line of the log.
type News struct {
	Code string `json:"code"` // of the kind
	Text string `json:"text"`
}

// Start decides which file runs, at the start of a robot, and writes that down before it returns:
//
//   - a file that waits is tried,
//   - a file that was on trial is not used any more, since nobody has confirmed it: the robot returns to the file before, and to
//     the weights and values that it kept then,
//   - if the robot's own file was edited since a file was sent, it runs.
//
// An error of the disk never keeps the robot from starting. Then the file from before runs, and the news say why.
func (s *Store) Start(own configs.File) Choice {
	r := s.record
	edited := s.there && Sum(own.Text) != r.Own
	c := Choice{}
	was := r.Runs
	switch {
	case !s.there:
	case r.Trial:
		why := r.Why
		if why == "" {
			why = "it ended without a confirmation: it crashed, was ended, or lost its power"
		}
		c.ran(s, own, r.Next)
		text := fmt.Sprintf("%s is not used any more: %s", describe(r.Next), why)
		err := s.putBack(r.Undo)
		if r.Next, r.Trial, r.Undo, r.Why, r.Last = nil, false, nil, "", text; edited {
			r.Runs, r.Before = nil, nil
		}
		if err == nil {
			err = s.write(r)
		}
		if err != nil {
			text += fmt.Sprintf("; what the robot kept before could not all be restored (%v): it is tried again at the next start", err)
		}
		c.report(protocol.RolledBack, text)
		if edited && was != nil {
			c.report(protocol.RobotFileEdited, describe(was)+" is not used any more, since "+s.own+" was edited")
		}
	case edited && (r.Runs != nil || r.Next != nil):
		for _, f := range []*sent{r.Next, r.Runs} {
			if f != nil {
				c.report(protocol.RobotFileEdited, describe(f)+" is not used any more, since "+s.own+" was edited")
			}
		}
		r.Runs, r.Before, r.Next, r.Last = nil, nil, nil, c.News[0].Text
		if err := s.write(r); err != nil {
			c.report(protocol.SaveFailed, err.Error())
		}
	case r.Next != nil:
		s.try(&c, own)
	}
	if !c.OnTrial {
		c.use(s, own, r.Runs)
	}
	if r.Runs != was {
		c.ran(s, own, was)
	}
	return c
}

// try starts the trial of the file that waits.
func (s *Store) try(c *Choice, own configs.File) {
	r := s.record
	f, err := s.text(r.Next)
	if err != nil {
		text := fmt.Sprintf("%s is not tried: %v", describe(r.Next), err)
		c.report(protocol.RolledBack, text)
		r.Next, r.Last = nil, text
		_ = s.write(r) // after an error the same follows at the next start
		return
	}
	if r.Undo, err = s.putAside(r.Next); err == nil {
		r.Trial = true
		err = s.write(r)
	}
	if err != nil {
		c.report(protocol.SaveFailed, fmt.Sprintf("%s is not tried: without a note on the disk it could not be rolled back: %v",
			describe(r.Next), err))
		return
	}
	c.ran(s, own, r.Runs)
	f.Folder = own.Folder
	c.File, c.Sent, c.OnTrial = f, &r.Next.SentFile, true
}

// use makes a file the one that runs; nil is the robot's own.
func (c *Choice) use(s *Store, own configs.File, f *sent) {
	c.File = own
	if f == nil {
		return
	}
	text, err := s.text(f)
	if err != nil {
		c.report(protocol.RolledBack, fmt.Sprintf("%s cannot be used: %v; the robot runs %s", describe(f), err, s.own))
		return
	}
	text.Folder = own.Folder
	c.File, c.Sent = text, &f.SentFile
}

// ran adds a file that may have run last; nil is the robot's own.
func (c *Choice) ran(s *Store, own configs.File, f *sent) {
	if f == nil {
		c.Ran = append(c.Ran, own)
	} else if text, err := s.text(f); err == nil {
		text.Folder = own.Folder
		c.Ran = append(c.Ran, text)
	}
}

func (c *Choice) report(kind protocol.EventKind, text string) {
	c.News = append(c.News, News{kind.Code(), text})
}

// describe names a file for people.
func describe(f *sent) string {
	return fmt.Sprintf("the robot file %s (sent by %s)", f.SHA256[:12], f.By)
}

// Running returns the file that a Start has chosen, from its text's sum; false without such a file.
func (s *Store) Running(own configs.File, sum string) (Choice, bool) {
	for _, f := range []*sent{s.record.Next, s.record.Runs} {
		if f == nil || f.SHA256 != sum || f == s.record.Next && !s.record.Trial {
			continue
		}
		var c Choice
		if c.use(s, own, f); c.Sent == nil {
			return c, false
		}
		c.OnTrial = f == s.record.Next
		return c, true
	}
	return Choice{File: own}, Sum(own.Text) == sum
}

// Last returns the files that may have run last, for a process that brings their actuators to failsafe.
func (s *Store) Last(own configs.File) []configs.File {
	var c Choice
	if s.record.Trial {
		c.ran(s, own, s.record.Next)
	}
	c.ran(s, own, s.record.Runs)
	return c.Ran
}

// Tried reports whether a file is on trial, by the record as it is on the disk now.
func (s *Store) Tried() bool { return s.reload() == nil && s.record.Trial }

// Word says for people which file runs instead of the robot's own; "" if that runs.
func (s *Store) Word(own []byte) string {
	r := s.record
	switch {
	case !s.there || Sum(own) != r.Own || r.Runs == nil && r.Next == nil:
		return ""
	case r.Trial:
		return describe(r.Next) + " is on trial instead of this one (" + s.folder + ")"
	case r.Next != nil:
		return describe(r.Next) + " is tried at the next start (" + s.folder + ")"
	}
	return describe(r.Runs) + " runs instead of this one (" + s.folder + "); it does so until this one is edited"
}

// putAside copies what the robot keeps.
func (s *Store) putAside(next *sent) (all []copied, err error) {
	for i, name := range next.Replaces {
		c := copied{Name: name}
		release, err := s.disk.lock(name)
		if err != nil {
			return nil, err
		}
		defer release() // until all are copied
		data, err := s.disk.read(name, maxKept)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			c.Copy = fmt.Sprintf("%s%s-%d", copyMark, next.SHA256[:16], i)
			if err := s.disk.write(filepath.Join(s.folder, c.Copy), data); err != nil {
				return nil, err
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// putBack gives the robot back what it kept.
func (s *Store) putBack(all []copied) error {
	var errs []error
	for _, c := range all {
		release, err := s.disk.lock(c.Name) // a robot that is still ending would write it again
		if err != nil {
			errs = append(errs, err)
			continue
		}
		defer release()
		if c.Copy == "" {
			errs = append(errs, s.disk.remove(c.Name))
			continue
		}
		data, err := s.disk.read(filepath.Join(s.folder, c.Copy), maxKept)
		if err == nil {
			err = s.disk.write(c.Name, data)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Keep keeps a file for the next start, in place of one that waits. Keeps are the absolute paths of the weights and values that
// the robot keeps now.
func (s *Store) Keep(text, own []byte, by string, now time.Time, keeps []string) error {
	f := &sent{SentFile: protocol.SentFile{SHA256: Sum(text), By: by, Time: now.UnixMilli()}, Replaces: slices.Compact(keeps)}
	if err := s.disk.folder(s.folder); err != nil {
		return err
	}
	if !s.there { // a record of another robot file, or one that cannot be read, is not replaced
		if err := s.reload(); err != nil {
			return err
		}
		if _, err := s.disk.read(s.recordFile(), maxRecord); err == nil && !s.there {
			return fmt.Errorf("%s belongs to another robot file of this name: give this one another state directory (fluxd run --state)",
				s.recordFile())
		}
	}
	if err := s.disk.write(filepath.Join(s.folder, f.name()), text); err != nil {
		return err
	}
	r := s.record
	r.Own, r.Next = Sum(own), f
	return s.write(r)
}

// Confirm keeps the file that is on trial.
func (s *Store) Confirm() error {
	r := s.record
	r.Before = &before{File: r.Runs, Copies: r.Undo}
	r.Last = describe(r.Next) + " was confirmed"
	r.Runs, r.Next, r.Trial, r.Undo, r.Why = r.Next, nil, false, nil, ""
	return s.write(r)
}

// Over notes why a trial is over. The next Start returns to the file before.
func (s *Store) Over(why string) error {
	const most = 500 // bytes
	r := s.record
	if r.Why != "" {
		return nil // the first reason counts
	}
	if why, _, _ = strings.Cut(why, "\n"); len(why) > most {
		why = strings.ToValidUTF8(why[:most], "") + "..."
	}
	r.Why = why
	return s.write(r)
}

// Withdraw forgets the file that waits.
func (s *Store) Withdraw() error {
	r := s.record
	r.Last = describe(r.Next) + " was withdrawn"
	r.Next = nil
	return s.write(r)
}

// Return has the next Start return from a confirmed file to the file before, with what the robot kept then: it ends the confirmed
// file as a trial ends.
func (s *Store) Return(why string) error {
	r := s.record
	r.Next, r.Trial, r.Why = r.Runs, true, why
	r.Runs = nil
	if b := r.Before; b != nil {
		r.Runs, r.Undo = b.File, b.Copies
	}
	r.Before = nil
	return s.write(r)
}
