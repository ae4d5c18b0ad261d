/** Long lists are read a page at a time, only where one looks. Pure arithmetic; indices are from 0, `end` is exclusive. */

export const PAGE = 100

/** The pages that cover rows `start`..`end` of `total` rows; `total` null while unknown (then the first page of the range). */
export function pagesFor(start: number, end: number, total: number | null, size = PAGE): number[] {
  if (total === 0) return []
  const first = Math.max(0, Math.floor(start / size))
  if (total === null) return [first]
  const last = Math.min(Math.ceil(total / size) - 1, Math.floor(Math.max(start, end - 1) / size))
  const pages = []
  for (let page = Math.min(first, last); page <= last; page += 1) pages.push(page)
  return pages
}

/** Groups row indices by page, in ascending order. */
export function byPage(indices: Iterable<number>, size = PAGE): Map<number, number[]> {
  const pages = new Map<number, number[]>()
  for (const index of [...indices].sort((a, b) => a - b)) {
    const page = Math.floor(index / size)
    const rows = pages.get(page)
    if (rows) rows.push(index)
    else pages.set(page, [index])
  }
  return pages
}

/**
 * Moves the items at `indices` so that they stand, in their order, before what was at `to` (0..length).
 * Returns the new list and where the first of them now is.
 */
export function moveItems<T>(list: readonly T[], indices: Iterable<number>, to: number): { list: T[]; at: number } {
  const chosen = new Set(indices)
  const taken: T[] = []
  const before: T[] = []
  const after: T[] = []
  list.forEach((item, index) => {
    if (chosen.has(index)) taken.push(item)
    else if (index < to) before.push(item)
    else after.push(item)
  })
  return { list: [...before, ...taken, ...after], at: before.length }
}
