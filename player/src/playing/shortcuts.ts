/** Keys that work anywhere in the app, unless something nearer took them, or one is typing. */
import { useEffect, useSyncExternalStore } from 'react'
import { setLiked } from '../acts/acts'
import { standing } from '../acts/store'
import { player } from '../engine'
import { getState } from '../engine/store'
import { controls } from '../live'
import { go } from '../shell/navigation'
import { setPanel, togglePanel } from '../shell/panel'
import { cycleRepeat } from './Transport'

export const SHEET: { keys: string[]; what: string }[] = [
  { keys: ['Space'], what: 'Play or pause' },
  { keys: ['←', '→'], what: 'Five seconds back or on' },
  { keys: ['Shift ←', 'Shift →'], what: 'Previous or next track' },
  { keys: ['Shift ↑', 'Shift ↓'], what: 'Louder or softer' },
  { keys: ['M'], what: 'Mute' },
  { keys: ['S'], what: 'Shuffle' },
  { keys: ['R'], what: 'Repeat' },
  { keys: ['L'], what: 'Like' },
  { keys: ['Q'], what: 'Queue' },
  { keys: ['F'], what: 'Full view' },
  { keys: ['/'], what: 'Search' },
  { keys: ['?'], what: 'This sheet' },
  { keys: ['Alt ↑', 'Alt ↓'], what: 'In the queue: move the track' },
  { keys: ['Delete'], what: 'In the queue: remove the track' },
]

const SEEK_MS = 5_000
const VOLUME_STEP = 0.05
const OFF_KEY = 'segue.shortcuts'

interface Sheet {
  open: boolean
  enabled: boolean
}

let sheet: Sheet = { open: false, enabled: readEnabled() }
const listeners = new Set<() => void>()

function readEnabled(): boolean {
  try {
    return localStorage.getItem(OFF_KEY) !== 'off'
  } catch {
    return true
  }
}

function set(change: Partial<Sheet>): void {
  sheet = { ...sheet, ...change }
  for (const listener of listeners) listener()
}

export function openShortcuts(): void {
  set({ open: true })
}

export function closeShortcuts(): void {
  set({ open: false })
}

/** Single letters trouble those who speak their input; they can be turned off. */
export function enableShortcuts(enabled: boolean): void {
  try {
    localStorage.setItem(OFF_KEY, enabled ? 'on' : 'off')
  } catch {
    // Then until the page is left.
  }
  set({ enabled })
}

export function useSheet(): Sheet {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => sheet,
  )
}

export function useShortcuts(): void {
  useEffect(() => {
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

const TYPED = 'input:not([type=range], [type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable=true]'
const PRESSED = 'button, a[href], summary, input, [role=row], [role=option], [role^=menuitem], [role=tab]'
const ARROWED = 'input, select, [role=row], [role=grid], [role=menu], [role=listbox], [role=tablist], [role=radiogroup]'

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  const target = event.target instanceof Element ? event.target : document.body
  if (target.closest(TYPED)) return
  if (document.querySelector('dialog[open], [popover]:popover-open')) return
  const act = actFor(event, target)
  if (!act) return
  event.preventDefault()
  act()
}

function actFor(event: KeyboardEvent, target: Element): (() => void) | null {
  const { current, volume, muted, shuffle, repeat } = getState()
  if (event.key === 'Escape' && location.pathname.endsWith('/playing')) return leaveFull
  if (event.key === ' ') return target.closest(PRESSED) || !current ? null : controls.toggle
  if (event.key.startsWith('Arrow')) {
    const louder = event.key === 'ArrowUp'
    if (event.shiftKey) {
      if (target.closest('[role=grid]') && (louder || event.key === 'ArrowDown')) return null
      if (event.key === 'ArrowLeft') return controls.previous
      if (event.key === 'ArrowRight') return controls.next
      return () => player.setVolume(Math.min(1, Math.max(0, volume + (louder ? VOLUME_STEP : -VOLUME_STEP))))
    }
    if (target.closest(ARROWED) || !current) return null
    if (event.key === 'ArrowLeft') return () => player.seek(player.positionMs - SEEK_MS)
    if (event.key === 'ArrowRight') return () => player.seek(player.positionMs + SEEK_MS)
    return null
  }
  if (event.key === '?') return openShortcuts
  if (!sheet.enabled) return null
  if (event.key === '/') return focusSearch
  switch (event.key.toLowerCase()) {
    case 'm':
      return () => player.setMuted(!muted)
    case 's':
      return () => player.setShuffle(!shuffle)
    case 'r':
      return () => cycleRepeat(repeat)
    case 'q':
      return togglePanel
    case 'f':
      return toggleFull
    case 'l':
      return current ? () => setLiked('track', current.track, !standing(current.track).liked) : null
    default:
      return null
  }
}

function focusSearch(): void {
  const box = document.querySelector<HTMLInputElement>('input[type=search]')
  if (box && box.offsetParent !== null) {
    box.focus()
    box.select()
    return
  }
  go('/search')
  setTimeout(() => document.querySelector<HTMLInputElement>('input[type=search]')?.focus(), 150)
}

export function toggleFull(): void {
  if (location.pathname.endsWith('/playing')) leaveFull()
  else {
    setPanel(false)
    go('/playing')
  }
}

/** Back to where one came from; home if the full view was opened by its address. */
export function leaveFull(): void {
  if (history.length > 1 && (history.state as { idx?: number } | null)?.idx) history.back()
  else go('/')
}
