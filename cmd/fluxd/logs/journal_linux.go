package logs

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// InJournal reports whether what is written to a file goes to systemd's journal. The environment names the file that does
// (systemd.exec(5), JOURNAL_STREAM); a program may have inherited the name and write elsewhere.
func InJournal(to io.Writer) bool {
	file, is := to.(*os.File)
	if !is {
		return false
	}
	info, err := file.Stat()
	if err != nil {
		return false
	}
	system, is := info.Sys().(*syscall.Stat_t)
	return is && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", system.Dev, system.Ino)
}
