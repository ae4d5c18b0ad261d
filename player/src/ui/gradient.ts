/** Placeholder colours from an id: the same id always gives the same pair of hues and angle. */

/** FNV-1a, 32 bits. */
export function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    h ^= text.charCodeAt(i)
    h = Math.imul(h, 0x01000193)
  }
  return h >>> 0
}

export function gradientOf(id: string): Record<string, string> {
  const h = hash(id)
  const first = h % 360
  const second = (first + 40 + ((h >>> 9) % 70)) % 360
  return { '--h1': String(first), '--h2': String(second), '--ga': `${(h >>> 17) % 180}deg` }
}
