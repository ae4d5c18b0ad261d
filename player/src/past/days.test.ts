import { describe, expect, it } from 'vitest'
import type { Import, Listen, StatsDay, Track } from '../api/types'
import { barsOf, byDay, ceiling, dayName, dayOf, ending, heat, longestRun, periods, reviewOf, serviceOf, summary } from './days'

const listen = (id: string, at: Date, more: Partial<Listen> = {}) =>
  ({ id, listened_at: at.toISOString(), outcome: null, played_ms: null, track: null, external: null, ...more }) as Listen
const day = (date: string, listens: number): StatsDay => ({ date, listens, ms: listens * 60_000 })

describe('days', () => {
  it('begin at this clock’s midnight', () => {
    expect(dayOf(new Date(2026, 10, 21, 0, 5).toISOString())).toBe('2026-11-21')
    expect(dayOf(new Date(2026, 10, 20, 23, 55).toISOString())).toBe('2026-11-20')
  })
  it('head the listens of each, once', () => {
    const entries = byDay([
      listen('a', new Date(2026, 10, 21, 9)),
      listen('b', new Date(2026, 10, 21, 8)),
      listen('c', new Date(2026, 10, 19, 8)),
    ])
    expect(entries.map((entry) => entry.listen?.id ?? entry.day)).toEqual(['2026-11-21', 'a', 'b', '2026-11-19', 'c'])
    expect(byDay([])).toEqual([])
  })
  it('have names, with the year where it is another', () => {
    expect(dayName('2026-11-21', '2026-11-21')).toBe('Today')
    expect(dayName('2026-10-31', '2026-11-01')).toBe('Yesterday')
    expect(dayName('2026-11-02', '2026-11-21')).not.toContain('2026')
    expect(dayName('2025-12-31', '2026-11-21')).toContain('2025')
  })
})

describe('how it ended', () => {
  const track = { duration_ms: 200_000 } as Track
  it('is said where it is known', () => {
    expect(ending({ outcome: 'finished', played_ms: 200_000, track })).toBe('Finished')
    expect(ending({ outcome: 'skipped', played_ms: 25_000, track })).toBe('Skipped at 13 %')
    expect(ending({ outcome: 'stopped', played_ms: 900_000, track })).toBe('Stopped at 100 %')
    expect(ending({ outcome: 'skipped', played_ms: null, track })).toBe('Skipped')
    expect(ending({ outcome: 'skipped', played_ms: 5_000, track: null })).toBe('Skipped')
    expect([null, 'unknown' as const].map((outcome) => ending({ outcome, played_ms: 5_000, track }))).toEqual(['', ''])
  })
})

describe('bars', () => {
  it('are days in a short period, silent ones too', () => {
    const { by, bars } = barsOf({ period: '7d', first: '2026-02-26', last: '2026-03-04', days: [day('2026-03-01', 3)] })
    expect(by).toBe('day')
    expect(bars.map((bar) => bar.key)).toEqual([
      '2026-02-26',
      '2026-02-27',
      '2026-02-28',
      '2026-03-01',
      '2026-03-02',
      '2026-03-03',
      '2026-03-04',
    ])
    expect(bars.map((bar) => bar.listens)).toEqual([0, 0, 0, 3, 0, 0, 0])
  })
  it('are months in a year, and add up', () => {
    const days = [day('2025-01-31', 2), day('2025-02-01', 1), day('2025-02-28', 4), day('2025-12-31', 5)]
    const { by, bars } = barsOf({ period: '2025', first: '2025-01-01', last: '2025-12-31', days })
    expect(by).toBe('month')
    expect(bars.map((bar) => bar.listens)).toEqual([2, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5])
    expect(bars[1]?.ms).toBe(300_000)
  })
  it('begin all time with the first day heard, by years when it is long', () => {
    const long = barsOf({ period: 'all', first: '1970-01-01', last: '2026-11-21', days: [day('2008-05-01', 1), day('2026-11-21', 2)] })
    expect([long.by, long.bars.length, long.bars[0]?.key, long.bars.at(-1)?.listens]).toEqual(['year', 19, '2008', 2])
    const short = barsOf({ period: 'all', first: '1970-01-01', last: '2026-11-21', days: [day('2026-11-01', 1)] })
    expect([short.by, short.bars.length]).toEqual(['day', 21])
  })
  it('keep every bar across a change of the clocks', () => {
    const { bars } = barsOf({ period: '30d', first: '2026-03-10', last: '2026-04-08', days: [] })
    expect(new Set(bars.map((bar) => bar.key)).size).toBe(30)
  })
  it('stand under a round number', () => {
    expect([0, 1, 5, 7, 12, 99, 101, 1_234].map(ceiling)).toEqual([1, 1, 5, 8, 15, 100, 150, 1_500])
  })
})

describe('periods', () => {
  it('name this year once', () => {
    const years = [
      { year: '2026', listens: 1 },
      { year: '2024', listens: 1 },
    ]
    expect(periods(years, new Date(2026, 0, 5)).map((each) => each.value)).toEqual(['7d', '30d', '2026-01', '2026', '2024', 'all'])
  })
})

describe('heat', () => {
  it('has five steps, and none of it is only for nothing', () => {
    expect([0, 1, 25, 26, 50, 75, 76, 100].map((value) => heat(value, 100))).toEqual([0, 1, 1, 2, 2, 3, 4, 4])
    expect(heat(0, 0)).toBe(0)
  })
})

describe('a year', () => {
  it('has its fullest day, its hour and its run', () => {
    const hours = new Array<number>(168).fill(0)
    hours[5 * 24 + 20] = 5
    hours[1 * 24 + 20] = 1
    hours[1 * 24 + 7] = 3
    const days = [day('2026-02-27', 1), day('2026-02-28', 6), day('2026-03-01', 1), day('2026-03-03', 6)]
    const review = reviewOf({ days, hours })
    expect(review).toMatchObject({ hour: { from: 20, listens: 6 }, weekday: 'Saturday', streak: 3, activeDays: 4 })
    expect(review.busiest?.listens).toBe(6)
  })
  it('may be silent', () => {
    expect(reviewOf({ days: [], hours: new Array<number>(168).fill(0) })).toEqual({
      busiest: null,
      hour: null,
      weekday: null,
      streak: 0,
      activeDays: 0,
    })
    expect(longestRun(['2025-12-31', '2026-01-01'])).toBe(2)
  })
})

describe('imports', () => {
  const done: Import = {
    id: 'x',
    service: 'spotify',
    state: 'done',
    read: 12_000,
    new: 11_000,
    matched: 9_000,
    unmatched: 2_000,
    refused: 1,
    examples: [],
    bytes_done: 1,
    bytes_total: 1,
    error: null,
    started_at: '2026-11-21T12:00:00Z',
    ended_at: null,
  }
  it('know a file by its name', () => {
    expect(
      ['my_spotify_data.zip', 'Streaming_History_Audio_2020.json', 'listenbrainz_rob_2026.zip', 'rob.csv', 'export.json'].map(serviceOf),
    ).toEqual(['spotify', 'spotify', 'listenbrainz', 'lastfm', null])
  })
  it('are summed up in a sentence', () => {
    expect(summary(done)).toBe(
      '12,000 plays read, 11,000 of them new; 9,000 matched to your library, 2,000 not in it; 1 entry could not be read.',
    )
    expect(summary({ ...done, read: 3, new: 0, refused: 0 })).toBe('3 plays read, 0 of them new.')
    expect(summary({ ...done, read: 0, refused: 0 })).toBe('There were no plays in it.')
  })
})
