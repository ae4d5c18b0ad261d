/** A copy in random order (Fisher and Yates). */
export function shuffled<T>(list: readonly T[], random: () => number = Math.random): T[] {
  const out = [...list]
  for (let at = out.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1))
    const kept = out[at] as T
    out[at] = out[other] as T
    out[other] = kept
  }
  return out
}
