/** What the deck needs to know of a queue item, by what the listener and the browser want. */
import type { Preferences } from '../api/types'
import type { Cue } from './deck'
import { overlap, replayGain } from './gain'
import { continues } from './queue'
import { plan, type CanPlay } from './source'
import type { QueueItem } from './store'

const probe = typeof Audio === 'undefined' ? null : new Audio()
const canPlay: CanPlay = (type) => probe?.canPlayType(type) ?? ''

/** `forced`: as a transcode, since the browser refused the file. */
export function cueFor(item: QueueItem, preferences: Preferences, forced = false, overlapS = 0): Cue {
  return {
    key: item.key,
    track: item.track,
    plan: plan(item.track, preferences, canPlay, forced),
    factor: replayGain(item.track.replaygain, preferences.replaygain),
    overlapS,
  }
}

/** Tracks of one release in their order join without a fade: there a fade would spoil what was made to run on. */
export function overlapOf(current: QueueItem, next: QueueItem, preferences: Preferences, shuffled: boolean): number {
  if (!shuffled && continues(current.track, next.track)) return 0
  return overlap(preferences.crossfade_s, current.track.duration_ms, next.track.duration_ms)
}
