import { describe, expect, it } from 'vitest'
import { all, click, EMPTY, move, only, target, toggle } from './selection'

const plain = { shiftKey: false, ctrlKey: false, metaKey: false }
const shift = { ...plain, shiftKey: true }
const control = { ...plain, ctrlKey: true }
const rows = (selection: { rows: ReadonlySet<number> }) => [...selection.rows].sort((a, b) => a - b)

describe('clicks', () => {
  it('takes one row, and another in its place', () => {
    expect(rows(click(click(EMPTY, 3, plain), 7, plain))).toEqual([7])
  })
  it('reaches from the anchor with Shift, either way, and again', () => {
    const from = click(EMPTY, 5, plain)
    expect(rows(click(from, 8, shift))).toEqual([5, 6, 7, 8])
    expect(rows(click(click(from, 8, shift), 3, shift))).toEqual([3, 4, 5])
  })
  it('adds and takes away with Ctrl', () => {
    const two = click(click(EMPTY, 1, plain), 4, control)
    expect(rows(two)).toEqual([1, 4])
    expect(rows(click(two, 1, control))).toEqual([4])
  })
  it('adds a reach with Ctrl and Shift together', () => {
    const two = click(click(EMPTY, 1, plain), 4, control)
    expect(rows(click(two, 6, { ...control, shiftKey: true }))).toEqual([1, 4, 5, 6])
  })
})

describe('the keyboard', () => {
  it('moves without selecting, and stays inside', () => {
    expect(move(EMPTY, -1, 10, plain)).toMatchObject({ active: 0 })
    expect(move(EMPTY, 99, 10, plain)).toMatchObject({ active: 9 })
    expect(rows(move(EMPTY, 5, 10, plain))).toEqual([])
  })
  it('selects from where it stood with Shift', () => {
    const at = move(EMPTY, 4, 10, plain)
    expect(rows(move(at, 5, 10, shift))).toEqual([4, 5])
    expect(rows(move(move(at, 5, 10, shift), 4, 10, shift))).toEqual([4])
  })
  it('takes everything', () => {
    expect(all(100_000, 0).rows.size).toBe(100_000)
  })
})

describe('what a menu is about', () => {
  it('is the selection when the row is in it, else the row', () => {
    const two = toggle(only(9), 2)
    expect(target(two, 2)).toEqual([2, 9])
    expect(target(two, 5)).toEqual([5])
  })
})
