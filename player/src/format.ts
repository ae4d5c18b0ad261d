/** Numbers as people read them. Durations come in milliseconds. */

/** `3:05`, `1:02:03`. */
export function clock(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000))
  const s = String(total % 60).padStart(2, '0')
  const m = Math.floor(total / 60) % 60
  const h = Math.floor(total / 3600)
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`
}

/** `48 min`, `1 hr 12 min`, `3 days 4 hr`. */
export function span(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  if (minutes < 1) return `${Math.round(ms / 1000)} sec`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 ? `${hours} hr ${minutes % 60} min` : `${hours} hr`
  const rest = hours % 24
  return rest ? `${Math.floor(hours / 24)} days ${rest} hr` : `${Math.floor(hours / 24)} days`
}

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 })

export function count(n: number): string {
  return whole.format(n)
}

/** `1 track`, `12 tracks`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

export function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = n
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** `today`, `yesterday`, `5 days ago`, then the date. */
export function ago(instant: string | null, now = Date.now()): string {
  if (!instant) return 'never'
  const then = Date.parse(instant)
  if (Number.isNaN(then)) return ''
  const minutes = Math.floor((now - then) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return plural(minutes, 'minute') + ' ago'
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return plural(hours, 'hour') + ' ago'
  const days = Math.floor(hours / 24)
  if (days < 30) return plural(days, 'day') + ' ago'
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(then)
}

/** `FLAC · 44.1 kHz · 16 bit · 912 kbps`, leaving out what is not known. */
export function quality(track: {
  suffix: string
  codec: string | null
  sample_rate_hz: number | null
  bit_depth: number | null
  bitrate_kbps: number | null
}): string {
  const parts = [(track.codec ?? track.suffix).toUpperCase()]
  if (track.sample_rate_hz) parts.push(`${track.sample_rate_hz / 1000} kHz`)
  if (track.bit_depth) parts.push(`${track.bit_depth} bit`)
  if (track.bitrate_kbps) parts.push(`${track.bitrate_kbps} kbps`)
  return parts.join(' · ')
}
