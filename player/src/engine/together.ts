/** The player as one of several devices of a listener: it goes on with what another plays, shows it, and hands its own over. */
import type { Id, Instant, Track } from '../api/types'
import { Player } from './player'
import { Playing } from './playing'
import { rearranged, replaceTold } from './queue'
import { getState, setState, type QueueItem } from './store'

/** A play of another device's, to go on with; without an id it is a new one. */
export interface Lent {
  playId: string | null
  playedMs: number
}

class TogetherPlayer extends Player {
  /** Another device's queue, at the place where that one is: to go on with its play here, or only (without `play`) to show it. */
  adopt(items: QueueItem[], index: number, positionMs: number, play: Lent | null, changedAt: Instant | null = null): void {
    if (play?.playId) this.handOver(play.playId)
    this.close('stopped', 'another device')
    this.autoplay.radio = null
    this.queue = { items, index, natural: items === this.queue.items ? this.queue.natural : null }
    setState({ shuffle: this.queue.natural !== null })
    const item = items[index]
    if (play) {
      if (item && play.playId) this.playing = new Playing(item, this.tell, { ...play, playId: play.playId, lent: true })
      this.begin(positionMs, true, true)
      return this.changed()
    }
    this.silence()
    if (!item) return
    this.playing = new Playing(item, this.tell)
    this.show({ status: 'paused', positionMs, durationMs: item.track.duration_ms })
    this.keeper.follow(this.queue, this.place(), changedAt)
  }

  /** Another device goes on with this play: its end is that one's to tell. */
  handOver(playId: string): void {
    const item = this.queue.items[this.queue.index]
    if (!item || this.playing?.playId !== playId) return
    this.playing = new Playing(item, this.tell)
    this.keepPlace()
  }

  /** The queue as another device changed it while this one plays: what plays plays on, if it is still in it. */
  rearrange(ids: readonly Id[], index: number, tracks: readonly Track[]): void {
    const { status, current } = getState()
    const told = this.keeper.told.length > 0 ? this.keeper.told : this.queue.items
    const queue = replaceTold(this.queue, told, rearranged(told, ids, tracks), index)
    const stays = queue.items[queue.index]?.key === current?.key
    if (!stays) this.skip('removed')
    this.queue = queue
    setState({ shuffle: queue.natural !== null })
    if (!stays) this.begin(0, status !== 'paused')
    this.changed()
  }

  /** What a device that goes on with it must know; null where nothing was heard yet. */
  get heard(): { playId: string; playedMs: number } | null {
    return this.playing?.begun ? { playId: this.playing.playId, playedMs: this.playing.playedMs } : null
  }

  /** Whether the server's queue is this one. */
  get stored(): boolean {
    return this.keeper.stored
  }
}

export const player = new TogetherPlayer()
