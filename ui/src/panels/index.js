// The panels, in the order in which they stand before a user moves them.
import {panel as world} from './world.js'
import {panel as raster} from './raster.js'
import {panel as circuit} from './circuit.js'
import {panel as series} from './series.js'
import {panel as tuning} from './tuning.js'
import {panel as learning} from './learning.js'
import {panel as hand} from './hand.js'
import {panel as health} from './health.js'

export const panels = [world, raster, circuit, series, tuning, learning, hand, health]
