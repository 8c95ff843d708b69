package kept

import (
	"fluxd/configs"
	"fluxd/files"
)

// Check finds names of kept files that belong to something else: to anything but a regular file, to the robot file, to each other. They are not
// claimed: a robot that kept its weights in /dev/null would take the device away from the whole machine.
func Check(config *configs.Robot) (mistakes configs.Errors) {
	check := func(path, name string) {
		if err := files.Replaceable(name); err != nil {
			mistakes = append(mistakes, config.Mistake(path, "%v, or a name that nothing has yet", err))
		} else if same(name, config.Source) {
			mistakes = append(mistakes, config.Mistake(path, "%s is this robot file: expected a file of its own", name))
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
		mistakes = append(mistakes, config.Mistake("tuning.file", "%s is learnt.file, too: expected a file for each", tuning.File))
	}
	return mistakes
}
