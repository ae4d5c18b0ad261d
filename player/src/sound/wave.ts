/** Arithmetic of the waveform: what is in view, and the shapes drawn. Seconds throughout; pure. */

export interface View {
  startS: number
  endS: number
}

/** The shortest stretch one can look at. */
export const CLOSEST_S = 8
/** More marks than this are not beats any more but a grey bar. */
export const MOST_BEATS = 160

export function whole(durationS: number): View {
  return { startS: 0, endS: durationS }
}

/** A stretch of `spanS` around `atS`, held within the track. */
export function around(atS: number, spanS: number, durationS: number): View {
  const span = Math.min(durationS, Math.max(Math.min(CLOSEST_S, durationS), spanS))
  const startS = Math.min(Math.max(0, atS - span / 2), durationS - span)
  return { startS, endS: startS + span }
}

/** 0..1 across the view, for what may lie outside of it. */
export function share(atS: number, view: View): number {
  return (atS - view.startS) / (view.endS - view.startS)
}

export function within(atS: number, view: View): boolean {
  return atS >= view.startS && atS <= view.endS
}

/** Bars of equal width as one path in a box of 1000 by 100, mirrored around the middle. */
export function bars(peaks: number[], durationS: number, view: View): string {
  if (peaks.length === 0) return ''
  const each = durationS / peaks.length
  const first = Math.max(0, Math.floor(view.startS / each))
  const last = Math.min(peaks.length, Math.ceil(view.endS / each))
  const width = (each / (view.endS - view.startS)) * 1000
  let path = ''
  for (let at = first; at < last; at += 1) {
    const half = Math.max(0.6, ((peaks[at] ?? 0) / 255) * 49)
    const x = share(at * each, view) * 1000 + width * 0.12
    path += `M${x.toFixed(2)} ${(50 - half).toFixed(1)}h${(width * 0.76).toFixed(2)}v${(half * 2).toFixed(1)}h-${(width * 0.76).toFixed(2)}z`
  }
  return path
}

export interface Tick {
  atS: number
  strong: boolean
}

/** Beats in view, downbeats strong; only the downbeats where beats would lie too close, none where those would too. */
export function ticks(beats: number[], downbeats: number[], view: View): Tick[] {
  const strong = new Set(downbeats.map((at) => Math.round(at * 100)))
  const seen = beats.filter((at) => within(at, view)).map((atS) => ({ atS, strong: strong.has(Math.round(atS * 100)) }))
  if (seen.length <= MOST_BEATS) return seen
  const bars = downbeats.filter((at) => within(at, view)).map((atS) => ({ atS, strong: true }))
  return bars.length <= MOST_BEATS ? bars : []
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]

/** Round moments to write under the view, at most eight. */
export function ruler(view: View): number[] {
  const step = STEPS.find((each) => (view.endS - view.startS) / each <= 8) ?? 7200
  const found = []
  for (let at = Math.ceil(view.startS / step) * step; at <= view.endS; at += step) found.push(at)
  return found
}
