/**
 * This page as one of the listener's devices: tells what it plays, hears what the others play, and does what they ask.
 *
 * Only one device is active. When another becomes so, this one pauses; from then on it shows that one's queue, and tells the
 * server nothing about its own, until it plays again.
 */
import { useSyncExternalStore } from 'react'
import { api, apiUrl } from '../api/client'
import type { StoredQueue, Track } from '../api/types'
import { player } from '../engine'
import { deviceId, newId } from '../engine/ids'
import { elsewhere, MOST, wire } from '../engine/keep'
import { itemsOf } from '../engine/queue'
import { getState, sounding, subscribe, type QueueItem } from '../engine/store'
import { backoffMs, deviceKind, deviceName, nearest, type Asked, type Device, type Edited, type Heard, type Ordered, type Report, type TakeOver } from './protocol'

const PING_MS = 25_000
/** While playing, so that a page that goes unheard leaves a recent place. */
const REPORT_MS = 10_000
/** Without a word for so long after a ping, the connection is dead. */
const SILENCE_MS = 8_000
const GATHER_MS = 150
const FOLLOW_MS = 400
const JUMP_MS = 1_500
/** Tracks asked for one by one, where the stored queue has changed once more. */
const MOST_ASKED = 50
const TAB_KEY = 'segue.live'

const ENDED = 4401
const FOREIGN = 4403
const REPLACED = 4409

export interface Others {
  /** Null while not connected. */
  me: string | null
  devices: Device[]
}

let others: Others = { me: null, devices: [] }
const watchers = new Set<() => void>()

function set(change: Partial<Others>): void {
  others = { ...others, ...change }
  for (const watcher of watchers) watcher()
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

export function useDevices(): Others {
  return useSyncExternalStore(watch, () => others)
}

/** The active device, if it is not this one. */
export function otherOf({ me, devices }: Others): Device | null {
  return me === null ? null : (devices.find((device) => device.active && device.id !== me) ?? null)
}

/** A tab is a device of its own: two of one browser play one at a time as well. */
function tabId(anew: boolean): string {
  let tab: string | null = null
  try {
    tab = anew ? null : sessionStorage.getItem(TAB_KEY)
    tab ??= newId().slice(0, 8)
    sessionStorage.setItem(TAB_KEY, tab)
  } catch {
    tab ??= newId().slice(0, 8)
  }
  return `${deviceId()}.${tab}`.slice(0, 64)
}

class Live {
  private socket: WebSocket | null = null
  private id = ''
  private failures = 0
  private again: ReturnType<typeof setTimeout> | null = null
  private gathering: ReturnType<typeof setTimeout> | null = null
  private following: ReturnType<typeof setTimeout> | null = null
  private silence: ReturnType<typeof setTimeout> | null = null
  private beats: ReturnType<typeof setInterval>[] = []
  private told: (Report & { at: number }) | null = null
  private toldItems: QueueItem[] | null = null
  private editing: ReturnType<typeof setTimeout> | null = null
  private lastActive: string | null = null
  private release: (() => void)[] = []

  start(): void {
    if (this.release.length > 0) return
    this.id = tabId(false)
    const online = () => this.connect()
    window.addEventListener('online', online)
    this.release = [subscribe(() => this.noticed()), () => window.removeEventListener('online', online)]
    elsewhere.edited = () => this.edited()
    elsewhere.stored = () => this.noticed()
    this.connect()
  }

  stop(): void {
    for (const release of this.release) release()
    this.release = []
    const { socket } = this
    this.socket = null
    this.ended()
    socket?.close()
  }

  /** Asks the active device, or the one named by `to`. */
  ask(act: Exclude<Ordered['do'], 'seek' | 'volume' | 'queue'> | 'hand_over', to?: string): void {
    this.say({ type: 'command', do: act, ...(to ? { to } : {}) })
    this.ping()
  }

  /** A connection that lies dead (a laptop that slept, a network that went) is noticed, so that this page's buttons are its own again. */
  private ping(): void {
    this.say({ type: 'ping' })
    this.silence ??= setTimeout(() => {
      this.silence = null
      const { socket } = this
      if (!socket) return
      this.lost(1006)
      socket.close()
    }, SILENCE_MS)
  }

  private lost(code: number): void {
    this.socket = null
    this.ended()
    if (code === ENDED || code === FOREIGN) return
    if (code === REPLACED) this.id = tabId(true) // a duplicated tab has the id of its model
    this.again = setTimeout(() => this.connect(), backoffMs(this.failures))
    this.failures += 1
  }

  private connect(): void {
    if (this.socket || this.release.length === 0) return
    if (this.again !== null) clearTimeout(this.again)
    this.again = null
    const url = new URL(apiUrl('live'), location.href)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    const socket = new WebSocket(url)
    this.socket = socket
    socket.onopen = () => this.say({ type: 'hello', device_id: this.id, name: deviceName(navigator.userAgent), kind: deviceKind(navigator.userAgent) })
    socket.onmessage = ({ data }) => {
      if (this.socket === socket && typeof data === 'string') this.hear(JSON.parse(data) as Heard)
    }
    socket.onclose = ({ code }) => {
      if (this.socket === socket) this.lost(code)
    }
  }

  private ended(): void {
    const timers = [this.again, this.gathering, this.following, this.silence, this.editing]
    for (const timer of timers) if (timer !== null) clearTimeout(timer)
    this.again = this.gathering = this.following = this.silence = this.editing = null
    for (const beat of this.beats) clearInterval(beat)
    this.beats = []
    this.told = null
    this.lastActive = null
    elsewhere.active = elsewhere.any = false
    set({ me: null, devices: [] })
  }

  private say(message: Asked): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }

  private hear(message: Heard): void {
    if (this.silence !== null) clearTimeout(this.silence)
    this.silence = null
    switch (message.type) {
      case 'welcome':
        this.failures = 0
        this.beats = [setInterval(() => this.ping(), PING_MS), setInterval(() => this.beat(), REPORT_MS)]
        set({ me: message.device_id, devices: message.devices })
        this.activated()
        this.report()
        break
      case 'devices':
        set({ devices: message.devices })
        this.activated()
        break
      case 'now_playing': {
        const { playing, track_id, position_ms, volume, play_id } = message
        const state = { playing, track_id, position_ms, volume, play_id }
        set({ devices: others.devices.map((device) => (device.id === message.device_id ? { ...device, state } : device)) })
        break
      }
      case 'queue':
        this.followSoon()
        break
      case 'command':
        this.obey(message)
        break
      default:
    }
  }

  /** Pauses when another device has become the active one; hearing again of one that already was changes nothing. */
  private activated(): void {
    const active = others.devices.find((device) => device.active)?.id ?? null
    const other = otherOf(others)
    const changed = active !== this.lastActive
    this.lastActive = active
    elsewhere.any = others.devices.length > 1
    elsewhere.active = other !== null && !sounding()
    if (!changed || !other) return
    elsewhere.active = true
    player.pause()
    if (other.state?.play_id) player.handOver(other.state.play_id)
    this.followSoon()
  }

  private obey(order: Ordered): void {
    switch (order.do) {
      case 'play':
        player.play()
        break
      case 'pause':
        player.pause()
        break
      case 'next':
        player.next()
        break
      case 'previous':
        player.previous()
        break
      case 'seek':
        player.seek(order.position_ms)
        break
      case 'volume':
        player.setVolume(Math.min(1, Math.max(0, order.volume)))
        break
      case 'take_over':
        void this.takeOver(order)
        break
      case 'queue':
        void this.rearrange(order)
        break
      default:
    }
  }

  private edited(): void {
    this.editing ??= setTimeout(() => {
      this.editing = null
      const { queue: items, index } = getState()
      const { track_ids, index: at } = wire({ items, index, natural: null }, 0, MOST)
      if (elsewhere.active) this.say({ type: 'command', do: 'queue', track_ids, index: at })
    }, GATHER_MS)
  }

  private async rearrange({ queue: { track_ids, index } }: Edited): Promise<void> {
    const had = new Set(getState().queue.map((item) => item.track.id))
    const lacking = (known: Set<string>) => [...new Set(track_ids)].filter((id) => !had.has(id) && !known.has(id))
    let tracks: Track[] = []
    try {
      if (lacking(new Set()).length > 0) tracks = (await api.get<StoredQueue>('queue')).tracks ?? []
      const rest = lacking(new Set(tracks.map((track) => track.id))).slice(0, MOST_ASKED)
      tracks = [...tracks, ...(await Promise.all(rest.map((id) => api.get<Track>(`tracks/${id}`))))]
    } catch {
      // What is here can be put in order all the same.
    }
    if (!elsewhere.active) player.rearrange(track_ids, index, tracks)
  }

  private async takeOver({ track_id, position_ms, queue, play_id, played_ms }: TakeOver): Promise<void> {
    const at = performance.now()
    if (track_id === null) return
    const own = getState().queue
    let items = own
    let index = queue.index
    if (own.length !== queue.track_ids.length || own.some((item, place) => item.track.id !== queue.track_ids[place])) {
      try {
        const tracks = (await api.get<StoredQueue>('queue')).tracks ?? []
        index = nearest(
          tracks.map((track) => track.id),
          track_id,
          index,
        )
        items = itemsOf(index < 0 ? [await api.get<Track>(`tracks/${track_id}`)] : tracks)
        index = Math.max(0, index)
      } catch {
        return
      }
    }
    const source = others.devices.find((device) => device.active)
    const passed = performance.now() - at
    const late = source?.state?.playing ? passed : 0
    elsewhere.active = false
    player.adopt(items, index, position_ms + late, { playId: play_id, playedMs: played_ms + late })
  }

  /** Another device changed the queue: it is shown here too, unless this one plays. */
  private followSoon(): void {
    if (!elsewhere.active || this.following !== null) return
    this.following = setTimeout(() => {
      this.following = null
      if (this.editing === null) void this.follow()
      else this.followSoon()
    }, FOLLOW_MS)
  }

  private async follow(): Promise<void> {
    try {
      const { tracks = [], index, position_ms, changed_at } = await api.get<StoredQueue>('queue')
      if (!elsewhere.active || sounding() || tracks.length === 0) return
      if (this.editing !== null) return this.followSoon()
      const { queue } = getState()
      const same = queue.length === tracks.length && tracks.every((track, at) => queue[at]?.track.id === track.id)
      if (same && getState().index === index) return
      player.adopt(same ? queue : itemsOf(tracks), index, position_ms, null, changed_at)
    } catch {
      // The next change tells it again.
    }
  }

  private beat(): void {
    if (getState().status === 'playing') this.report()
  }

  /** A changed queue is told at once: who takes over just then is to wait until it is stored. */
  private noticed(): void {
    if (others.me === null || this.gathering !== null || !this.differs()) return
    const since = performance.now() - (this.told?.at ?? 0)
    const urgent = getState().queue !== this.toldItems && since > GATHER_MS
    this.gathering = setTimeout(
      () => {
        this.gathering = null
        if (this.differs()) this.report()
      },
      urgent ? 0 : GATHER_MS,
    )
  }

  private differs(): boolean {
    const { told } = this
    const now = this.now()
    if (!told || now.playing !== told.playing || now.track_id !== told.track_id || now.volume !== told.volume) return true
    if (now.play_id !== told.play_id || now.saved !== told.saved) return true
    const expected = told.position_ms + (told.playing ? performance.now() - told.at : 0)
    return Math.abs(now.position_ms - expected) > JUMP_MS
  }

  private report(): void {
    if (others.me === null) return
    const now = this.now()
    this.told = { ...now, at: performance.now() }
    this.toldItems = getState().queue
    if (now.playing) elsewhere.active = false
    this.say({ type: 'state', ...now })
  }

  /** Loading counts as playing for the active device only: another one starts with its first sound. */
  private now(): Report {
    const { status, current, volume, muted } = getState()
    const active = this.lastActive !== null && this.lastActive === others.me
    return {
      playing: status === 'playing' || (status === 'loading' && active),
      track_id: current?.track.id ?? null,
      position_ms: Math.max(0, Math.round(player.positionMs)),
      volume: muted ? 0 : volume,
      play_id: player.heard?.playId ?? null,
      played_ms: player.heard?.playedMs ?? 0,
      saved: player.stored,
    }
  }
}

export const live = new Live()

/** The buttons and keys of this page: while another device plays, they are that one's. Once it is paused, play goes on here. */
export const controls = {
  toggle(): void {
    if (playsElsewhere()) live.ask('pause')
    else if (isElsewhere()) live.ask('take_over')
    else player.toggle()
  },
  next(): void {
    if (isElsewhere()) live.ask('next')
    else player.next()
  },
  previous(): void {
    if (isElsewhere()) live.ask('previous')
    else player.previous()
  },
}

function isElsewhere(): boolean {
  return !sounding() && otherOf(others) !== null
}

function playsElsewhere(): boolean {
  return !sounding() && (otherOf(others)?.state?.playing ?? false)
}

/** Whether another device plays, and this one does not. */
export function usePlaysElsewhere(): boolean {
  return useSyncExternalStore(watch, () => otherOf(others)?.state?.playing ?? false)
}
