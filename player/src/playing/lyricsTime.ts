/** Which line is sung. */
import type { Lyrics } from '../api/types'

/** The lyrics to show: in time if there are any such, else the first. */
export function bestLyrics(items: readonly Lyrics[]): Lyrics | null {
  return items.find((each) => each.synced && each.lines.length > 0) ?? items.find((each) => each.lines.length > 0) ?? null
}

/** When the line at `index` is sung. A positive offset means sooner. */
export function lineAt(lyrics: Lyrics, index: number): number | null {
  const start = lyrics.lines[index]?.start_ms
  return start === null || start === undefined ? null : Math.max(0, start - lyrics.offset_ms)
}

/** The last line that began by `positionMs`, -1 before the first. */
export function lineNow(lyrics: Lyrics, positionMs: number): number {
  if (!lyrics.synced) return -1
  let found = -1
  for (let i = 0; i < lyrics.lines.length; i += 1) {
    const at = lineAt(lyrics, i)
    if (at !== null && at <= positionMs) found = i
  }
  return found
}
