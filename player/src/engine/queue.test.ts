import { describe, expect, it } from 'vitest'
import { seeded, track } from './fixtures'
import * as queues from './queue'
import type { Queue } from './queue'

const tracks = ['a', 'b', 'c', 'd', 'e'].map((id) => track(id))
const make = (index = 0, shuffled = false) => queues.replace(queues.itemsOf(tracks), index, shuffled, seeded())
const ids = (queue: Queue) => queue.items.map((item) => item.track.id).join('')
const current = (queue: Queue) => queue.items[queue.index]?.track.id

describe('the queue', () => {
  it('plays from the chosen track and keeps what stands before it', () => {
    const queue = make(2)
    expect([ids(queue), current(queue)]).toEqual(['abcde', 'c'])
  })

  it('is empty for no tracks, and bounded for too many', () => {
    expect(queues.replace([], 3, false)).toEqual(queues.empty)
    const many = queues.itemsOf(Array.from({ length: queues.LONGEST + 50 }, (_, n) => track(String(n))))
    const queue = queues.replace(many, queues.LONGEST + 10, false)
    expect(queue.items).toHaveLength(queues.LONGEST)
    expect(current(queue)).toBe(String(queues.LONGEST + 10))
  })

  it('puts what plays next right after the current one, the latest first', () => {
    let queue = queues.insertNext(make(1), queues.itemsOf([track('x'), track('y')]))
    queue = queues.insertNext(queue, queues.itemsOf([track('z')]))
    expect([ids(queue), current(queue)]).toEqual(['abzxycde', 'b'])
  })

  it('keeps the current track current through every move', () => {
    for (let from = 0; from < 5; from += 1) {
      for (let to = 0; to < 5; to += 1) {
        const moved = queues.move(make(2), from, to)
        expect(current(moved)).toBe('c')
        expect(moved.items[to]?.track.id).toBe(tracks[from]?.id)
        expect([...ids(moved)].sort().join('')).toBe('abcde')
      }
    }
  })

  it('lets the next track take the place of a removed current one', () => {
    expect(current(queues.removeAt(make(2), 2))).toBe('d')
    expect(current(queues.removeAt(make(2), 0))).toBe('c')
    expect(current(queues.removeAt(make(4), 4))).toBe('d')
    expect(queues.removeAt(queues.replace(queues.itemsOf([track('a')]), 0, false), 0)).toEqual(queues.empty)
    expect(queues.removeAt(make(), 99)).toEqual(expect.objectContaining({ index: 0 }))
  })

  it('clears all but what plays', () => {
    expect(ids(queues.clear(make(3), true))).toBe('d')
    expect(queues.clear(make(3), false)).toEqual(queues.empty)
  })

  it('tells what follows', () => {
    expect(queues.following(make(4), 'off', 'end')).toBeNull()
    expect(queues.following(make(4), 'all', 'end')).toBe(0)
    expect(queues.following(make(1), 'one', 'end')).toBe(1)
    expect(queues.following(make(1), 'one', 'press')).toBe(2)
    expect(queues.following(queues.empty, 'all', 'press')).toBeNull()
    expect(queues.preceding(make(0), 'off')).toBeNull()
    expect(queues.preceding(make(0), 'all')).toBe(4)
  })
})

describe('shuffle', () => {
  it('leaves history and the current track where they are', () => {
    const queue = queues.shuffle(make(2), seeded())
    expect(ids(queue).slice(0, 3)).toBe('abc')
    expect([...ids(queue)].sort().join('')).toBe('abcde')
  })

  it('puts everything back, and what came in between where it was put', () => {
    let queue = queues.shuffle(make(1), seeded())
    queue = queues.insertNext(queue, queues.itemsOf([track('x')]))
    queue = queues.append(queue, queues.itemsOf([track('y')]))
    queue = queues.removeAt(
      queue,
      queue.items.findIndex((item) => item.track.id === 'd'),
    )
    const back = queues.unshuffle(queue)
    expect([ids(back), current(back), back.natural]).toEqual(['abxcey', 'b', null])
  })

  it('starts with the chosen track', () => {
    const queue = make(3, true)
    expect([current(queue), queue.index]).toEqual(['d', 0])
    expect(ids(queues.unshuffle(queue))).toBe('abcde')
  })

  it('does nothing twice', () => {
    const once = queues.shuffle(make(0), seeded())
    expect(queues.shuffle(once, seeded(9))).toBe(once)
  })
})

describe('continuing a release', () => {
  it('is the next number on the same disc, or the first of the next', () => {
    const a = track('a', { number: 3, disc: 1 })
    expect(queues.continues(a, track('b', { number: 4, disc: 1 }))).toBe(true)
    expect(queues.continues(a, track('b', { number: 1, disc: 2 }))).toBe(true)
    expect(queues.continues(a, track('b', { number: 5 }))).toBe(false)
    expect(queues.continues(a, track('b', { number: 4, release_id: 'other' }))).toBe(false)
    expect(queues.continues(track('a', { release_id: null }), track('b', { release_id: null, number: 2 }))).toBe(false)
  })
})

describe('a queue that another device changed', () => {
  const edit = (queue: Queue, told: Queue['items'], order: string, index: number) =>
    queues.replaceTold(queue, told, queues.rearranged(told, [...order], [track('x'), track('y')]), index)

  it('keeps the items it still has, and what plays', () => {
    const queue = make(1)
    const changed = edit(queue, queue.items, 'exbc', 0)
    expect([ids(changed), current(changed)]).toEqual(['exbc', 'b'])
    expect(changed.items[2]).toBe(queue.items[1])
  })

  it('goes to where the other one is when what plays was removed', () => {
    const queue = make(1)
    expect(current(edit(queue, queue.items, 'acde', 1))).toBe('c')
    expect(current(edit(queue, queue.items, 'a', 9))).toBe('a')
    const alone = edit(queue, queue.items, '', 0)
    expect([ids(alone), current(alone)]).toEqual(['b', 'b'])
  })

  it('has one item for each time a track is in it, and drops what nobody knows', () => {
    const queue = make(0)
    const changed = edit(queue, queue.items, 'ayyazb', 0)
    expect(ids(changed)).toBe('ayyb')
    expect(new Set(changed.items.map((item) => item.key)).size).toBe(4)
  })

  it('changes only the stretch that the other one knew of', () => {
    const queue = make(2)
    expect(ids(edit(queue, queue.items.slice(1, 4), 'dcx', 0))).toBe('adcxe')
    const other = make(0)
    expect(edit(other, queue.items, 'x', 0)).toBe(other)
  })

  it('can still be put back into its own order', () => {
    const queue = make(0, true)
    const changed = edit(queue, queue.items, `${ids(queue).replace('c', '')}x`, 0)
    expect(ids(queues.unshuffle(changed))).toBe('abdex')
  })
})
