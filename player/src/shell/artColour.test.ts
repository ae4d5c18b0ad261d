import { describe, expect, it } from 'vitest'
import { dominantHue, okHue } from './artColour'

const fill = (r: number, g: number, b: number, n = 576) =>
  new Uint8ClampedArray(Array.from({ length: n }, () => [r, g, b, 255]).flat())

describe('dominantHue', () => {
  it('finds the colour a picture is made of', () => {
    expect(dominantHue(fill(220, 20, 20))).toBeCloseTo(5, -1)
    expect(dominantHue(fill(20, 20, 220))).toBeCloseTo(245, -1)
  })
  it('says nothing of grey, or of a few coloured pixels', () => {
    expect(dominantHue(fill(128, 128, 128))).toBeNull()
    const speck = fill(40, 40, 40)
    speck.set([70, 40, 40, 255], 0)
    expect(dominantHue(speck)).toBeNull()
    expect(dominantHue(new Uint8ClampedArray(0))).toBeNull()
  })
  it('lets strong colour win over much weak colour', () => {
    const mixed = fill(110, 128, 110)
    for (let at = 0; at < 120; at += 1) mixed.set([230, 30, 30, 255], at * 4)
    expect(dominantHue(mixed)).toBeLessThan(20)
  })
})

describe('okHue', () => {
  it('stays on the circle', () => {
    for (let hue = 0; hue < 360; hue += 1) {
      expect(okHue(hue)).toBeGreaterThanOrEqual(0)
      expect(okHue(hue)).toBeLessThan(360)
    }
  })
})
