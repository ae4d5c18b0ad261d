/** What sounds are called, and how their values are written. */
import { clock } from '../format'
import type { SoundValue } from '../api/types'

export const KEYS = ['C', 'C♯/D♭', 'D', 'D♯/E♭', 'E', 'F', 'F♯/G♭', 'G', 'G♯/A♭', 'A', 'A♯/B♭', 'B']
const CAMELOT = {
  major: ['8B', '3B', '10B', '5B', '12B', '7B', '2B', '9B', '4B', '11B', '6B', '1B'],
  minor: ['5A', '12A', '7A', '2A', '9A', '4A', '11A', '6A', '1A', '8A', '3A', '10A'],
}

/** `A minor`; the mode is left out where it is not known. */
export function keyName(key: number, mode: number | null | undefined): string {
  const name = KEYS[((Math.round(key) % 12) + 12) % 12] ?? ''
  return mode === null || mode === undefined ? name : `${name} ${mode >= 0.5 ? 'major' : 'minor'}`
}

/** `Am`, `C`, `F♯`: for narrow columns. */
export function keyShort(key: number, mode: number | null): string {
  return `${keyName(key, null).split('/')[0]}${mode !== null && mode < 0.5 ? 'm' : ''}`
}

/** The code that DJs mix by: 8B is C major, 8A is A minor. */
export function camelot(key: number, mode: number): string {
  return CAMELOT[mode >= 0.5 ? 'major' : 'minor'][((Math.round(key) % 12) + 12) % 12] ?? ''
}

export interface Proxy {
  name: string
  label: string
  /** `… than 83 % of your library` */
  than: string
  about: string
}

export const PROXIES: Proxy[] = [
  {
    name: 'energy',
    label: 'Energy',
    than: 'More energetic',
    about: 'From how dense and strong the onsets are, and how bright and noisy the sound is. Loudness is not part of it.',
  },
  {
    name: 'danceability',
    label: 'Danceability',
    than: 'More danceable',
    about: 'From how regular the pulse is, how near the tempo is to that of dance music, and how much bass there is.',
  },
  {
    name: 'valence',
    label: 'Valence',
    than: 'Brighter in mood',
    about: 'From major against minor, tempo and brightness. It does not know words, and moods are in the ear.',
  },
  {
    name: 'acousticness',
    label: 'Acousticness',
    than: 'More acoustic',
    about: 'From tones rather than noise, a softer treble and livelier levels, as instruments without amplifiers have them.',
  },
  {
    name: 'instrumentalness',
    label: 'Instrumentalness',
    than: 'More instrumental',
    about: 'From how little is in the bands, the rhythm of syllables and the gliding pitch of voices.',
  },
  {
    name: 'speechiness',
    label: 'Speechiness',
    than: 'More spoken',
    about: 'From how much of it sounds like speech: high in podcasts and audiobooks, some in rap.',
  },
  {
    name: 'liveness',
    label: 'Liveness',
    than: 'More like a concert',
    about: 'From the noise of a room between the notes, and of applause at the ends.',
  },
]

export function percent(share: number): string {
  return `${Math.round(share * 100)}\u00a0%`
}

/** `More energetic than 83 % of your library`; nothing where the library is not told. */
export function beside(than: string, percentile: number | null): string | null {
  return percentile === null ? null : `${than} than ${Math.round(percentile)}\u00a0% of your library`
}

export interface Measure {
  /** The first of these that the analysis has. */
  names: string[]
  label: string
  write: (value: number) => string
  than?: string
  about: string
}

const one = (unit: string) => (value: number) => `${value.toFixed(1).replace('-', '−')} ${unit}`

/** The values beside tempo and key, in the order they are shown. */
export const MEASURES: Measure[] = [
  { names: ['tempo_bpm'], label: 'Tempo', write: one('BPM'), than: 'Faster', about: 'Beats a minute. Half and double are easily confused.' },
  { names: ['time_signature'], label: 'Time signature', write: (value) => `${Math.round(value)}/4`, about: 'Beats in a bar.' },
  { names: ['loudness_lufs'], label: 'Loudness', write: one('LUFS'), than: 'Louder', about: 'Integrated, by EBU R 128.' },
  { names: ['loudness_range_lu', 'loudness_range'], label: 'Loudness range', write: one('LU'), about: 'Between quiet and loud parts, by EBU Tech 3342.' },
  { names: ['true_peak_dbtp', 'true_peak_db'], label: 'True peak', write: one('dBTP'), about: 'The highest the signal gets between its samples. Above 0 it may clip.' },
  { names: ['dynamic_complexity_db'], label: 'Dynamic complexity', write: one('dB'), about: 'How far the level moves around its mean.' },
]

export const MOMENTS = [
  { name: 'silence_head_s', label: 'Silence at the start' },
  { name: 'cue_in_s', label: 'Cue in' },
  { name: 'intro_end_s', label: 'Intro ends' },
  { name: 'outro_start_s', label: 'Outro starts' },
  { name: 'cue_out_s', label: 'Cue out' },
  { name: 'silence_tail_s', label: 'Silence at the end' },
] as const

/** Silences are lengths; the rest are moments. */
export function momentText(name: string, value: number): string {
  return name.startsWith('silence') ? `${value.toFixed(1)} s` : clock(value * 1000)
}

export function confidenceText(value: SoundValue): string {
  return value.origin === 'corrected' ? 'corrected by hand' : `confidence ${percent(value.confidence)}`
}
