package pair

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// own gives a file its rights, and lets the robot read it. A file of root gets the group of the robot's user. Any other user runs
// the robot as well: nobody else may read the file, unless all may.
func (s *site) own(file string, mode os.FileMode) error {
	if os.Geteuid() != 0 {
		if mode&0o004 == 0 {
			mode &^= 0o070
		}
		return os.Chmod(file, mode)
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	owner, _ := ownerOf(info)
	if owner != 0 {
		return nil // who gave it an owner has given it its rights
	}
	uid, gid, known := 0, 0, false
	if gid, known = s.group(); !known { // without a service, the robot file's owner runs the robot
		uid, gid = s.runner()
	}
	if uid != 0 || known {
		if err := os.Chown(file, uid, gid); err != nil {
			return fmt.Errorf("%s: cannot let the user of the robot read it: %w", file, err)
		}
	}
	return os.Chmod(file, mode)
}

// group returns the group of the user as which the service runs, or false if there is no such user.
func (s *site) group() (gid int, known bool) {
	one, err := user.Lookup(s.service)
	if err != nil {
		return 0, false
	}
	gid, err = strconv.Atoi(one.Gid)
	return gid, err == nil
}

// runner returns the owner of the robot file.
func (s *site) runner() (uid, gid int) {
	info, err := os.Stat(s.robot)
	if err != nil {
		return 0, 0
	}
	return ownerOf(info)
}
