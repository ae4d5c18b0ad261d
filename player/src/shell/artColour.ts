/** The hue a picture is mostly made of. Only the hue is taken; lightness and strength stay the theme's, so contrast holds. */
import { useEffect, useState, type CSSProperties } from 'react'
import { artUrl } from '../api/base'
import { hash } from '../ui/gradient'

const EDGE = 24
const hues = new Map<string, number | null>()

/** Pixels as RGBA bytes → the strongest hue in degrees, or null for a grey picture. */
export function dominantHue(pixels: Uint8ClampedArray): number | null {
  const weights = new Float64Array(36)
  for (let at = 0; at + 3 < pixels.length; at += 4) {
    const r = (pixels[at] ?? 0) / 255
    const g = (pixels[at + 1] ?? 0) / 255
    const b = (pixels[at + 2] ?? 0) / 255
    const max = Math.max(r, g, b)
    const chroma = max - Math.min(r, g, b)
    if (chroma < 0.08) continue
    let hue = max === r ? ((g - b) / chroma) % 6 : max === g ? (b - r) / chroma + 2 : (r - g) / chroma + 4
    hue = (hue * 60 + 360) % 360
    const bucket = Math.floor(hue / 10) % 36
    weights[bucket] = (weights[bucket] ?? 0) + chroma * chroma
  }
  let best = 0
  let most = 0
  weights.forEach((weight, bucket) => {
    if (weight > most) {
      most = weight
      best = bucket
    }
  })
  // Fewer than about 2 % of faintly coloured pixels are noise.
  return most === 0 || most * 400 < pixels.length / 4 ? null : best * 10 + 5
}

/** RGB hue circle to OKLCH's, by its corners: red, yellow, green, cyan, blue, magenta. */
export function okHue(rgbHue: number): number {
  const corners = [29, 110, 142, 195, 264, 328, 389]
  const at = Math.floor(rgbHue / 60) % 6
  const part = (rgbHue % 60) / 60
  const low = corners[at] ?? 0
  const high = corners[at + 1] ?? 0
  return (low + (high - low) * part) % 360
}

async function read(url: string): Promise<number | null> {
  const image = new Image()
  image.src = url
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = EDGE
  canvas.height = EDGE
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) return null
  context.drawImage(image, 0, 0, EDGE, EDGE)
  const hue = dominantHue(context.getImageData(0, 0, EDGE, EDGE).data)
  return hue === null ? null : okHue(hue)
}

/** A style that tints what it is put on: the picture's hue, or the placeholder's own. Null hue leaves it untinted. */
export function useTint(id: string | undefined, art: string | null | undefined): CSSProperties {
  const [, arrived] = useState(0)
  const url = artUrl(art, 64)
  useEffect(() => {
    if (!url || hues.has(url)) return
    let gone = false
    read(url)
      .catch(() => null)
      .then((hue) => {
        hues.set(url, hue)
        if (!gone) arrived((n) => n + 1)
      })
    return () => {
      gone = true
    }
  }, [url])
  if (!url) return id ? ({ '--tint-h': hash(id) % 360, '--tint-c': 1 } as CSSProperties) : {}
  const hue = hues.get(url)
  if (hue === undefined) return {}
  return { '--tint-h': hue ?? 0, '--tint-c': hue === null ? 0 : 1 } as CSSProperties
}
