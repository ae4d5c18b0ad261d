import { describe, expect, it } from 'vitest'
import { split } from './Credits'

const ida = { id: '1', name: 'Ida' }
const nils = { id: '2', name: 'Nils' }

describe('split', () => {
  it('keeps the words between the names', () => {
    expect(split([ida, nils], 'Ida feat. Nils')).toEqual([
      { before: '', credit: ida },
      { before: ' feat. ', credit: nils },
    ])
  })
  it('joins by commas where the display string names others', () => {
    expect(split([ida, nils], 'Various Artists')).toEqual([
      { before: '', credit: ida },
      { before: ', ', credit: nils },
    ])
  })
  it('has nothing to say without credits', () => {
    expect(split([], 'Ida')).toBeNull()
  })
})
