import { describe, expect, it } from 'vitest'
import { seeded } from '../engine/fixtures'
import { fit, MOST_ALONG, pan, Plane, ranked, toMap, toScreen, zoom } from './plane'

const size = { width: 800, height: 600 }

function cloud(n: number) {
  const chance = seeded()
  const draw = () => Array.from({ length: n }, () => chance() * 2 - 1)
  return { x: draw(), y: draw() }
}

describe('the view', () => {
  it('goes to the map and back', () => {
    const view = zoom(fit(size), 3, { x: 100, y: 50 }, size)
    const there = toScreen({ x: 0.2, y: -0.3 }, view, size)
    const back = toMap(there, view, size)
    expect(back.x).toBeCloseTo(0.2)
    expect(back.y).toBeCloseTo(-0.3)
  })
  it('keeps what is under the pointer while zooming', () => {
    const view = fit(size)
    const at = { x: 500, y: 200 }
    const before = toMap(at, view, size)
    const after = toMap(at, zoom(view, 2, at, size), size)
    expect(after.x).toBeCloseTo(before.x)
    expect(after.y).toBeCloseTo(before.y)
  })
  it('never leaves the map', () => {
    expect(pan(fit(size), 1e6, -1e6)).toMatchObject({ x: -1, y: -1 })
    expect(zoom(fit(size), 1e-9, { x: 0, y: 0 }, size).scale).toBeCloseTo(fit(size).scale / 2)
  })
})

describe('finding', () => {
  it('the nearest of many, as looking at all of them does', () => {
    const { x, y } = cloud(3_000)
    const plane = new Plane(x, y)
    const chance = seeded(11)
    for (let round = 0; round < 50; round += 1) {
      const place = { x: chance() * 2 - 1, y: chance() * 2 - 1 }
      const far = (at: number) => ((plane.x[at] ?? 0) - place.x) ** 2 + ((plane.y[at] ?? 0) - place.y) ** 2
      const wanted = x.map((_, at) => at).reduce((best, at) => (far(at) < far(best) ? at : best), 0)
      expect(plane.nearest(place, 3)).toBe(wanted)
    }
    expect(plane.nearest({ x: 0, y: 0 }, 1e-9)).toBe(-1)
    expect(new Plane([], []).nearest({ x: 0, y: 0 }, 2)).toBe(-1)
  })
  it('what lies along a path, in its order, once', () => {
    const plane = new Plane([0.5, -0.5, 0, 0, 0.9], [0.01, 0, -0.01, 0.4, 0.9])
    const path = [
      { x: -0.8, y: 0 },
      { x: 0.8, y: 0 },
      { x: -0.8, y: 0 },
    ]
    expect(plane.along(path, 0.05)).toEqual([1, 2, 0])
    expect(plane.along([{ x: 0.8, y: 0 }], 0.05)).toEqual([])
  })
  it('thins a path through very many', () => {
    const { x, y } = cloud(20_000)
    const along = new Plane(x, y).along([{ x: -1, y: 0 }, { x: 1, y: 0 }], 0.2)
    expect(along).toHaveLength(MOST_ALONG)
    expect(new Set(along).size).toBe(MOST_ALONG)
  })
})

it('colours the most frequent genres', () => {
  const { top, colour } = ranked([2, 2, 0, -1, 2, 0, 1, 7], 3, 2)
  expect(top).toEqual([
    { genre: 2, count: 3 },
    { genre: 0, count: 2 },
  ])
  expect([...colour]).toEqual([1, -1, 0])
})
