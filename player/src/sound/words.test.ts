import { describe, expect, it } from 'vitest'
import { beside, camelot, keyName, keyShort } from './words'

describe('keys', () => {
  it('have names and codes', () => {
    expect([keyName(0, 1), camelot(0, 1)]).toEqual(['C major', '8B'])
    expect([keyName(9, 0), camelot(9, 0)]).toEqual(['A minor', '8A'])
    expect([keyShort(6, 0), keyShort(9, 1), keyShort(0, null)]).toEqual(['F♯m', 'A', 'C'])
    expect([keyName(6, null), camelot(7, 1)]).toEqual(['F♯/G♭', '9B'])
  })
})

it('says nothing about a library that is not told', () => {
  expect(beside('Louder', 82.6)).toBe('Louder than 83\u00a0% of your library')
  expect(beside('Louder', null)).toBeNull()
})
