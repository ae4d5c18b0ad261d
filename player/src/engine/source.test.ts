import { describe, expect, it } from 'vitest'
import { track } from './fixtures'
import { chooseFormat, mimeOf, plan, plays, trimOf, type CanPlay } from './source'

/** What Debian's Chromium answers. */
const chromium: CanPlay = (type) =>
  /^audio\/(mpeg|flac|wav|aac|webm)/.test(type) || /ogg; codecs="(opus|vorbis|flac)"/.test(type) || /mp4; codecs="mp4a/.test(type) ? 'probably' : ''
/** An older Safari: no Ogg at all, but ALAC and AIFF. */
const safari: CanPlay = (type) => (/mpeg|flac|wav|aac|aiff|mp4a|alac/.test(type) ? 'maybe' : '')
const free = { max_bitrate_kbps: null, transcode_format: 'opus' as const }

const file = (suffix: string, codec: string | null = suffix, bitrate = 900) =>
  track('t', { suffix, codec, content_type: `audio/${suffix}`, bitrate_kbps: bitrate })

describe('what the browser plays', () => {
  it.each([
    ['flac', 'flac', true, true],
    ['mp3', 'mp3', true, true],
    ['ogg', 'vorbis', true, false],
    ['ogg', 'flac', true, true],
    ['opus', 'opus', true, false],
    ['m4a', 'aac', true, true],
    ['m4a', 'alac', false, true],
    ['m4a', 'ac3', false, false],
    ['m4a', 'flac', false, true],
    ['mp3', 'mp2', false, false],
    ['wav', 'adpcm', false, false],
    ['wav', 'pcm_s16le', true, true],
    ['aiff', 'pcm_s16be', false, true],
    ['wma', 'wmav2', false, false],
    ['dsf', 'dsd_lsbf', false, false],
    ['wv', 'wavpack', false, false],
    ['ape', 'ape', false, false],
  ])('%s with %s', (suffix, codec, inChromium, inSafari) => {
    expect(plays(file(suffix, codec), chromium)).toBe(inChromium)
    expect(plays(file(suffix, codec), safari)).toBe(inSafari)
  })

  it('asks by the server’s own type where the ending is unknown', () => {
    expect(mimeOf({ suffix: 'xyz', codec: null, content_type: 'audio/x-xyz' })).toBe('audio/x-xyz')
    expect(mimeOf({ suffix: '', codec: null, content_type: '' })).toBeNull()
  })
})

describe('the plan', () => {
  it('takes the file as it is where it can', () => {
    expect(plan(file('flac'), free, chromium)).toEqual({ kind: 'direct', url: '/api/tracks/t/stream' })
  })

  it('asks for a transcode unasked, and seeks by asking again', () => {
    const chosen = plan(file('m4a', 'alac'), free, chromium)
    if (chosen.kind !== 'transcode') throw new Error('not transcoded')
    expect(chosen.url(0)).toBe('/api/tracks/t/stream?format=opus&bitrate_kbps=160')
    expect(chosen.url(61_500.4)).toBe('/api/tracks/t/stream?format=opus&bitrate_kbps=160&start_ms=61500')
  })

  it('keeps to the limit of bitrate', () => {
    const limited = { max_bitrate_kbps: 128, transcode_format: 'opus' as const }
    expect(plan(file('flac'), limited, chromium)).toMatchObject({ kind: 'transcode', format: 'opus', bitrateKbps: 128 })
    expect(plan(file('mp3', 'mp3', 96), limited, chromium).kind).toBe('direct')
    expect(plan(file('flac'), { ...limited, max_bitrate_kbps: 999 }, chromium).kind).toBe('direct')
  })

  it('chooses a format that the browser plays', () => {
    expect(chooseFormat('opus', null, safari)).toBe('aac')
    expect(chooseFormat('flac', null, chromium)).toBe('flac')
    expect(chooseFormat('flac', 320, chromium)).toBe('opus')
    expect(chooseFormat('opus', null, () => '')).toBe('mp3')
  })

  it('can be told that the promise was broken', () => {
    expect(plan(file('flac'), free, chromium, true).kind).toBe('transcode')
  })
})

describe('an encoder’s delay and padding', () => {
  const mp3 = track('t', { suffix: 'mp3', codec: 'mp3', delay_samples: 1105, padding_samples: 890 })
  const samples = 1152 * 4000

  it('is cut where the browser did not', () => {
    const trim = trimOf(mp3, samples / 44_100)
    expect(trim.startS).toBeCloseTo(1105 / 44_100)
    expect(trim.endS).toBeCloseTo((samples - 890) / 44_100)
  })

  it('is left alone where the browser did', () => {
    const duration = (samples - 1105 - 890) / 44_100
    expect(trimOf(mp3, duration)).toEqual({ startS: 0, endS: duration })
  })

  it('is nothing where it is not known, or the codec has none', () => {
    expect(trimOf({ ...mp3, delay_samples: 0, padding_samples: 0 }, 60).startS).toBe(0)
    expect(trimOf(track('f'), 60)).toEqual({ startS: 0, endS: 60 })
    expect(trimOf(mp3, Infinity).startS).toBe(0)
  })
})
