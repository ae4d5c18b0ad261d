/**
 * The queue as a value. Every operation gives a new queue; none of them knows of sound or of the server.
 *
 * `items` is the order that is played. While shuffled, `natural` keeps the keys in the order they were given, so that turning
 * shuffle off puts everything back. `index` points at the current item, -1 when there is none.
 */
import type { EventContext, Track } from '../api/types'
import type { QueueItem, Repeat } from './store'

export interface Queue {
  items: QueueItem[]
  index: number
  natural: string[] | null
}

export type Random = () => number

export const empty: Queue = { items: [], index: -1, natural: null }

/** More than this is cut: nobody listens to it, and every reload carries it. */
export const LONGEST = 20_000

let counter = 0

/** A key that no other item of any tab has. */
export function newKey(): string {
  counter += 1
  return `${Date.now().toString(36)}-${counter.toString(36)}-${Math.random().toString(36).slice(2, 7)}`
}

export function itemsOf(tracks: readonly Track[], context: EventContext | null = null, origin: QueueItem['origin'] = 'chosen'): QueueItem[] {
  return tracks.map((track) => ({ key: newKey(), track, context, origin }))
}

/** A new queue. With `shuffled` the chosen item comes first and the rest in random order. */
export function replace(items: QueueItem[], index: number, shuffled: boolean, random: Random = Math.random): Queue {
  const from = items.length > LONGEST ? Math.max(0, Math.min(index, items.length - LONGEST)) : 0
  const kept = items.slice(from, from + LONGEST)
  if (kept.length === 0) return empty
  const at = clamp(index - from, 0, kept.length - 1)
  if (!shuffled) return { items: kept, index: at, natural: null }
  const [first, rest] = [kept[at] as QueueItem, kept.filter((_, each) => each !== at)]
  return { items: [first, ...mix(rest, random)], index: 0, natural: kept.map((item) => item.key) }
}

/** What `ids` say, of the items at hand as far as they have them, else of `tracks`; what neither has is left out. */
export function rearranged(items: readonly QueueItem[], ids: readonly string[], tracks: readonly Track[]): QueueItem[] {
  const mine = new Map<string, QueueItem[]>()
  for (const item of items) mine.set(item.track.id, [...(mine.get(item.track.id) ?? []), item])
  const known = new Map(tracks.map((track) => [track.id, track]))
  return ids.flatMap((id) => {
    const item = mine.get(id)?.shift()
    const track = known.get(id)
    return item ? [item] : track ? itemsOf([track]) : []
  })
}

/**
 * The queue with `items` in place of those another device was `told` of, a stretch of it. The current item stays current; where it is
 * gone, the one at `index` of `items` is, and where nothing is left, it alone. A queue that has none of those is another by now, and stays.
 */
export function replaceTold(queue: Queue, told: readonly QueueItem[], items: QueueItem[], index: number): Queue {
  const keys = new Set(told.map((item) => item.key))
  const from = queue.items.findIndex((item) => keys.has(item.key))
  if (from < 0) return queue
  const to = queue.items.findLastIndex((item) => keys.has(item.key)) + 1
  const all = [...queue.items.slice(0, from), ...items, ...queue.items.slice(to)]
  if (all.length === 0) return clear(queue, true)
  const has = new Set(all.map((item) => item.key))
  const natural = queue.natural?.filter((key) => has.delete(key))
  const at = all.findIndex((item) => item.key === queue.items[queue.index]?.key)
  return { items: all, index: at >= 0 ? at : clamp(from + index, 0, all.length - 1), natural: natural ? [...natural, ...has] : null }
}

export function append(queue: Queue, items: QueueItem[]): Queue {
  const room = items.slice(0, Math.max(0, LONGEST - queue.items.length))
  if (room.length === 0) return queue
  return {
    items: [...queue.items, ...room],
    index: queue.index < 0 ? 0 : queue.index,
    natural: queue.natural && [...queue.natural, ...room.map((item) => item.key)],
  }
}

/** What Segue appended gives way to what was chosen: `items` come before it. */
export function appendBeforeOwn(queue: Queue, items: QueueItem[]): Queue {
  const firstOwn = queue.items.findIndex((item, index) => index > queue.index && item.origin !== 'chosen')
  if (firstOwn < 0 || queue.natural) return append(queue, items)
  return { ...queue, items: insert(queue.items, firstOwn, items) }
}

/** Right after the current item, in the natural order too. */
export function insertNext(queue: Queue, items: QueueItem[]): Queue {
  if (queue.index < 0) return append(queue, items)
  const room = items.slice(0, Math.max(0, LONGEST - queue.items.length))
  const keys = room.map((item) => item.key)
  const currentKey = queue.items[queue.index]?.key
  return {
    items: insert(queue.items, queue.index + 1, room),
    index: queue.index,
    natural: queue.natural && insert(queue.natural, queue.natural.indexOf(currentKey ?? '') + 1, keys),
  }
}

/** Without the item at `at`. If that was the current one, the next takes its place (or the last, at the end). */
export function removeAt(queue: Queue, at: number): Queue {
  const gone = queue.items[at]
  if (!gone) return queue
  const items = queue.items.filter((_, index) => index !== at)
  if (items.length === 0) return empty
  return {
    items,
    index: clamp(at < queue.index ? queue.index - 1 : queue.index, 0, items.length - 1),
    natural: queue.natural && queue.natural.filter((key) => key !== gone.key),
  }
}

/** Takes the item at `from` and puts it so that it stands at `to`. The current item stays current. */
export function move(queue: Queue, from: number, to: number): Queue {
  const item = queue.items[from]
  const goal = clamp(to, 0, queue.items.length - 1)
  if (!item || from === goal) return queue
  const currentKey = queue.items[queue.index]?.key
  const items = insert(
    queue.items.filter((_, index) => index !== from),
    goal,
    [item],
  )
  return { items, index: items.findIndex((each) => each.key === currentKey), natural: queue.natural }
}

/** Only the current item is left, if there is one and `keepCurrent`. */
export function clear(queue: Queue, keepCurrent: boolean): Queue {
  const current = queue.items[queue.index]
  return keepCurrent && current ? { items: [current], index: 0, natural: queue.natural && [current.key] } : empty
}

/** What was played and what plays stay where they are; only what is to come is mixed. */
export function shuffle(queue: Queue, random: Random = Math.random): Queue {
  if (queue.natural) return queue
  return {
    items: [...queue.items.slice(0, queue.index + 1), ...mix(queue.items.slice(queue.index + 1), random)],
    index: queue.index,
    natural: queue.items.map((item) => item.key),
  }
}

/** Back to the order given; the current item stays current. */
export function unshuffle(queue: Queue): Queue {
  if (!queue.natural) return queue
  const place = new Map(queue.natural.map((key, index) => [key, index]))
  const currentKey = queue.items[queue.index]?.key
  const items = [...queue.items].sort((a, b) => (place.get(a.key) ?? Infinity) - (place.get(b.key) ?? Infinity))
  return { items, index: items.findIndex((item) => item.key === currentKey), natural: null }
}

/** Which index follows. `by` is `end` when the track ran out: repeating one is for that only. Null: nothing follows. */
export function following(queue: Queue, repeat: Repeat, by: 'end' | 'press'): number | null {
  if (queue.index < 0) return null
  if (repeat === 'one' && by === 'end') return queue.index
  if (queue.index + 1 < queue.items.length) return queue.index + 1
  return repeat === 'off' ? null : 0
}

export function preceding(queue: Queue, repeat: Repeat): number | null {
  if (queue.index > 0) return queue.index - 1
  return repeat === 'all' && queue.items.length > 1 ? queue.items.length - 1 : null
}

/** Whether `b` continues `a` on its release: there a join must be seamless and a crossfade would spoil it. */
export function continues(a: Track, b: Track): boolean {
  if (!a.release_id || a.release_id !== b.release_id || a.number === null || b.number === null) return false
  const [discA, discB] = [a.disc ?? 1, b.disc ?? 1]
  return (discA === discB && b.number === a.number + 1) || (discB === discA + 1 && b.number === 1)
}

function mix<T>(list: readonly T[], random: Random): T[] {
  const mixed = [...list]
  for (let i = mixed.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1))
    ;[mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T]
  }
  return mixed
}

function insert<T>(list: readonly T[], at: number, more: readonly T[]): T[] {
  return [...list.slice(0, at), ...more, ...list.slice(at)]
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
