// The robot by hand: drive an actuator, hold a reading, press a button, set a zero, make neurons spike.
import {html} from '../view.js'
import {Actuators} from '../drive.js'
import {Sensors} from '../pretend.js'
import {Stimulate} from '../stimulate.js'
import {texts} from '../texts.js'
import './hand.css'

const View = ({robot}) => html`<${Actuators} robot=${robot}/><${Sensors} robot=${robot}/><${Stimulate} robot=${robot}/>`

export const panel = {id: 'hand', title: texts.hand.title, available: () => true, View}
