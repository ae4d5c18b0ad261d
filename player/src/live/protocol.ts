/** What is said on `/api/live` (docs/live.md), and small questions about it. */
import type { Id, Instant } from '../api/types'

export interface DeviceState {
  playing: boolean
  track_id: Id | null
  position_ms: number
  volume: number | null
  play_id: Id | null
}

/** What a device says of itself: what a hand-over needs, too. */
export interface Report extends DeviceState {
  played_ms: number
  saved: boolean
}

export interface Device {
  id: string
  name: string
  kind: string
  state: DeviceState | null
  active: boolean
}

export interface TakeOver {
  do: 'take_over'
  track_id: Id | null
  position_ms: number
  play_id: Id | null
  played_ms: number
  queue: { track_ids: Id[]; index: number }
}

/** The queue as another device changed it, for the one that plays. */
export interface Edited {
  do: 'queue'
  queue: { track_ids: Id[]; index: number }
}

export type Ordered =
  | TakeOver
  | Edited
  | { do: 'play' | 'pause' | 'next' | 'previous' }
  | { do: 'seek'; position_ms: number }
  | { do: 'volume'; volume: number }

export type Heard =
  | { type: 'welcome'; device_id: string; devices: Device[] }
  | { type: 'devices'; devices: Device[] }
  | ({ type: 'command'; from: string } & Ordered)
  | { type: 'queue'; changed_by: string; changed_at: Instant }
  | ({ type: 'now_playing'; device_id: string } & DeviceState)
  | { type: 'error'; message: string }
  | { type: 'pong' }

export type Asked =
  | { type: 'hello'; device_id: string; name: string; kind: string }
  | ({ type: 'state' } & Report)
  | { type: 'command'; do: Exclude<Ordered['do'], 'queue'> | 'hand_over'; to?: string }
  | { type: 'command'; do: 'queue'; track_ids: Id[]; index: number }
  | { type: 'ping' }

/** “Chrome on Linux”, from what a browser says of itself. */
export function deviceName(agent: string): string {
  const browsers: [RegExp, string][] = [
    [/Edg(e|A|iOS)?\//, 'Edge'],
    [/OPR\/|Opera/, 'Opera'],
    [/SamsungBrowser\//, 'Samsung Internet'],
    [/Firefox\/|FxiOS\//, 'Firefox'],
    [/Chrome\/|CriOS\/|Chromium\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ]
  const systems: [RegExp, string][] = [
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Android/, 'Android'],
    [/Windows/, 'Windows'],
    [/CrOS/, 'ChromeOS'],
    [/Mac OS X|Macintosh/, 'Mac'],
    [/Linux|X11/, 'Linux'],
  ]
  const browser = browsers.find(([pattern]) => pattern.test(agent))?.[1] ?? 'Browser'
  const system = systems.find(([pattern]) => pattern.test(agent))?.[1]
  return system ? `${browser} on ${system}` : browser
}

export function deviceKind(agent: string): string {
  return /iPhone|Android.*Mobile/.test(agent) ? 'phone' : /iPad|Android/.test(agent) ? 'tablet' : 'computer'
}

const FIRST_MS = 1_000
const LONGEST_MS = 60_000

/** Before the next attempt: doubling from a second to a minute, then anything from half of it to all of it. */
export function backoffMs(failures: number, random = Math.random): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10))
  return most / 2 + (most / 2) * random()
}

/** Where `id` is in `ids`, nearest to `index`; -1 where it is not. */
export function nearest(ids: readonly Id[], id: Id, index: number): number {
  let found = -1
  ids.forEach((each, at) => {
    if (each === id && (found < 0 || Math.abs(at - index) < Math.abs(found - index))) found = at
  })
  return found
}
