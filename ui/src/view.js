// The one import for panels: preact, its hooks, signals and html templates.
import {h, render, Fragment, createContext} from 'preact'
import {useEffect, useLayoutEffect, useRef, useState, useMemo, useCallback, useContext, useId} from 'preact/hooks'
import {signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect} from '@preact/signals'
import htm from 'htm'

export const html = htm.bind(h)

export {
	h, render, Fragment, createContext,
	useEffect, useLayoutEffect, useRef, useState, useMemo, useCallback, useContext, useId,
	signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect,
}
