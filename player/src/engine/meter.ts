/**
 * How much of a playing was heard. The sound's own position is what counts: it stands still while paused or stalled, and a jump
 * adds nothing. All values in milliseconds.
 */
export class Meter {
  private heard: number
  private last: number | null = null

  constructor(heardMs = 0) {
    this.heard = heardMs
  }

  get playedMs(): number {
    return Math.round(this.heard)
  }

  /** It sounds from here on. */
  run(positionMs: number): void {
    this.last = positionMs
  }

  /** Called now and then while it sounds. */
  observe(positionMs: number): void {
    if (this.last === null) return
    if (positionMs > this.last) this.heard += positionMs - this.last
    this.last = positionMs
  }

  halt(positionMs: number): void {
    this.observe(positionMs)
    this.last = null
  }

  /** From where it was to where it goes. */
  jump(fromMs: number, toMs: number): void {
    if (this.last === null) return
    this.observe(fromMs)
    this.last = toMs
  }
}
