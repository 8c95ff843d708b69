// Package links has the parts of a robot file that say how people and programs reach the robot: its broker (mqtt) and its page
// (dashboard). Package configs reads them, and checks them when the whole file is read:
//
//	robot.MQTT.Check(decoder)
//	robot.Dashboard.Check(decoder, robot.MQTT, robot.Board.Kind == "sim")
package links
