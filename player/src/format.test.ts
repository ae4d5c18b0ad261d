import { describe, expect, it } from 'vitest'
import { ago, bytes, clock, plural, span } from './format'

describe('durations', () => {
  it('read as a clock', () => {
    expect([0, 5_400, 185_000, 3_723_000, -5].map(clock)).toEqual(['0:00', '0:05', '3:05', '1:02:03', '0:00'])
  })
  it('read in words', () => {
    expect([9_000, 48 * 60_000, 72 * 60_000, 3_600_000, 76 * 3_600_000].map(span)).toEqual([
      '9 sec',
      '48 min',
      '1 hr 12 min',
      '1 hr',
      '3 days 4 hr',
    ])
  })
})

describe('words', () => {
  it('count', () => {
    expect([plural(1, 'track'), plural(0, 'track'), plural(2, 'library', 'libraries')]).toEqual([
      '1 track',
      '0 tracks',
      '2 libraries',
    ])
  })
  it('measure', () => {
    expect([bytes(999), bytes(24_000_000), bytes(340_000_000_000)]).toEqual(['999 B', '24.0 MB', '340 GB'])
  })
  it('tell how long ago', () => {
    const now = Date.parse('2026-11-21T12:00:00Z')
    expect([
      ago(null, now),
      ago('2026-11-21T11:59:40Z', now),
      ago('2026-11-21T11:00:00Z', now),
      ago('2026-11-18T12:00:00Z', now),
    ]).toEqual(['never', 'just now', '1 hour ago', '3 days ago'])
  })
})
