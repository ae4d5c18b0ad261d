/** The part of the track list's address that is about sound. */

export interface SoundParams extends Record<string, string | null> {
  /** `90..120`, `90..`, `..120`, in BPM */
  tempo: string | null
  /** `0.5..`, 0..1 */
  energy: string | null
  key: string | null
  mode: string | null
}

/** What makes no sense is left out, so that an address typed wrongly still shows a list. */
export function soundOf(params: URLSearchParams): SoundParams {
  const range = (name: string) => {
    const text = params.get(name) ?? ''
    return /^\d*\.?\d*\.\.\d*\.?\d*$/.test(text) && text !== '..' ? text : null
  }
  const whole = (name: string, most: number) => {
    const text = params.get(name) ?? ''
    return /^\d+$/.test(text) && Number(text) <= most ? text : null
  }
  return { tempo: range('tempo'), energy: range('energy'), key: whole('key', 11), mode: whole('mode', 1) }
}

/** The two boxes of a range, in units of `1 / scale`. */
export function boundsOf(range: string | null, scale: number): [string, string] {
  const [from = '', to = ''] = (range ?? '..').split('..')
  const shown = (text: string) => (text ? String(Math.round(Number(text) * scale * 10) / 10) : '')
  return [shown(from), shown(to)]
}

/** Back again; `''` where both boxes are empty. Bounds the wrong way around are turned. */
export function rangeOf(bounds: [string, string], scale: number): string {
  const [low, high] = bounds.map((text) => {
    const value = Number(text)
    return text.trim() && Number.isFinite(value) && value >= 0 ? value / scale : null
  })
  if (low === null || low === undefined) return high === null || high === undefined ? '' : `..${high}`
  if (high === null || high === undefined) return `${low}..`
  return low <= high ? `${low}..${high}` : `${high}..${low}`
}
