/** The geometry of the map: views, points found by place, and the tracks along a path. Pure; no canvas, no page. */

export interface Point {
  x: number
  y: number
}

/** `scale`: pixels per unit of the map. The map's y goes up, the screen's down. */
export interface View {
  x: number
  y: number
  scale: number
}

export interface Size {
  width: number
  height: number
}

const CELLS = 128
const MOST_SCALE = 400_000
/** A path leads through at most this many tracks. */
export const MOST_ALONG = 100

export interface Bounds {
  left: number
  right: number
  low: number
  high: number
}

const WHOLE: Bounds = { left: -1, right: 1, low: -1, high: 1 }
const MARGIN_PX = 48

/** The whole map, or where its points are, with a margin. */
export function fit({ width, height }: Size, bounds: Bounds = WHOLE): View {
  const room = (length: number) => Math.max(length - 2 * MARGIN_PX, length / 2)
  const scale = Math.min(room(width) / (bounds.right - bounds.left), room(height) / (bounds.high - bounds.low))
  return { x: (bounds.left + bounds.right) / 2, y: (bounds.low + bounds.high) / 2, scale: Math.max(1, scale) }
}

export function toScreen(point: Point, view: View, size: Size): Point {
  return { x: (point.x - view.x) * view.scale + size.width / 2, y: (view.y - point.y) * view.scale + size.height / 2 }
}

export function toMap(at: Point, view: View, size: Size): Point {
  return { x: (at.x - size.width / 2) / view.scale + view.x, y: view.y - (at.y - size.height / 2) / view.scale }
}

/** Moved by pixels; the centre stays on the map. */
export function pan(view: View, dx: number, dy: number): View {
  return { ...view, x: hold(view.x - dx / view.scale), y: hold(view.y + dy / view.scale) }
}

/** Zoomed by a factor so that what is `at` on the screen stays there; from half of the whole to a few hundred thousand times. */
export function zoom(view: View, by: number, at: Point, size: Size): View {
  const scale = Math.min(MOST_SCALE, Math.max(fit(size).scale / 2, view.scale * by))
  const fixed = toMap(at, view, size)
  return {
    scale,
    x: hold(fixed.x - (at.x - size.width / 2) / scale),
    y: hold(fixed.y + (at.y - size.height / 2) / scale),
  }
}

function hold(value: number): number {
  return Math.min(1, Math.max(-1, value))
}

/** Points in cells of a grid over -1..1, so that few are looked at for each question. */
export class Plane {
  readonly x: Float32Array
  readonly y: Float32Array
  /** The least box around all points, no smaller than a tenth of the map. */
  readonly bounds: Bounds
  /** Where each cell's points begin in `order`. */
  private readonly starts: Uint32Array
  private readonly order: Uint32Array

  constructor(x: ArrayLike<number>, y: ArrayLike<number>) {
    this.x = Float32Array.from(x)
    this.y = Float32Array.from(y)
    const n = this.x.length
    this.bounds = boundsOf(this.x, this.y)
    this.starts = new Uint32Array(CELLS * CELLS + 1)
    const cells = new Uint32Array(n)
    for (let at = 0; at < n; at += 1) {
      const cell = cellOf(this.y[at] ?? 0) * CELLS + cellOf(this.x[at] ?? 0)
      cells[at] = cell
      this.starts[cell + 1] = (this.starts[cell + 1] ?? 0) + 1
    }
    for (let cell = 0; cell < CELLS * CELLS; cell += 1) this.starts[cell + 1] = (this.starts[cell + 1] ?? 0) + (this.starts[cell] ?? 0)
    this.order = new Uint32Array(n)
    const next = this.starts.slice()
    for (let at = 0; at < n; at += 1) {
      const cell = cells[at] ?? 0
      this.order[next[cell] ?? 0] = at
      next[cell] = (next[cell] ?? 0) + 1
    }
  }

  get length(): number {
    return this.x.length
  }

  /** Calls with every point in the cells that touch the box: some of them lie a cell outside. */
  near(from: Point, to: Point, call: (index: number) => void): void {
    const [left, right] = [cellOf(Math.min(from.x, to.x)), cellOf(Math.max(from.x, to.x))]
    const [low, high] = [cellOf(Math.min(from.y, to.y)), cellOf(Math.max(from.y, to.y))]
    for (let row = low; row <= high; row += 1) {
      const end = this.starts[row * CELLS + right + 1] ?? 0
      for (let at = this.starts[row * CELLS + left] ?? 0; at < end; at += 1) call(this.order[at] ?? 0)
    }
  }

  /** The point nearest to a place, no further than `within`; -1 for none. */
  nearest(place: Point, within: number): number {
    let best = -1
    let least = within * within
    this.near({ x: place.x - within, y: place.y - within }, { x: place.x + within, y: place.y + within }, (index) => {
      const far = ((this.x[index] ?? 0) - place.x) ** 2 + ((this.y[index] ?? 0) - place.y) ** 2
      if (far <= least) {
        least = far
        best = index
      }
    })
    return best
  }

  /** The points no further than `within` from a path, in the order the path passes them; thinned evenly to `MOST_ALONG`. */
  along(path: Point[], within: number): number[] {
    const found = new Map<number, { far: number; at: number }>()
    let passed = 0
    for (let leg = 0; leg + 1 < path.length; leg += 1) {
      const [a, b] = [path[leg] as Point, path[leg + 1] as Point]
      const length = Math.hypot(b.x - a.x, b.y - a.y)
      this.near(
        { x: Math.min(a.x, b.x) - within, y: Math.min(a.y, b.y) - within },
        { x: Math.max(a.x, b.x) + within, y: Math.max(a.y, b.y) + within },
        (index) => {
          const [px, py] = [this.x[index] ?? 0, this.y[index] ?? 0]
          const t = length > 0 ? Math.min(1, Math.max(0, ((px - a.x) * (b.x - a.x) + (py - a.y) * (b.y - a.y)) / length ** 2)) : 0
          const far = Math.hypot(px - a.x - t * (b.x - a.x), py - a.y - t * (b.y - a.y))
          const known = found.get(index)
          if (far <= within && (!known || far < known.far)) found.set(index, { far, at: passed + t * length })
        },
      )
      passed += length
    }
    const all = [...found].sort(([, a], [, b]) => a.at - b.at).map(([index]) => index)
    if (all.length <= MOST_ALONG) return all
    return Array.from({ length: MOST_ALONG }, (_, step) => all[Math.floor((step * all.length) / MOST_ALONG)] as number)
  }
}

function boundsOf(x: Float32Array, y: Float32Array): Bounds {
  if (x.length === 0) return WHOLE
  const [left, right] = ends(x)
  const [low, high] = ends(y)
  return { left, right, low, high }
}

function ends(values: Float32Array): [number, number] {
  let [least, most] = [1, -1]
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  const more = Math.max(0, 0.2 - (most - least)) / 2
  return [least - more, most + more]
}

function cellOf(value: number): number {
  return Math.min(CELLS - 1, Math.max(0, Math.floor(((value + 1) / 2) * CELLS)))
}

/** The genres with most points, at most `most`: for each genre its colour, or -1. */
export function ranked(genre: ArrayLike<number>, genres: number, most: number): { top: { genre: number; count: number }[]; colour: Int16Array } {
  const counts = new Uint32Array(genres)
  for (let at = 0; at < genre.length; at += 1) {
    const one = genre[at] ?? -1
    if (one >= 0 && one < genres) counts[one] = (counts[one] ?? 0) + 1
  }
  const top = [...counts]
    .map((count, index) => ({ genre: index, count }))
    .filter((one) => one.count > 0)
    .sort((a, b) => b.count - a.count || a.genre - b.genre)
    .slice(0, most)
  const colour = new Int16Array(genres).fill(-1)
  top.forEach((one, rank) => (colour[one.genre] = rank))
  return { top, colour }
}
