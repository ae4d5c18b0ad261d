import { expect, it } from 'vitest'
import { boundsOf, rangeOf, soundOf } from './filter'

it('ranges go to the address and back', () => {
  expect(rangeOf(['90', '120'], 1)).toBe('90..120')
  expect(rangeOf(['120', '90'], 1)).toBe('90..120')
  expect(rangeOf(['', '50'], 100)).toBe('..0.5')
  expect(rangeOf(['', ' '], 1)).toBe('')
  expect(boundsOf('0.25..', 100)).toEqual(['25', ''])
  expect(boundsOf(null, 1)).toEqual(['', ''])
})

it('an address typed wrongly filters by nothing', () => {
  const wrong = new URLSearchParams({ tempo: 'fast', energy: '..', key: '12', mode: '2' })
  expect(Object.values(soundOf(wrong)).every((value) => value === null)).toBe(true)
  expect(soundOf(new URLSearchParams({ tempo: '90..120', energy: '.5..', key: '0', mode: '1' }))).toEqual({
    tempo: '90..120',
    energy: '.5..',
    key: '0',
    mode: '1',
  })
})
