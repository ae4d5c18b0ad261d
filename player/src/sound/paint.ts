/** Draws the points of the map on a canvas: discs with soft edges where few are in view, plain pixels where there are many. */
import { fit, type Plane, type Size, toMap, type View } from './plane'

const FEW = 3_000
/** The last colour is that of the rest. */
export const COLOURS = 10

/** Radius in CSS pixels: grows as one gets closer, and where there are few points. */
export function radius(points: number, view: View, size: Size): number {
  const closer = Math.max(0, Math.log2(view.scale / fit(size).scale))
  const sparse = points < 200 ? 5 : points < 500 ? 3 : points < 3_000 ? 2 : points < 20_000 ? 0.8 : 0.3
  return Math.min(8, 0.9 + sparse + closer * 0.55)
}

export class Painter {
  private image: ImageData | null = null
  private pixels = new Uint32Array(0)

  /** `colours`: for each point an index into `palette` (CSS colours). */
  paint(canvas: HTMLCanvasElement, size: Size, ratio: number, plane: Plane, view: View, colours: Uint8Array, palette: Palette): void {
    const width = Math.max(1, Math.round(size.width * ratio))
    const height = Math.max(1, Math.round(size.height * ratio))
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width
      canvas.height = height
    }
    const ctx = canvas.getContext('2d')
    if (!ctx) return
    const reach = radius(plane.length, view, size)
    const [from, to] = [toMap({ x: -reach, y: -reach }, view, size), toMap({ x: size.width + reach, y: size.height + reach }, view, size)]
    const seen: number[] = []
    plane.near(from, to, (index) => seen.push(index))
    const scale = view.scale * ratio
    const [cx, cy] = [width / 2 - view.x * scale, height / 2 + view.y * scale]
    const r = reach * ratio
    if (seen.length <= FEW) this.discs(ctx, width, height, plane, seen, scale, cx, cy, r, colours, palette)
    else this.blit(ctx, width, height, plane, seen, scale, cx, cy, Math.max(1, Math.round(r)), colours, palette)
  }

  private discs(
    ctx: CanvasRenderingContext2D,
    width: number,
    height: number,
    plane: Plane,
    seen: number[],
    scale: number,
    cx: number,
    cy: number,
    r: number,
    colours: Uint8Array,
    palette: Palette,
  ): void {
    ctx.clearRect(0, 0, width, height)
    for (let colour = palette.css.length - 1; colour >= 0; colour -= 1) {
      ctx.beginPath()
      for (const index of seen) {
        if (colours[index] !== colour) continue
        const x = cx + (plane.x[index] ?? 0) * scale
        const y = cy - (plane.y[index] ?? 0) * scale
        ctx.moveTo(x + r, y)
        ctx.arc(x, y, r, 0, Math.PI * 2)
      }
      ctx.fillStyle = palette.css[colour] ?? ''
      ctx.fill()
    }
  }

  private blit(
    ctx: CanvasRenderingContext2D,
    width: number,
    height: number,
    plane: Plane,
    seen: number[],
    scale: number,
    cx: number,
    cy: number,
    r: number,
    colours: Uint8Array,
    palette: Palette,
  ): void {
    if (!this.image || this.image.width !== width || this.image.height !== height) {
      this.image = ctx.createImageData(width, height)
      this.pixels = new Uint32Array(this.image.data.buffer)
    } else this.pixels.fill(0)
    const { pixels } = this
    const halves = Array.from({ length: 2 * r + 1 }, (_, row) => Math.floor(Math.sqrt((r + 0.4) ** 2 - (row - r) ** 2)))
    const rest = palette.words.length - 1
    // The rest lies underneath.
    for (const under of [true, false]) {
      for (const index of seen) {
        const colour = colours[index] ?? rest
        if (colour > rest || (colour === rest) !== under) continue
        const word = palette.words[colour] ?? 0
        const x = Math.round(cx + (plane.x[index] ?? 0) * scale)
        const y = Math.round(cy - (plane.y[index] ?? 0) * scale)
        for (let row = 0; row <= 2 * r; row += 1) {
          const at = y + row - r
          if (at < 0 || at >= height) continue
          const half = halves[row] ?? 0
          const left = Math.max(0, x - half)
          const right = Math.min(width - 1, x + half)
          for (let column = at * width + left; column <= at * width + right; column += 1) pixels[column] = word
        }
      }
    }
    ctx.putImageData(this.image, 0, 0)
  }
}

export interface Palette {
  css: string[]
  /** The same as the words of a picture's pixels. */
  words: Uint32Array
}

/** The colours that these elements are written in, as the theme now has them. */
export function paletteOf(elements: Iterable<Element>): Palette {
  const css = [...elements].map((element) => getComputedStyle(element).color)
  const words = new Uint32Array(css.length)
  const probe = document.createElement('canvas')
  probe.width = probe.height = 1
  const ctx = probe.getContext('2d', { willReadFrequently: true })
  if (ctx) {
    css.forEach((colour, index) => {
      ctx.fillStyle = colour
      ctx.fillRect(0, 0, 1, 1)
      words[index] = new Uint32Array(ctx.getImageData(0, 0, 1, 1).data.buffer)[0] ?? 0
    })
  }
  return { css, words }
}
