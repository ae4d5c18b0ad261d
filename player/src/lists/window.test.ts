import { describe, expect, it } from 'vitest'
import { byPage, moveItems, pagesFor } from './window'

describe('pagesFor', () => {
  it('covers exactly the rows in view', () => {
    expect(pagesFor(0, 20, 1000)).toEqual([0])
    expect(pagesFor(95, 105, 1000)).toEqual([0, 1])
    expect(pagesFor(200, 300, 1000)).toEqual([2])
    expect(pagesFor(99_950, 100_000, 100_000)).toEqual([999])
  })
  it('never asks past the end', () => {
    expect(pagesFor(0, 500, 120)).toEqual([0, 1])
    expect(pagesFor(900, 950, 120)).toEqual([1])
    expect(pagesFor(0, 10, 0)).toEqual([])
  })
  it('asks one page while the length is unknown', () => {
    expect(pagesFor(0, 50, null)).toEqual([0])
    expect(pagesFor(250, 600, null)).toEqual([2])
  })
  it('survives an empty view', () => {
    expect(pagesFor(0, 0, 10)).toEqual([0])
  })
})

describe('byPage', () => {
  it('keeps every row once, in order', () => {
    const pages = byPage(new Set([250, 3, 99, 100]))
    expect([...pages]).toEqual([
      [0, [3, 99]],
      [1, [100]],
      [2, [250]],
    ])
  })
})

describe('moveItems', () => {
  const list = ['a', 'b', 'c', 'd', 'e']
  it('moves one down and up', () => {
    expect(moveItems(list, [0], 2)).toEqual({ list: ['b', 'a', 'c', 'd', 'e'], at: 1 })
    expect(moveItems(list, [4], 0)).toEqual({ list: ['e', 'a', 'b', 'c', 'd'], at: 0 })
  })
  it('gathers several in their order', () => {
    expect(moveItems(list, [3, 0], 5)).toEqual({ list: ['b', 'c', 'e', 'a', 'd'], at: 3 })
  })
  it('loses nothing, wherever it falls', () => {
    for (let to = 0; to <= list.length; to += 1) {
      for (let mask = 0; mask < 32; mask += 1) {
        const chosen = list.flatMap((_, index) => (mask & (1 << index) ? [index] : []))
        expect(moveItems(list, chosen, to).list.toSorted()).toEqual(list)
      }
    }
  })
  it('leaves the list alone when nothing would change', () => {
    expect(moveItems(list, [1], 1).list).toEqual(list)
    expect(moveItems(list, [1], 2).list).toEqual(list)
  })
})
