// Package trial lets a robot try a robot file that was sent to it from afar, without danger: the file runs on trial, and unless
// an operator confirms it in time, the robot returns to the file before. The robot's own file, on the command line, is only read.
//
//	store, err := trial.Open("/var/lib/fluxd", "/etc/fluxd/robot.yaml")
//	err = store.Lock()
//	choice := store.Start(own)             // which file runs; it is on the disk by now that it is tried
//	config, err := choice.Parse(changes)
//	...
//	keeper := &trial.Keeper{Store: store, Choice: choice, Config: config, Check: check, Again: again}
//	err = daemon.Run(ctx, config, daemon.RunOptions{Loader: keeper, OnTrial: keeper.OnTrial, ...})
//	                                       // once it runs: go keeper.Watch(ctx, robot)
//
// Store decides and remembers, Keeper answers the verb load_robot while the robot runs, and Check finds the mistakes of a file,
// in a process for that alone.
package trial
