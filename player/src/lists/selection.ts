/** Which rows of a list are selected, by index: clicks with and without Shift and Ctrl, and their counterparts on the keyboard. */

export interface Selection {
  readonly rows: ReadonlySet<number>
  /** Where a range starts. */
  readonly anchor: number
  /** The row the keyboard is at. */
  readonly active: number
}

export const EMPTY: Selection = { rows: new Set(), anchor: 0, active: 0 }

export interface Keys {
  shiftKey: boolean
  ctrlKey: boolean
  metaKey: boolean
}

function span(from: number, to: number): number[] {
  const [low, high] = from < to ? [from, to] : [to, from]
  return Array.from({ length: high - low + 1 }, (_, offset) => low + offset)
}

export function toggle(selection: Selection, index: number): Selection {
  const rows = new Set(selection.rows)
  if (!rows.delete(index)) rows.add(index)
  return { rows, anchor: index, active: index }
}

/** From the anchor to `index`; with `add`, what was selected stays. */
export function extend(selection: Selection, index: number, add = false): Selection {
  const rows = new Set(add ? selection.rows : [])
  for (const row of span(selection.anchor, index)) rows.add(row)
  return { rows, anchor: selection.anchor, active: index }
}

export function only(index: number): Selection {
  return { rows: new Set([index]), anchor: index, active: index }
}

export function all(total: number, active: number): Selection {
  return { rows: new Set(Array.from({ length: total }, (_, index) => index)), anchor: 0, active }
}

export function click(selection: Selection, index: number, keys: Keys): Selection {
  if (keys.shiftKey) return extend(selection, index, keys.ctrlKey || keys.metaKey)
  if (keys.ctrlKey || keys.metaKey) return toggle(selection, index)
  return only(index)
}

/** Moves the keyboard's row; with Shift the selection follows. Stays within 0..total-1. */
export function move(selection: Selection, to: number, total: number, keys: Keys): Selection {
  const index = Math.max(0, Math.min(total - 1, to))
  if (keys.shiftKey) {
    const anchored = selection.rows.size === 0 ? { ...selection, anchor: selection.active } : selection
    return extend(anchored, index)
  }
  return { rows: selection.rows, anchor: index, active: index }
}

/** What a context menu on `index` is about: the selection if the row is in it, else the row alone. */
export function target(selection: Selection, index: number): number[] {
  return selection.rows.has(index) ? [...selection.rows].sort((a, b) => a - b) : [index]
}
