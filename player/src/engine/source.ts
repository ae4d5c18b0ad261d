/**
 * What to ask the server for: the file as it is, or a transcode. The browser is asked what it plays, by type and codec; what it
 * says nothing about is transcoded unasked, and so is what exceeds the listener's limit of bitrate.
 */
import { apiUrl } from '../api/base'
import type { Preferences, Track } from '../api/types'

export type CanPlay = (type: string) => string
export type Format = Preferences['transcode_format']

export type Plan =
  | { kind: 'direct'; url: string }
  | { kind: 'transcode'; format: Format; bitrateKbps: number | null; url: (startMs: number) => string }

/** No browser plays these whatever it says of their type. */
const NEVER = new Set(['wma', 'wmv', 'asf', 'dsf', 'dff', 'wv', 'ape', 'mpc', 'tak', 'tta'])

const TYPES: Record<string, string> = {
  mp3: 'audio/mpeg',
  flac: 'audio/flac',
  wav: 'audio/wav',
  wave: 'audio/wav',
  aiff: 'audio/aiff',
  aif: 'audio/aiff',
  aifc: 'audio/aiff',
  opus: 'audio/ogg; codecs="opus"',
  oga: 'audio/ogg; codecs="vorbis"',
  ogg: 'audio/ogg; codecs="vorbis"',
  aac: 'audio/aac',
  m4a: 'audio/mp4; codecs="mp4a.40.2"',
  m4b: 'audio/mp4; codecs="mp4a.40.2"',
  mp4: 'audio/mp4; codecs="mp4a.40.2"',
  webm: 'audio/webm; codecs="opus"',
}

const FORMATS: Record<Format, { type: string; bitrateKbps: number | null }> = {
  opus: { type: 'audio/ogg; codecs="opus"', bitrateKbps: 160 },
  aac: { type: 'audio/aac', bitrateKbps: 256 },
  mp3: { type: 'audio/mpeg', bitrateKbps: 256 },
  flac: { type: 'audio/flac', bitrateKbps: null },
}

const MP4_CODECS: Record<string, string> = {
  alac: 'alac',
  flac: 'flac',
  opus: 'opus',
  ac3: 'ac-3',
  eac3: 'ec-3',
  mp3: 'mp4a.6b',
}

/** The type with its codec, as `canPlayType` wants it; null where nothing can play it. */
export function mimeOf(track: Pick<Track, 'suffix' | 'codec' | 'content_type'>): string | null {
  const suffix = track.suffix.toLowerCase().replace(/^\./, '')
  const codec = (track.codec ?? '').toLowerCase()
  if (NEVER.has(suffix) || /^(wma|dsd|ape|wavpack|monkey|musepack|tak|tta)/.test(codec)) return null
  if (/^(adpcm|alaw|mulaw|mp2)$/.test(codec)) return null
  if (/^(m4a|m4b|mp4)$/.test(suffix) && MP4_CODECS[codec]) return `audio/mp4; codecs="${MP4_CODECS[codec]}"`
  if (suffix === 'ogg' || suffix === 'oga') {
    if (codec === 'opus' || codec === 'flac') return `audio/ogg; codecs="${codec}"`
    if (codec === 'speex') return null
  }
  return TYPES[suffix] ?? (track.content_type || null)
}

export function plays(track: Pick<Track, 'suffix' | 'codec' | 'content_type'>, canPlay: CanPlay): boolean {
  const type = mimeOf(track)
  return type !== null && canPlay(type) !== ''
}

/** Decides for one track. `force` is for a file that the browser promised to play and then refused. */
export function plan(
  track: Track,
  preferences: Pick<Preferences, 'max_bitrate_kbps' | 'transcode_format'>,
  canPlay: CanPlay,
  force = false,
): Plan {
  const path = `tracks/${encodeURIComponent(track.id)}/stream`
  const most = preferences.max_bitrate_kbps
  const tooMuch = most !== null && (track.bitrate_kbps ?? 0) > most
  if (!force && !tooMuch && plays(track, canPlay)) return { kind: 'direct', url: apiUrl(path) }
  const format = chooseFormat(preferences.transcode_format, most, canPlay)
  const usual = FORMATS[format].bitrateKbps
  const bitrateKbps = format === 'flac' ? null : most === null ? usual : Math.min(most, usual ?? most)
  const url = (startMs: number) =>
    apiUrl(path, { format, bitrate_kbps: bitrateKbps, start_ms: startMs > 0 ? Math.round(startMs) : null })
  return { kind: 'transcode', format, bitrateKbps, url }
}

/** The format wished for if the browser plays it; a limit of bitrate rules FLAC out. */
export function chooseFormat(wished: Format, mostKbps: number | null, canPlay: CanPlay): Format {
  const order: Format[] = [wished, 'opus', 'aac', 'mp3']
  return order.find((format) => canPlay(FORMATS[format].type) !== '' && !(format === 'flac' && mostKbps !== null)) ?? 'mp3'
}

/** Samples per coded frame, where an encoder's delay and padding fill whole frames. */
function frameOf(track: Pick<Track, 'suffix' | 'codec' | 'sample_rate_hz'>): number | null {
  const codec = (track.codec ?? track.suffix).toLowerCase()
  if (codec.startsWith('mp3') || codec === 'mpeg') return (track.sample_rate_hz ?? 0) >= 32_000 ? 1152 : 576
  if (codec.startsWith('aac') || codec.startsWith('mp4a')) return 1024
  return null
}

export interface Trim {
  startS: number
  endS: number
}

/**
 * Where the sound begins and ends in what the browser plays. Chromium, current Firefox and Safari cut an encoder's delay and
 * padding themselves. One that does not shows it: its duration is a whole number of coded frames, where a cut one is not.
 */
export function trimOf(
  track: Pick<Track, 'suffix' | 'codec' | 'sample_rate_hz' | 'delay_samples' | 'padding_samples'>,
  durationS: number,
): Trim {
  const whole = { startS: 0, endS: durationS }
  const rate = track.sample_rate_hz
  const frame = frameOf(track)
  const extra = track.delay_samples + track.padding_samples
  if (!rate || !frame || extra <= 0 || !Number.isFinite(durationS)) return whole
  const near = (samples: number) => {
    const rest = Math.round(samples) % frame
    return Math.min(rest, frame - rest)
  }
  const uncut = near(durationS * rate)
  const cut = near(durationS * rate + extra)
  if (uncut > 2 || cut <= uncut) return whole
  return { startS: track.delay_samples / rate, endS: durationS - track.padding_samples / rate }
}
