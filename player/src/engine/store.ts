/** What the player shows of itself: one value, replaced whole, watched by whoever wants a part of it. */
import { useCallback, useRef, useSyncExternalStore } from 'react'
import type { Preferences, QueueItem as BaseItem } from '../api/types'

/** `source` names the retriever behind an item that Segue appended. */
export interface QueueItem extends BaseItem {
  source?: string
}

export type Status = 'idle' | 'playing' | 'paused' | 'loading' | 'error'
export type Repeat = 'off' | 'all' | 'one'

/** `track`: when the one now playing ends. Else `endsAt` is a `Date.now()` instant. */
export type Sleep = { kind: 'track' } | { kind: 'time'; endsAt: number } | null

export interface PlayerState {
  current: QueueItem | null
  /** -1 when the queue is empty. */
  index: number
  queue: QueueItem[]
  status: Status
  positionMs: number
  durationMs: number
  /** 0..1 as the knob stands; the ear's curve is applied later. */
  volume: number
  muted: boolean
  shuffle: boolean
  repeat: Repeat
  sleep: Sleep
  /** What was missing from the last slate; empty when it was whole. */
  degraded: string[]
  /** What Segue has to say about the last slate, e.g. that there is no history yet. */
  notice: string | null
  /** Whether a slate is being asked for. */
  choosing: boolean
  /** Why the last track could not be played. */
  error: string | null
  /** Whether this browser is being sent something else than the file as it is. */
  transcoding: boolean
  /** Listening that leaves no trace in what Segue learns. */
  private: boolean
  autoplay: boolean
}

export const initial: PlayerState = {
  current: null,
  index: -1,
  queue: [],
  status: 'idle',
  positionMs: 0,
  durationMs: 0,
  volume: 0.8,
  muted: false,
  shuffle: false,
  repeat: 'off',
  sleep: null,
  degraded: [],
  notice: null,
  choosing: false,
  error: null,
  transcoding: false,
  private: false,
  autoplay: true,
}

/** Until the listener's own are read. */
export const usual: Preferences = {
  autoplay: true,
  discovery: 0.3,
  replaygain: 'track',
  crossfade_s: 0,
  max_bitrate_kbps: null,
  transcode_format: 'opus',
  theme: 'system',
}

let state = initial
const listeners = new Set<() => void>()

export function getState(): PlayerState {
  return state
}

/** Tells the watchers only if something differs. */
export function setState(change: Partial<PlayerState>): void {
  const keys = Object.keys(change) as (keyof PlayerState)[]
  if (keys.every((key) => Object.is(state[key], change[key]))) return
  state = { ...state, ...change }
  for (const listener of listeners) listener()
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The part of the player's state that `selector` takes; renders again only when that part differs (shallowly). */
export function usePlayer<T>(selector: (state: PlayerState) => T): T {
  const last = useRef<{ value: T } | null>(null)
  const read = useCallback(() => {
    const value = selector(state)
    if (last.current && same(last.current.value, value)) return last.current.value
    last.current = { value }
    return value
  }, [selector])
  return useSyncExternalStore(subscribe, read, read)
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const left = Object.entries(a)
  return left.length === Object.keys(b).length && left.every(([key, value]) => Object.is(value, (b as Record<string, unknown>)[key]))
}

/** Whether it plays, or is about to. */
export function sounding(): boolean {
  const { status } = state
  return status === 'playing' || status === 'loading'
}
