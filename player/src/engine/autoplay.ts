/** Goes on by itself: asks the server what comes next when the queue runs dry, or around what a radio was started from. */
import { ApiError } from '../api/client'
import type { Id, Track } from '../api/types'
import { toast } from '../ui/toasts'
import { sessionId } from './ids'
import { askNext, itemsOfSlate, queryFor, runsDry } from './next'
import { empty, type Queue } from './queue'
import { getState, setState, type QueueItem } from './store'

const ASK_AGAIN_MS = 20_000
const REMEMBERED = 200

export interface Host {
  queue(): Queue
  discovery(): number
  /** What the server chose; `play` goes on with it at once. */
  chosen(items: QueueItem[], play: boolean): void
}

export class Autoplay {
  /** The seeds of the radio that plays, or null. */
  radio: Id[] | null = null
  /** Not to be chosen again in this sitting. */
  skipped: Id[] = []
  private askedAt = 0
  private askedFor = ''

  constructor(private readonly host: Host) {}

  reset(): void {
    this.radio = null
    this.skipped = []
  }

  passOver(id: Id): void {
    this.skipped = [...this.skipped.filter((each) => each !== id), id].slice(-REMEMBERED)
  }

  get wanted(): boolean {
    const { repeat, autoplay, sleep } = getState()
    return (autoplay || this.radio !== null) && repeat === 'off' && sleep?.kind !== 'track' && runsDry(this.host.queue())
  }

  /** Asks if it is time to, and not the same question as a moment ago. */
  consider(): void {
    const { choosing, status } = getState()
    if (!this.wanted || choosing || (status !== 'playing' && status !== 'loading')) return
    const { items, index } = this.host.queue()
    const asked = `${items[index]?.key} ${items.length}`
    if (asked === this.askedFor && Date.now() - this.askedAt < ASK_AGAIN_MS) return
    this.askedFor = asked
    void this.ask(false)
  }

  async ask(play: boolean): Promise<void> {
    if (getState().choosing) return
    this.askedAt = Date.now()
    setState({ choosing: true })
    try {
      const slate = await askNext(queryFor(this.host.queue(), this.radio, this.skipped, sessionId(), this.host.discovery()))
      setState({ degraded: slate.degraded, notice: slate.message })
      if (slate.items.length > 0 && this.wanted) this.host.chosen(itemsOfSlate(slate, this.radio ? 'radio' : 'next'), play)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      setState({ notice: `Segue could not choose what comes next. ${error.message}` })
    } finally {
      setState({ choosing: false })
    }
  }

  /** What a radio around `seeds` starts with; null, and said so, where there is nothing. */
  async tuneIn(seeds: readonly Track[]): Promise<{ ids: Id[]; items: QueueItem[] } | null> {
    if (seeds.length === 0 || getState().choosing) return null
    const ids = [...new Set(seeds.map((track) => track.id))]
    setState({ choosing: true })
    try {
      const slate = await askNext(queryFor(empty, ids, this.skipped, sessionId(), this.host.discovery()))
      setState({ degraded: slate.degraded, notice: slate.message })
      const items = itemsOfSlate(slate, 'radio')
      if (items.length > 0) return { ids, items }
      toast(slate.message ?? 'There is nothing to play around this yet.')
    } catch (error) {
      toast(error instanceof Error ? error.message : 'Radio could not start.', { tone: 'bad' })
    } finally {
      setState({ choosing: false })
    }
    return null
  }
}
