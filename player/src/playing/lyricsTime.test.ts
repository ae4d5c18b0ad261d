import { expect, it } from 'vitest'
import type { Lyrics } from '../api/types'
import { bestLyrics, lineAt, lineNow } from './lyricsTime'

const lyrics = (starts: (number | null)[], offset_ms = 0): Lyrics => ({
  language: 'en',
  synced: starts.some((start) => start !== null),
  offset_ms,
  lines: starts.map((start_ms, n) => ({ start_ms, text: `line ${n}` })),
})

it('finds the line that is sung', () => {
  const song = lyrics([1_000, 5_000, 9_000])
  expect([0, 1_000, 4_999, 5_000, 99_000].map((at) => lineNow(song, at))).toEqual([-1, 0, 0, 1, 2])
})

it('takes a positive offset as sooner', () => {
  const song = lyrics([1_000, 5_000], 500)
  expect(lineAt(song, 1)).toBe(4_500)
  expect(lineNow(song, 4_600)).toBe(1)
})

it('marks nothing without times, and prefers lyrics that have them', () => {
  const plain = lyrics([null, null])
  const timed = lyrics([0])
  expect(lineNow(plain, 10_000)).toBe(-1)
  expect(bestLyrics([plain, timed])).toBe(timed)
  expect(bestLyrics([])).toBeNull()
})
