/** Dates, sums and words of the pages about the past. Pure; dates are the listener's own, as `2026-11-21`. */
import type { Import, Listen, Stats, StatsDay } from '../api/types'
import { count, plural } from '../format'

const DAY_MS = 86_400_000

/** The day an instant falls on, here. */
export function dayOf(instant: string): string {
  return isoDate(new Date(instant))
}

export function isoDate(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}

/** Noon of a date: no change of the clocks moves it to another day. */
function noon(date: string): Date {
  const [year = 1970, month = 1, day = 1] = date.split('-').map(Number)
  return new Date(year, month - 1, day, 12)
}

const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const withYear = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
const short = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const month = new Intl.DateTimeFormat(undefined, { month: 'short' })
const monthOfYear = new Intl.DateTimeFormat(undefined, { month: 'short', year: '2-digit' })
const monthYear = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric' })
const hourMinute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })

/** `Today`, `Yesterday`, `Tuesday 18 November`; the year where it is another. */
export function dayName(date: string, today = isoDate(new Date())): string {
  const back = Math.round((noon(today).getTime() - noon(date).getTime()) / DAY_MS)
  if (back === 0) return 'Today'
  if (back === 1) return 'Yesterday'
  return (date.slice(0, 4) === today.slice(0, 4) ? weekday : withYear).format(noon(date))
}

export function timeOfDay(instant: string): string {
  return hourMinute.format(new Date(instant))
}

export type Entry = { day: string; listen?: undefined } | { day: string; listen: Listen }

/** The listens in their order, each day begun by an entry of its own. */
export function byDay(listens: readonly Listen[]): Entry[] {
  const entries: Entry[] = []
  let before = ''
  for (const listen of listens) {
    const day = dayOf(listen.listened_at)
    if (day !== before) entries.push({ day })
    before = day
    entries.push({ day, listen })
  }
  return entries
}

/** How it ended, where anybody knows: `Finished`, `Skipped at 12 %`, `Stopped`. */
export function ending(listen: Pick<Listen, 'outcome' | 'played_ms' | 'track'>): string {
  const { outcome, played_ms: played, track } = listen
  if (outcome === 'finished') return 'Finished'
  if (outcome === 'error') return 'Broke off'
  if (outcome !== 'skipped' && outcome !== 'stopped') return ''
  const word = outcome === 'skipped' ? 'Skipped' : 'Stopped'
  if (played === null || !track || track.duration_ms <= 0) return word
  return `${word} at ${Math.min(100, Math.round((played / track.duration_ms) * 100))} %`
}

/* -------------------------------------------------------------- statistics */

export interface Period {
  value: string
  label: string
}

export function periods(years: Stats['years'], now = new Date()): Period[] {
  const year = String(now.getFullYear())
  return [
    { value: '7d', label: 'Last 7 days' },
    { value: '30d', label: 'Last 30 days' },
    { value: `${year}-${two(now.getMonth() + 1)}`, label: 'This month' },
    { value: year, label: 'This year' },
    ...years.filter((each) => each.year !== year).map((each) => ({ value: each.year, label: each.year })),
    { value: 'all', label: 'All time' },
  ]
}

export interface Bar {
  key: string
  /** Under the bar; '' where there is no room. */
  label: string
  /** The whole name, read out and shown on pointing. */
  name: string
  listens: number
  ms: number
}

export interface Bars {
  by: 'day' | 'month' | 'year'
  bars: Bar[]
}

const MOST_DAYS = 62
const MOST_MONTHS = 48

/** Every day, month or year of the period, the silent ones too. `last` ends it; all time begins with the first day heard. */
export function barsOf({ period, first, last, days }: Pick<Stats, 'period' | 'first' | 'last' | 'days'>): Bars {
  const start = period === 'all' ? (days[0]?.date ?? last) : first
  const span = Math.round((noon(last).getTime() - noon(start).getTime()) / DAY_MS) + 1
  if (span <= MOST_DAYS) return { by: 'day', bars: fill(daysBetween(start, last), days, 10) }
  const months = monthsBetween(start, last)
  if (months.length <= MOST_MONTHS) return { by: 'month', bars: fill(months, days, 7) }
  const years = [...new Set(months.map((each) => each.slice(0, 4)))]
  return { by: 'year', bars: fill(years, days, 4) }
}

function fill(keys: string[], days: readonly StatsDay[], length: 4 | 7 | 10): Bar[] {
  const sums = new Map<string, { listens: number; ms: number }>()
  for (const day of days) {
    const key = day.date.slice(0, length)
    const held = sums.get(key) ?? { listens: 0, ms: 0 }
    sums.set(key, { listens: held.listens + day.listens, ms: held.ms + day.ms })
  }
  const every = Math.ceil(keys.length / (length === 7 && keys.length <= 12 ? 12 : 6))
  const monthLabel = keys.length > 12 ? monthOfYear : month
  return keys.map((key, index) => {
    const { listens, ms } = sums.get(key) ?? { listens: 0, ms: 0 }
    const at = noon(length === 10 ? key : length === 7 ? `${key}-01` : `${key}-01-01`)
    const name = length === 4 ? key : (length === 7 ? monthYear : withYear).format(at)
    const label = index % every ? '' : length === 4 ? key : (length === 7 ? monthLabel : short).format(at)
    return { key, name, label, listens, ms }
  })
}

function daysBetween(first: string, last: string): string[] {
  const found = []
  for (let at = noon(first); isoDate(at) <= last; at = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1, 12)) {
    found.push(isoDate(at))
  }
  return found
}

function monthsBetween(first: string, last: string): string[] {
  const found = []
  const start = noon(first)
  for (let at = new Date(start.getFullYear(), start.getMonth(), 1, 12); ; at = new Date(at.getFullYear(), at.getMonth() + 1, 1, 12)) {
    const key = isoDate(at).slice(0, 7)
    if (key > last.slice(0, 7)) return found
    found.push(key)
  }
}

/** A round number at or above `most`, for the top of an axis. */
export function ceiling(most: number): number {
  if (most <= 5) return Math.max(1, most)
  const step = 10 ** Math.floor(Math.log10(most))
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((each) => each * step).find((each) => each >= most) ?? most
}

export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

/** 0 for none, else 1..4 by quarters of the most. */
export function heat(value: number, most: number): number {
  return value <= 0 || most <= 0 ? 0 : Math.min(4, Math.ceil((value / most) * 4))
}

export interface Review {
  busiest: { name: string; listens: number } | null
  hour: { from: number; listens: number } | null
  weekday: string | null
  /** Days in a row with a listen, within the period. */
  streak: number
  activeDays: number
}

export function reviewOf({ days, hours }: Pick<Stats, 'days' | 'hours'>): Review {
  const busiest = days.reduce<StatsDay | null>((most, day) => (most && most.listens >= day.listens ? most : day), null)
  const byHour = Array.from({ length: 24 }, (_, hour) => WEEKDAYS.reduce((sum, __, day) => sum + (hours[day * 24 + hour] ?? 0), 0))
  const byWeekday = WEEKDAYS.map((_, day) => hours.slice(day * 24, day * 24 + 24).reduce((sum, each) => sum + each, 0))
  const hour = byHour.indexOf(Math.max(...byHour))
  const most = byWeekday.indexOf(Math.max(...byWeekday))
  return {
    busiest: busiest && { name: weekday.format(noon(busiest.date)), listens: busiest.listens },
    hour: (byHour[hour] ?? 0) > 0 ? { from: hour, listens: byHour[hour] ?? 0 } : null,
    weekday: (byWeekday[most] ?? 0) > 0 ? (WEEKDAYS[most] ?? null) : null,
    streak: longestRun(days.map((day) => day.date)),
    activeDays: days.length,
  }
}

export function longestRun(dates: readonly string[]): number {
  let longest = 0
  let run = 0
  let before: number | null = null
  for (const date of dates) {
    const at = Math.round(Date.parse(`${date}T00:00:00Z`) / DAY_MS)
    run = before !== null && at - before === 1 ? run + 1 : 1
    longest = Math.max(longest, run)
    before = at
  }
  return longest
}

/** `21:00–22:00`. */
export function hourSpan(from: number): string {
  return `${two(from)}:00–${two((from + 1) % 24)}:00`
}

/* ----------------------------------------------------------------- imports */

/** The service a file is of, by its name; null where that does not tell. */
export function serviceOf(fileName: string): Import['service'] | null {
  const name = fileName.toLowerCase()
  if (/spotify|endsong|streaming_?history/.test(name)) return 'spotify'
  if (name.includes('listenbrainz')) return 'listenbrainz'
  if (/last\.?fm|scrobble/.test(name) || name.endsWith('.csv')) return 'lastfm'
  return null
}

/** What an import brought, in one sentence. */
export function summary({ read, new: fresh, matched, unmatched, refused }: Import): string {
  if (read === 0 && refused === 0) return 'There were no plays in it.'
  const parts = [`${plural(read, 'play')} read, ${count(fresh)} of them new`]
  if (fresh > 0) parts.push(`${count(matched)} matched to your library, ${count(unmatched)} not in it`)
  if (refused > 0) parts.push(`${plural(refused, 'entry', 'entries')} could not be read`)
  return `${parts.join('; ')}.`
}
