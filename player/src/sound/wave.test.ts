import { describe, expect, it } from 'vitest'
import { around, bars, MOST_BEATS, ruler, ticks, whole } from './wave'

describe('the view', () => {
  it('stays within the track and never gets closer than eight seconds', () => {
    expect(around(5, 60, 200)).toEqual({ startS: 0, endS: 60 })
    expect(around(199, 60, 200)).toEqual({ startS: 140, endS: 200 })
    expect(around(100, 1, 200)).toEqual({ startS: 96, endS: 104 })
    expect(around(1, 1, 3)).toEqual({ startS: 0, endS: 3 })
  })
})

describe('bars', () => {
  it('are one for each peak in view', () => {
    const peaks = Array.from({ length: 100 }, (_, at) => at)
    expect(bars(peaks, 100, whole(100)).split('M')).toHaveLength(101)
    expect(bars(peaks, 100, { startS: 10, endS: 20 }).split('M')).toHaveLength(11)
    expect(bars([], 100, whole(100))).toBe('')
  })
})

describe('beats', () => {
  const beats = Array.from({ length: 400 }, (_, at) => at * 0.5)
  const downbeats = beats.filter((_, at) => at % 4 === 0)
  it('are all marked from near, bars from further away, nothing from far', () => {
    const near = ticks(beats, downbeats, { startS: 0, endS: 10 })
    expect(near).toHaveLength(21)
    expect(near.filter((tick) => tick.strong)).toHaveLength(6)
    expect(ticks(beats, downbeats, whole(200))).toHaveLength(100)
    const long = Array.from({ length: MOST_BEATS * 8 }, (_, at) => at)
    expect(ticks(long, long, whole(long.length))).toEqual([])
  })
})

it('rules at round moments', () => {
  expect(ruler({ startS: 0, endS: 200 })).toEqual([0, 30, 60, 90, 120, 150, 180])
  expect(ruler({ startS: 61, endS: 69 })).toEqual([61, 62, 63, 64, 65, 66, 67, 68, 69])
})
