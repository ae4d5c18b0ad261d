import { describe, expect, it } from 'vitest'
import { curve, fadeIn, fadeOut, overlap, replayGain, volumeGain } from './gain'

const tags = { track_gain_db: -6, track_peak: 0.9, album_gain_db: 3, album_peak: 0.5 }
const none = { track_gain_db: null, track_peak: null, album_gain_db: null, album_peak: null }

describe('ReplayGain', () => {
  it('is a factor of decibels', () => {
    expect(replayGain(tags, 'track')).toBeCloseTo(0.501, 3)
    expect(replayGain(tags, 'album')).toBeCloseTo(1.4125, 3)
    expect(replayGain(tags, 'off')).toBe(1)
    expect(replayGain(none, 'track')).toBe(1)
  })

  it('never lets a peak pass full scale', () => {
    expect(replayGain({ ...tags, track_gain_db: 12, track_peak: 0.8 }, 'track')).toBeCloseTo(1.25)
    expect(replayGain({ ...tags, track_gain_db: -3, track_peak: 2 }, 'track')).toBeCloseTo(0.5)
  })

  it('makes nothing louder whose peak is not known', () => {
    expect(replayGain({ ...none, track_gain_db: 5 }, 'track')).toBe(1)
    expect(replayGain({ ...none, track_gain_db: -5 }, 'track')).toBeCloseTo(0.562, 3)
  })

  it('takes the other gain where one is missing', () => {
    expect(replayGain({ ...none, album_gain_db: -6 }, 'track')).toBeCloseTo(0.501, 3)
    expect(replayGain({ ...none, track_gain_db: -6 }, 'album')).toBeCloseTo(0.501, 3)
  })

  it('survives nonsense', () => {
    expect(replayGain({ ...none, track_gain_db: Number.NaN }, 'track')).toBe(1)
    expect(replayGain({ ...none, track_gain_db: 900, track_peak: 1e-9 }, 'track')).toBeLessThan(16)
    expect(replayGain({ ...none, track_gain_db: -900 }, 'track')).toBeGreaterThan(0)
  })
})

describe('the fade', () => {
  it('keeps the power', () => {
    for (let share = 0; share <= 1; share += 0.1) expect(fadeIn(share) ** 2 + fadeOut(share) ** 2).toBeCloseTo(1)
  })

  it('starts and ends where it should', () => {
    const arm = curve(fadeOut, 0.5)
    expect(arm[0]).toBeCloseTo(0.5)
    expect(arm.at(-1)).toBeCloseTo(0)
  })

  it('takes at most half of either track', () => {
    expect(overlap(12, 180_000, 180_000)).toBe(12)
    expect(overlap(12, 180_000, 6_000)).toBe(3)
    expect(overlap(-1, 180_000, 180_000)).toBe(0)
    expect(overlap(99, 900_000, 900_000)).toBe(12)
  })
})

describe('the volume knob', () => {
  it('is silent at 0, full at 1, and rises', () => {
    expect(volumeGain(0)).toBe(0)
    expect(volumeGain(1)).toBe(1)
    expect(volumeGain(0.5)).toBeCloseTo(0.125)
    expect(volumeGain(7)).toBe(1)
  })
})
