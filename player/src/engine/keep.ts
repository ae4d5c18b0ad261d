/**
 * What survives a reload, and what follows the listener to another browser.
 *
 * The queue stands in the browser's store, the small things that change all the time (index, position, volume) in localStorage,
 * which can still be written as a page goes. The server has the queue too; its copy wins when another device changed it since
 * this one last agreed with it.
 */
import { api } from '../api/client'
import type { Id, Instant, StoredQueue } from '../api/types'
import { table } from './database'
import { sessionId } from './ids'
import { itemsOf, type Queue } from './queue'
import type { PlayerState, QueueItem, Repeat } from './store'

/** Written at every change of place. `playId` and `playedMs` let one playing go on after a reload. */
export interface Place {
  key: string | null
  index: number
  positionMs: number
  playId: string | null
  playedMs: number
  shuffle: boolean
  repeat: Repeat
  radio: Id[] | null
  /** What was passed over in this sitting. */
  skipped: Id[]
  sessionId: string
}

/** Of the listener's other devices, as `/api/live` tells of them. */
export const elsewhere = {
  /** Whether another one plays: then this one's place is nobody else's business, and its queue is that one's to change. */
  active: false,
  /** Whether there are any: then they are to know of a changed queue soon. */
  any: false,
  /** This one's queue was changed while another plays. */
  edited: (): void => undefined,
  /** What is stored is what this one plays, or no longer is. */
  stored: (): void => undefined,
}

export function placeOf(
  { current, index, shuffle, repeat }: PlayerState,
  playing: { begun: boolean; playId: string; playedMs: number } | null,
  autoplay: { radio: Id[] | null; skipped: Id[] },
  positionMs: number,
): Place {
  return {
    key: current?.key ?? null,
    index,
    positionMs: Math.round(positionMs),
    playId: playing?.begun ? playing.playId : null,
    playedMs: playing?.playedMs ?? 0,
    shuffle,
    repeat,
    radio: autoplay.radio,
    skipped: autoplay.skipped,
    sessionId: sessionId(),
  }
}

interface KeptQueue {
  name: string
  /** Which state of the queue this is; a place of a later one says that the last change was not stored any more. */
  revision: number
  items: QueueItem[]
  natural: string[] | null
}

interface Sync {
  /** The server's `changed_at` this browser last agreed with. */
  changedAt: Instant | null
  /** Something here was not taken by the server yet. */
  dirty: boolean
}

const QUEUE_MS = 1_500
const QUEUE_SOON_MS = 100
const PLACE_MS = 15_000
/** The server's copy: a longer queue is told around the current item. */
export const MOST = 1_000
const KEEPALIVE_IDS = 1_000

export interface Restored {
  queue: Queue
  positionMs: number
  place: Place | null
  stale?: boolean
}

export class Keeper {
  private user: string | null = null
  private revision = 0
  private savedItems: QueueItem[] | null = null
  private serverTimer: ReturnType<typeof setTimeout> | null = null
  private latest: { queue: Queue; positionMs: number } | null = null
  private lastSent = 0
  private storedItems: readonly QueueItem[] | null = null
  /** The items that the server's copy has, or last had. */
  told: readonly QueueItem[] = []

  /** Whether the server's queue is the one that was saved last. */
  get stored(): boolean {
    return this.latest === null || this.latest.queue.items === this.storedItems
  }

  /** What was here, or on the server if another device was later. */
  async start(user: string): Promise<Restored | null> {
    this.user = user
    const local = await this.readLocal(user)
    const sync = readJson<Sync>(`segue.sync.${user}`)
    let server: StoredQueue | null = null
    try {
      server = await api.get<StoredQueue>('queue')
    } catch {
      return local
    }
    const tracks = server.tracks ?? []
    const newer = server.changed_at !== null && server.changed_at > (sync?.changedAt ?? '')
    const ours = local && !local.stale && (sync?.dirty || !newer || sameQueue(local.queue, server))
    if (tracks.length === 0 || ours) return local
    writeJson(`segue.sync.${user}`, { changedAt: server.changed_at, dirty: false } satisfies Sync)
    // Tracks that went away shift the places of those behind them.
    const id = server.track_ids[server.index]
    const found = tracks.findIndex((track, at) => track.id === id && at >= server.index - (server.track_ids.length - tracks.length))
    const index = found < 0 ? Math.min(server.index, tracks.length - 1) : found
    const queue: Queue = { items: itemsOf(tracks), index, natural: null }
    return { queue, positionMs: found < 0 ? 0 : server.position_ms, place: null }
  }

  stop(): void {
    this.user = null
    if (this.serverTimer !== null) clearTimeout(this.serverTimer)
    this.serverTimer = null
    this.latest = this.savedItems = null
  }

  saveQueue(queue: Queue, positionMs: number): void {
    if (!this.user) return
    if (queue.items !== this.savedItems) void this.writeQueue(queue)
    this.tellServer(queue, positionMs, elsewhere.any ? QUEUE_SOON_MS : QUEUE_MS)
  }

  /** A queue that another device is to take up and to tell the server of. */
  proposeQueue(queue: Queue, place: Place): void {
    if (!this.user) return
    if (queue.items !== this.savedItems) void this.writeQueue(queue)
    this.writePlace(place)
  }

  savePlace(place: Place, queue: Queue): void {
    if (!this.user) return
    this.writePlace(place)
    if (!elsewhere.active && Date.now() - this.lastSent > PLACE_MS) this.tellServer(queue, place.positionMs, 0)
  }

  /** Another device's queue, as the server has it at `changedAt`: kept here, and not told back. */
  follow(queue: Queue, place: Place, changedAt: Instant | null): void {
    if (!this.user) return
    if (this.serverTimer !== null) clearTimeout(this.serverTimer)
    this.serverTimer = this.latest = null
    if (queue.items !== this.savedItems) void this.writeQueue(queue)
    this.writePlace(place)
    this.told = queue.items
    writeJson(`segue.sync.${this.user}`, { changedAt, dirty: false } satisfies Sync)
  }

  /** As the page goes. */
  leave(place: Place, queue: Queue): void {
    if (!this.user) return
    this.writePlace(place)
    if ((queue.items.length === 0 || elsewhere.active) && this.serverTimer === null) return
    this.latest = { queue, positionMs: place.positionMs }
    void this.put(true)
  }

  private tellServer(queue: Queue, positionMs: number, waitMs: number): void {
    this.latest = { queue, positionMs }
    const sync = readJson<Sync>(`segue.sync.${this.user}`)
    if (!sync?.dirty) writeJson(`segue.sync.${this.user}`, { changedAt: sync?.changedAt ?? null, dirty: true } satisfies Sync)
    this.serverTimer ??= setTimeout(() => {
      this.serverTimer = null
      void this.put(false)
    }, waitMs)
  }

  private async put(keepalive: boolean): Promise<void> {
    const { latest, user } = this
    if (!latest || !user) return
    this.lastSent = Date.now()
    const body = wire(latest.queue, latest.positionMs, keepalive ? KEEPALIVE_IDS : MOST)
    try {
      const answer = await api.put<StoredQueue | undefined>('queue', body, { keepalive })
      const still = this.latest !== latest
      this.storedItems = latest.queue.items
      this.told = stretch(latest.queue, keepalive ? KEEPALIVE_IDS : MOST).items
      writeJson(`segue.sync.${user}`, { changedAt: answer?.changed_at ?? new Date().toISOString(), dirty: still } satisfies Sync)
    } catch {
      // Still dirty: the next change, or the next page, tells it again.
    }
    elsewhere.stored()
  }

  private writePlace(place: Place): void {
    writeJson(`segue.place.${this.user}`, { ...place, revision: this.revision })
  }

  /** At once: a page may go the next moment. */
  private async writeQueue(queue: Queue): Promise<void> {
    this.savedItems = queue.items
    this.revision = Math.max(this.revision + 1, Date.now())
    const kept: KeptQueue = { name: `queue ${this.user}`, revision: this.revision, items: queue.items, natural: queue.natural }
    await (await table()).put('kept', [kept]).catch(() => undefined)
  }

  private async readLocal(user: string): Promise<Restored | null> {
    const kept = await (await table()).get<KeptQueue>('kept', `queue ${user}`).catch(() => undefined)
    if (!kept || !Array.isArray(kept.items) || kept.items.length === 0) return null
    const place = readJson<Place & { revision: number }>(`segue.place.${user}`)
    this.revision = kept.revision
    this.savedItems = kept.items
    const stale = place !== null && place.revision > kept.revision
    const byKey = kept.items.findIndex((item) => item.key === place?.key)
    const index = Math.min(kept.items.length - 1, Math.max(0, byKey < 0 ? (place?.index ?? 0) : byKey))
    return { queue: { items: kept.items, index, natural: kept.natural }, positionMs: byKey < 0 ? 0 : (place?.positionMs ?? 0), place, stale }
  }
}

/** The server's body: at most `most` tracks, those around the current one. */
export function wire(queue: Queue, positionMs: number, most: number): Pick<StoredQueue, 'track_ids' | 'index' | 'position_ms'> {
  const { from, items } = stretch(queue, most)
  return {
    track_ids: items.map((item) => item.track.id),
    index: Math.max(0, queue.index - from),
    position_ms: Math.max(0, Math.round(positionMs)),
  }
}

function stretch(queue: Queue, most: number): { from: number; items: QueueItem[] } {
  const from = Math.max(0, Math.min(queue.index - Math.floor(most / 4), queue.items.length - most))
  return { from, items: queue.items.slice(from, from + most) }
}

/** What a page told as it went comes back newer than what it could note down; it is this browser's own queue all the same. */
function sameQueue(queue: Queue, server: StoredQueue): boolean {
  return [MOST, KEEPALIVE_IDS].some((most) => {
    const own = wire(queue, 0, most)
    return own.index === server.index && own.track_ids.join() === server.track_ids.join()
  })
}

export function readJson<T>(key: string): T | null {
  try {
    const text = localStorage.getItem(key)
    return text ? (JSON.parse(text) as T) : null
  } catch {
    return null
  }
}

export function writeJson(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // A full or refused store: the page then forgets.
  }
}
