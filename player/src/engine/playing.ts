/** One playing of one track, told as events: started, paused, resumed, seeked, progressed, ended. */
import type { EventContext, Outcome, PlayerEvent, Track } from '../api/types'
import { newId } from './ids'
import { Meter } from './meter'

export type Tell = (event: Pick<PlayerEvent, 'kind'> & Partial<PlayerEvent>) => void

const PROGRESS_MS = 30_000
const SEEK_PAUSE_MS = 400

export class Playing {
  readonly playId: string
  readonly key: string
  readonly track: Track
  private readonly meter: Meter
  private started: boolean
  private running = false
  private ended = false
  /** Begun on another device, and not heard on this one yet: its end is not this one's to tell. */
  private lent: boolean
  private told: number
  private seekTimer: ReturnType<typeof setTimeout> | null = null
  private seekedTo = 0

  /** `before` continues a playing that a reload interrupted or, `lent`, that another device began. */
  constructor(
    item: { key: string; track: Track; context: EventContext | null },
    private readonly tell: Tell,
    before?: { playId: string; playedMs: number; lent?: boolean },
  ) {
    this.key = item.key
    this.track = item.track
    this.context = item.context
    this.playId = before?.playId ?? newId()
    this.started = before !== undefined
    this.lent = before?.lent ?? false
    this.told = before?.playedMs ?? 0
    this.meter = new Meter(before?.playedMs ?? 0)
  }

  private readonly context: EventContext | null

  get playedMs(): number {
    return this.meter.playedMs
  }

  /** Whether anything was ever heard of it, here. */
  get begun(): boolean {
    return this.started && !this.lent
  }

  /** There is sound. Called again after each wait, which changes nothing. */
  sounding(positionMs: number): void {
    if (this.ended) return
    if (this.running) {
      this.meter.run(positionMs)
      return
    }
    this.running = true
    this.lent = false
    this.meter.run(positionMs)
    this.say(this.started ? 'resumed' : 'started', positionMs)
    this.started = true
  }

  /** Waiting for data. What was heard until here counts. */
  waiting(positionMs: number): void {
    if (this.running) this.meter.halt(positionMs)
  }

  tick(positionMs: number): void {
    if (!this.running || this.ended) return
    this.meter.observe(positionMs)
    if (this.meter.playedMs - this.told >= PROGRESS_MS) {
      this.told = this.meter.playedMs
      this.say('progressed', positionMs)
    }
  }

  pause(positionMs: number): void {
    if (!this.running || this.ended) return
    this.meter.halt(positionMs)
    this.running = false
    this.say('paused', positionMs)
  }

  /** A held key or a dragged slider is one jump. */
  seek(fromMs: number, toMs: number): void {
    if (this.ended) return
    this.meter.jump(fromMs, toMs)
    this.seekedTo = toMs
    if (this.seekTimer !== null) clearTimeout(this.seekTimer)
    this.seekTimer = setTimeout(() => this.tellSeek(), SEEK_PAUSE_MS)
  }

  end(positionMs: number, outcome: Outcome, reason?: string): void {
    if (this.ended) return
    this.tellSeek()
    this.meter.halt(positionMs)
    this.running = false
    this.ended = true
    // What never sounded was not played; that it could not be is worth telling.
    if (this.begun || (outcome === 'error' && !this.lent)) this.say('ended', positionMs, { outcome, ...(reason ? { reason } : {}) })
  }

  private tellSeek(): void {
    if (this.seekTimer === null) return
    clearTimeout(this.seekTimer)
    this.seekTimer = null
    if (this.begun) this.say('seeked', this.seekedTo)
  }

  private say(kind: PlayerEvent['kind'], positionMs: number, more: Partial<PlayerEvent> = {}): void {
    this.tell({
      kind,
      subject: { type: 'track', id: this.track.id },
      play_id: this.playId,
      position_ms: Math.max(0, Math.round(positionMs)),
      played_ms: this.meter.playedMs,
      ...(this.context ? { context: this.context } : {}),
      ...more,
    })
  }
}
