/** While the server cannot be reached: asks again and again, more and more rarely, and goes on by itself once it answers. */

const FIRST_MS = 1_500
const LONGEST_MS = 15_000
/** Music that starts by itself much later would only startle. */
const GIVE_UP_MS = 10 * 60_000

export interface Recovering {
  reachable(): Promise<boolean>
  again(): void
}

export class Recovery {
  private timer: ReturnType<typeof setTimeout> | null = null

  constructor(private readonly player: Recovering) {}

  start(): void {
    this.stop()
    this.wait(FIRST_MS, Date.now())
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
  }

  private wait(ms: number, since: number): void {
    const timer = setTimeout(() => void this.ask(timer, ms, since), ms)
    this.timer = timer
  }

  private async ask(timer: ReturnType<typeof setTimeout>, ms: number, since: number): Promise<void> {
    const reachable = await this.player.reachable()
    if (this.timer !== timer) return
    this.timer = null
    if (reachable) this.player.again()
    else if (Date.now() - since < GIVE_UP_MS) this.wait(Math.min(LONGEST_MS, ms * 1.5), since)
  }
}
