// What the panels with a time axis share.
import {signal} from './view.js'

// The time under the pointer, in milliseconds since 1970 by the robot's clock, or null.
export const cursor = signal(null)

// The width of the time axes, in seconds: 0.1 to 60.
export const span = signal(10)

// The time at which the axes stand still, or null while they move on.
export const paused = signal(null)
