/** The sleep timer: the last seconds fade, then it pauses. */
import type { Sleep } from './store'

const FADE_MS = 8_000
const MOST_MINUTES = 24 * 60

export interface Sleeper {
  dim(level: number, seconds: number): void
  asleep(): void
}

export class SleepTimer {
  private timers: ReturnType<typeof setTimeout>[] = []

  constructor(private readonly sleeper: Sleeper) {}

  /** Minutes, or with the current track; null turns it off. Gives what to show. */
  set(after: number | 'track' | null, now = Date.now()): Sleep {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers = []
    this.sleeper.dim(1, 0.3)
    if (after === 'track') return { kind: 'track' }
    if (after === null || !(after > 0)) return null
    const ms = Math.min(after, MOST_MINUTES) * 60_000
    const fade = Math.min(FADE_MS, ms / 2)
    this.timers = [
      setTimeout(() => this.sleeper.dim(0, fade / 1000), ms - fade),
      setTimeout(() => this.sleeper.asleep(), ms),
    ]
    return { kind: 'time', endsAt: now + ms }
  }
}
