// Dark or light, as the system says or as the user chooses.
import {computed, effect, signal} from './view.js'
import {recall, remember} from './memory.js'

export const themes = ['auto', 'dark', 'light']

export const theme = signal(themes.includes(recall('theme', 'auto')) ? recall('theme', 'auto') : 'auto')

const system = matchMedia('(prefers-color-scheme: dark)')
const systemDark = signal(system.matches)
system.addEventListener('change', () => { systemDark.value = system.matches })

// dark says which colours are on now: who draws on a canvas reads it, to draw again when it changes.
export const dark = computed(() => theme.value === 'dark' || theme.value === 'auto' && systemDark.value)

effect(() => {
	document.documentElement.dataset.theme = dark.value ? 'dark' : 'light'
	remember('theme', theme.value)
})

// colour returns a colour of app.css by name, such as 'spike', for a canvas.
export function colour(name) {
	dark.value
	return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}
