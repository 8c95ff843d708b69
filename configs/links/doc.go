// Package links has the parts of a robot file that say how people and programs reach the robot: its broker (mqtt), its page
// (dashboard) and its metrics. Package configs reads them, and checks them when the whole file is read:
//
//	robot.MQTT.Check(decoder)
//	robot.Dashboard.Check(decoder, robot.MQTT, robot.Board.Kind == "sim")
//	robot.Metrics.Check(decoder, robot.MQTT, robot.Dashboard)
package links
