import { describe, expect, it } from 'vitest'
import { track } from './fixtures'
import { wire } from './keep'
import { itemsOfSlate, queryFor, runsDry } from './next'
import { itemsOf, replace } from './queue'

const queue = (length: number, index: number) => replace(itemsOf(Array.from({ length }, (_, n) => track(`t${n}`))), index, false)

describe('asking what comes next', () => {
  it('is due with two tracks left', () => {
    expect([0, 1, 2, 3].map((index) => runsDry(queue(5, index)))).toEqual([false, false, true, true])
    expect(runsDry(queue(0, 0))).toBe(false)
  })

  it('seeds with what was played last, newest first, without what was skipped', () => {
    const query = queryFor(queue(10, 6), null, ['t5'], 's', 0.4)
    expect(query.seeds).toEqual(['t6', 't4', 't3', 't2'])
    expect(query).toMatchObject({ n: 10, discovery: 0.4, context: { skipped: ['t5'], session_id: 's' } })
    expect(query.context?.queue).toContain('t9')
  })

  it('keeps to a radio’s own seeds', () => {
    expect(queryFor(queue(10, 6), ['r1', 'r2'], [], 's', 0).seeds).toEqual(['r1', 'r2'])
  })

  it('remembers where each item came from', () => {
    const reasons = [{ code: 'kindred', text: 'because you played A', evidence: null }]
    const items = itemsOfSlate(
      { id: 'slate', generation: null, degraded: [], message: null, items: [{ track: track('x'), score: 1, source: 'kindred', reasons }] },
      'next',
    )
    expect(items[0]).toMatchObject({ origin: 'next', source: 'kindred', reasons, context: { slate_id: 'slate', rank: 0 } })
  })
})

describe('what the server is told of the queue', () => {
  it('is the queue', () => {
    expect(wire(queue(3, 1), 1234.6, 100)).toEqual({ track_ids: ['t0', 't1', 't2'], index: 1, position_ms: 1235 })
  })

  it('is what stands around the current track if it is long', () => {
    for (const index of [0, 10, 50, 95, 99]) {
      const told = wire(queue(100, index), 0, 20)
      expect(told.track_ids).toHaveLength(20)
      expect(told.track_ids[told.index]).toBe(`t${index}`)
    }
  })
})
