/** What reaches the player from outside the page: the network, the window, the media keys, and the browser's other tabs. */
import { bindMediaKeys, type Controls } from './mediaSession'

export interface Surrounded extends Controls {
  online(): void
  leave(): void
  hidden(): void
}

export class Surroundings {
  private unbind: (() => void)[] = []
  private channel: BroadcastChannel | null = null

  bind(player: Surrounded): void {
    const on = (target: EventTarget, name: string, handler: () => void) => {
      target.addEventListener(name, handler)
      this.unbind.push(() => target.removeEventListener(name, handler))
    }
    on(window, 'online', () => player.online())
    on(window, 'pagehide', () => player.leave())
    on(document, 'visibilitychange', () => {
      if (document.visibilityState === 'hidden') player.hidden()
    })
    this.unbind.push(bindMediaKeys(player))
    if (typeof BroadcastChannel === 'undefined') return
    const channel = new BroadcastChannel('segue.player')
    channel.onmessage = () => player.pause()
    this.channel = channel
    this.unbind.push(() => {
      channel.close()
      this.channel = null
    })
  }

  release(): void {
    for (const undo of this.unbind) undo()
    this.unbind = []
  }

  /** Two tabs of one browser do not play over one another. */
  quietOtherTabs(): void {
    this.channel?.postMessage('plays')
  }
}
