// Teaching by hand: reward, punish, freeze, save.
import {html, useState} from '../../view.js'
import {texts} from '../../texts.js'

const t = texts.learning

// Teach has the buttons for each reward of the robot file. counts is how many spikes each has sent since the start.
export function Teach({robot, rewards, counts}) {
	const [value, setValue] = useState('1')
	const [answer, setAnswer] = useState({})
	const allowed = robot.may('reward')
	const size = Number(value)
	const valid = value.trim() !== '' && Number.isFinite(size) && size > 0
	if (!rewards.length) return html`<p class="muted">${t.noRewards}</p>`
	const give = (reward, v) => robot.request('reward', {reward, value: v})
		.then(r => setAnswer({text: r.warning || t.given(reward, v, r.spikes ?? 0)}), error => setAnswer({text: error.message,
			refused: true}))
	return html`<div class="teach" role="group" aria-label=${t.teach}>
		<label>${t.value} <input type="number" min="0" step="any" value=${value} aria-invalid=${!valid}
			onInput=${e => setValue(e.currentTarget.value)} /></label>
		${rewards.map(name => html`<div key=${name} class="reward" data-reward=${name} data-for=${counts?.[name]?.for}
			data-against=${counts?.[name]?.against}>
			<strong>${name}</strong>
			<button type="button" class="for" disabled=${!allowed || !valid} title=${allowed ? '' : t.mayNot}
				aria-label=${t.rewardWith(name, value)}
				onClick=${() => give(name, size)}>${t.reward}</button>
			<button type="button" class="against" disabled=${!allowed || !valid} title=${allowed ? '' : t.mayNot}
				aria-label=${t.punishWith(name, value)}
				onClick=${() => give(name, -size)}>${t.punish}</button>
			<small>${counts?.[name] ? t.counts(counts[name].for, counts[name].against) : ''}</small></div>`)}
		<p role="status" class=${answer.refused ? 'refusal' : ''}>${!allowed ? t.mayNot : !valid ? t.badValue : answer.text}</p>
	</div>`
}

// Keep freezes what was learnt, saves it, and goes back to what was saved.
export function Keep({robot, learns}) {
	const [answer, setAnswer] = useState({})
	const frozen = robot.parameters.value.has('network.frozen') ? robot.parameter('network.frozen').value : null
	const isFrozen = frozen?.v === 1
	const say = (promise, done) => promise.then(r => setAnswer({text: r?.warning || done}),
		error => setAnswer({text: error.message, refused: true}))
	const button = (verb, text, done) => html`<button type="button" disabled=${!robot.may(verb)}
		title=${robot.may(verb) ? '' : t.mayNot}
		onClick=${() => say(robot.request(verb), done)}>${text}</button>`
	if (!learns && !frozen) return null
	return html`<div class="keep">
		${frozen && html`<button type="button" role="switch" aria-checked=${isFrozen} disabled=${!robot.may('set')}
			data-frozen=${frozen.v}
			title=${robot.may('set') ? t.frozenWhy : t.mayNot}
			onClick=${() => say(robot.set({'network.frozen': isFrozen ? 0 : 1}), isFrozen ? t.thawed : t.frozenNow)}>${t.frozen}</button>`}
		${learns && button('save', t.save, t.saved)}
		${learns && button('load', t.load, t.loaded)}
		<span role="status" class=${answer.refused ? 'refusal' : ''}>${answer.text}</span>
	</div>`
}
