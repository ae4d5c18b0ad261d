/** How loud: the knob's curve, ReplayGain with its peaks, and the two arms of a crossfade. Everything is a linear factor. */
import type { Preferences, ReplayGain } from '../api/types'

/** A cube comes close to the ear's 60 dB: half the way up sounds about half as loud. `knob` 0..1 gives 0..1. */
export function volumeGain(knob: number): number {
  const bounded = Math.min(1, Math.max(0, knob))
  return bounded ** 3
}

/** Tags claiming more than this are wrong. */
const MOST_DB = 24

/**
 * The factor that brings a track to the reference loudness. `album` falls back to the track's gain and `track` to the album's.
 * It never lets the peak pass full scale; with no peak known it never makes anything louder.
 */
export function replayGain(gain: ReplayGain, mode: Preferences['replaygain']): number {
  if (mode === 'off') return 1
  const track = { db: gain.track_gain_db, peak: gain.track_peak }
  const album = { db: gain.album_gain_db, peak: gain.album_peak }
  const [first, second] = mode === 'album' ? [album, track] : [track, album]
  const chosen = first.db === null ? second : first
  if (chosen.db === null || !Number.isFinite(chosen.db)) return 1
  const factor = 10 ** (Math.min(MOST_DB, Math.max(-MOST_DB * 2, chosen.db)) / 20)
  if (chosen.peak !== null && chosen.peak > 0) return Math.min(factor, 1 / chosen.peak)
  return Math.min(factor, 1)
}

/** Equal power: the squares of both arms always sum to 1. `share` 0..1 of the fade. */
export function fadeOut(share: number): number {
  return Math.cos((Math.min(1, Math.max(0, share)) * Math.PI) / 2)
}

export function fadeIn(share: number): number {
  return Math.sin((Math.min(1, Math.max(0, share)) * Math.PI) / 2)
}

/** `points` samples of an arm, for `AudioParam.setValueCurveAtTime`. */
export function curve(arm: (share: number) => number, scale = 1, points = 64): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: points }, (_, index) => arm(index / (points - 1)) * scale)
}

/** Seconds of overlap: never more than half of either track. */
export function overlap(wantedS: number, firstMs: number, secondMs: number): number {
  return Math.max(0, Math.min(wantedS, 12, firstMs / 2000, secondMs / 2000))
}
