/**
 * Events on their way to the server. Each is kept in the browser until the server acknowledged it, so that neither a lost
 * connection nor a closed tab loses one. Sending one twice is harmless (the server knows it by its id), which is why several
 * tabs may share the store: a lock only spares the server the repetition.
 */
import { api, ApiError } from '../api/client'
import type { EventBatchAnswer, PlayerEvent } from '../api/types'
import type { Table } from './database'

/** What is kept: whose event it is never travels, the session says it; but it must not be sent as somebody else's. */
interface Kept {
  event_id: string
  user: string
  seq: number
  event: PlayerEvent
}

export type Send = (events: PlayerEvent[], keepalive: boolean) => Promise<EventBatchAnswer>

export const sendToServer: Send = (events, keepalive) =>
  api.post<EventBatchAnswer>('events', { sent_at: new Date().toISOString(), events }, { keepalive })

const BATCH = 400
const SOON_MS = 250
const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 5 * 60_000
/** A request that outlives its page may carry 64 KiB in all. */
const KEEPALIVE_BYTES = 60_000
/** The oldest give way: months offline, or a server that never answers. */
const MOST = 50_000

export class Outbox {
  /** Events the server refused for good. */
  rejected = 0
  private user: string | null = null
  private pending = new Map<string, Kept>()
  private seq = 0
  private timer: ReturnType<typeof setTimeout> | null = null
  private failures = 0
  private sending = false
  private writes: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly table: () => Promise<Table>,
    private readonly send: Send = sendToServer,
    private readonly random: () => number = Math.random,
  ) {}

  get size(): number {
    return this.pending.size
  }

  /** Takes up what an earlier page left for this listener. */
  async start(user: string): Promise<void> {
    this.user = user
    this.failures = 0
    const kept = await (await this.table()).all<Kept>('outbox')
    for (const each of kept.filter((one) => one.user === user).sort((a, b) => a.seq - b.seq)) {
      if (!this.pending.has(each.event_id)) this.pending.set(each.event_id, each)
    }
    if (this.pending.size > 0) this.schedule(SOON_MS)
  }

  /** After sign-out: nothing more is sent, what is kept stays kept. */
  stop(): void {
    this.clearTimer()
    this.user = null
    this.pending.clear()
  }

  add(event: PlayerEvent): void {
    if (!this.user) return
    this.seq = Math.max(this.seq + 1, Date.now() * 1000)
    const kept: Kept = { event_id: event.event_id, user: this.user, seq: this.seq, event }
    this.pending.set(event.event_id, kept)
    if (this.pending.size > MOST) {
      const oldest = this.pending.keys().next().value as string
      this.pending.delete(oldest)
      this.store((table) => table.remove('outbox', [oldest]))
    }
    this.store((table) => table.put('outbox', [kept]))
    if (this.failures === 0) this.schedule(SOON_MS)
  }

  /** Sends what there is, batch after batch, until it is empty or the server cannot take it. */
  async flush(): Promise<void> {
    if (this.sending || !this.user || this.pending.size === 0) return
    this.clearTimer()
    this.sending = true
    try {
      await alone(async () => {
        while (this.user && this.pending.size > 0) await this.sendBatch([...this.pending.values()].slice(0, BATCH))
      })
      this.failures = 0
    } catch (error) {
      this.failures += 1
      if (!(error instanceof ApiError && error.status === 401)) this.schedule(this.wait(error))
    } finally {
      this.sending = false
    }
    if (this.failures === 0 && this.pending.size > 0) this.schedule(SOON_MS)
  }

  /** As the page goes: what fits into one request that outlives it. What does not is sent by the next page. */
  flushOnLeave(): void {
    if (!this.user) return
    const batch: PlayerEvent[] = []
    let bytes = 200
    for (const { event } of [...this.pending.values()].reverse()) {
      bytes += new TextEncoder().encode(JSON.stringify(event)).length + 1
      if (bytes > KEEPALIVE_BYTES) break
      batch.unshift(event)
    }
    if (batch.length === 0) return
    this.send(batch, true).then(
      (answer) => this.settle(answer),
      () => undefined,
    )
  }

  /** The network is back, or somebody signed in again. */
  nudge(): void {
    this.failures = 0
    void this.flush()
  }

  /** Everything said so far is in the browser's store. */
  async written(): Promise<void> {
    await this.writes
  }

  private async sendBatch(batch: Kept[]): Promise<void> {
    try {
      const answer = await this.send(
        batch.map((kept) => kept.event),
        false,
      )
      const known = new Set([...answer.accepted, ...answer.rejected.map((each) => each.event_id)])
      if (!batch.some((kept) => known.has(kept.event_id))) {
        throw new ApiError(502, 'bad_answer', 'The server acknowledged none of the events.')
      }
      await this.settle(answer)
    } catch (error) {
      const refused = error instanceof ApiError && (error.status === 400 || error.status === 413 || error.status === 422)
      if (!refused) throw error
      if (batch.length > 1) {
        // One of them spoils the call: find it by halves, so that the others arrive.
        const middle = batch.length >> 1
        await this.sendBatch(batch.slice(0, middle))
        await this.sendBatch(batch.slice(middle))
        return
      }
      await this.settle({ accepted: [], rejected: batch.map((kept) => ({ event_id: kept.event_id, error: String(error) })) })
    }
  }

  private async settle(answer: EventBatchAnswer): Promise<void> {
    this.rejected += answer.rejected.length
    const done = [...answer.accepted, ...answer.rejected.map((each) => each.event_id)]
    for (const id of done) this.pending.delete(id)
    this.store((table) => table.remove('outbox', done))
    await this.writes
  }

  private store(write: (table: Table) => Promise<void>): void {
    // A full or broken store costs the guarantee, not the music.
    this.writes = this.writes.then(async () => write(await this.table())).catch(() => undefined)
  }

  private wait(error: unknown): number {
    if (error instanceof ApiError && error.retryAfterS !== null) return Math.min(error.retryAfterS * 1000, LONGEST_WAIT_MS)
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (this.failures - 1), LONGEST_WAIT_MS)
    return wait * (0.75 + this.random() / 2)
  }

  private schedule(ms: number): void {
    if (this.timer !== null) return
    this.timer = setTimeout(() => {
      this.timer = null
      void this.flush()
    }, ms)
  }

  private clearTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
  }
}

/** One tab at a time, where the browser has locks. */
async function alone(work: () => Promise<void>): Promise<void> {
  if (typeof navigator === 'undefined' || !navigator.locks) return work()
  await navigator.locks.request('segue-outbox', async () => work())
}
