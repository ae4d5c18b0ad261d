/** Asks the server what to play next, and turns its answer into queue items that know where they came from. */
import { api } from '../api/client'
import type { Id, NextQuery, Slate } from '../api/types'
import { newKey, type Queue } from './queue'
import type { QueueItem } from './store'

export const SLATE = 10
/** With this many left after the current one, it is asked. */
export const LEFT = 2
const SEEDS = 5
const TOLD = 500

export function askNext(query: NextQuery): Promise<Slate> {
  return api.post<Slate>('next', query)
}

/** Radio keeps to its own seeds; else what was played last, newest first. */
export function queryFor(queue: Queue, radio: Id[] | null, skipped: readonly Id[], sessionId: string, discovery: number): NextQuery {
  const played = queue.items
    .slice(Math.max(0, queue.index - SEEDS + 1), queue.index + 1)
    .map((item) => item.track.id)
    .filter((id) => !skipped.includes(id))
    .reverse()
  const rest = queue.items.slice(Math.max(0, queue.index - 50)).map((item) => item.track.id)
  return {
    n: SLATE,
    seeds: [...new Set(radio ?? played)].slice(0, SEEDS),
    context: { queue: [...new Set(rest)].slice(0, TOLD), skipped: [...new Set(skipped)].slice(-TOLD), session_id: sessionId },
    discovery,
  }
}

export function itemsOfSlate(slate: Slate, origin: 'radio' | 'next'): QueueItem[] {
  return slate.items.map(({ track, source, reasons }, index) => ({
    key: newKey(),
    track,
    context: { slate_id: slate.id, rank: index },
    origin,
    source,
    reasons,
  }))
}

/** Whether the queue is about to run dry. */
export function runsDry(queue: Queue): boolean {
  return queue.index >= 0 && queue.items.length - 1 - queue.index <= LEFT
}
