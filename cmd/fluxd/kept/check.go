package kept

import (
	"fluxd/configs"
	"fluxd/files"
)

// Check finds names of kept files that must not be written: anything but a regular file, the robot file, or the same file
// twice. They are not locked either. A robot that kept its weights in /dev/null would replace the device for the whole machine.
func Check(config *configs.Robot) (mistakes configs.Errors) {
	check := func(path, name string) {
		if err := files.Replaceable(name); err != nil {
			mistakes = append(mistakes, config.Mistake(path, "%v, or the name of a file that does not exist yet", err))
		} else if same(name, config.Source) {
			mistakes = append(mistakes, config.Mistake(path, "%s is this robot file: expected another file", name))
		}
	}
	learnt, tuning := config.Learnt, config.Tuning
	if learnt != nil {
		check("learnt.file", learnt.File)
	}
	if tuning != nil {
		check("tuning.file", tuning.File)
	}
	if learnt != nil && tuning != nil && same(learnt.File, tuning.File) {
		mistakes = append(mistakes, config.Mistake("tuning.file", "%s is learnt.file, too: expected two different files", tuning.File))
	}
	return mistakes
}
