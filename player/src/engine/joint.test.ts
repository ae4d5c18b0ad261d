import { beforeAll, describe, expect, it, vi } from 'vitest'

interface Joint {
  hold(input: number): void
  release(): void
  process(inputs: (Float32Array[] | null)[], out: Float32Array[], frames: number): void
}

let make: () => Joint

beforeAll(async () => {
  vi.stubGlobal('AudioWorkletProcessor', class {})
  vi.stubGlobal('registerProcessor', () => undefined)
  const path = './joint.worklet.js'
  const module = (await import(/* @vite-ignore */ path)) as { Joint: new (rate: number) => Joint }
  make = () => new module.Joint(44_100)
})

/** Two sources as they reach the graph: samples, silence where there are none, in quanta of 128. */
function run(joint: Joint, a: number[], b: number[], holdAt: number, total: number): number[] {
  const heard: number[] = []
  for (let from = 0; from < total; from += 128) {
    if (holdAt >= from && holdAt < from + 128) joint.hold(1)
    const slice = (list: number[]) => {
      const part = Float32Array.from({ length: 128 }, (_, at) => list[from + at] ?? 0)
      return [part, part]
    }
    const out = [new Float32Array(128), new Float32Array(128)]
    joint.process([slice(a), slice(b)], out, 128)
    heard.push(...(out[0] ?? []))
  }
  return heard
}

const ramp = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at)
const nothing = (count: number) => new Array<number>(count).fill(0)

describe('the join', () => {
  it('puts the first sample right after the last, however early the second source started', () => {
    for (const early of [900, 1_500, 2_345, 3_000]) {
      for (const end of [8_000, 8_001, 8_064, 8_127]) {
        const a = ramp(1, end)
        const b = [...nothing(end - early), ...ramp(end + 1, 20_000)]
        const heard = run(make(), a, b, end - early - 300, 24_000).filter((value) => value !== 0)
        expect(heard.slice(0, 16_000)).toEqual(ramp(1, 16_000))
      }
    }
  })

  it('is not misled by single zeros', () => {
    const a = ramp(1, 8_000).map((value) => (value % 7 === 0 ? 0 : value))
    const b = [...nothing(7_000), ...ramp(8_001, 9_000)]
    const heard = run(make(), a, b, 6_900, 16_000)
    const at = heard.indexOf(7_999)
    expect(heard.slice(at, at + 4)).toEqual([7_999, 8_000, 8_001, 8_002])
  })

  it('adds both up while nothing is held', () => {
    const heard = run(make(), ramp(1, 1_000), ramp(1, 1_000), -1, 4_096)
    expect(heard.slice(3_072, 3_075)).toEqual([2, 4, 6])
  })

  it('lets go at last when the end is not found', () => {
    const a = ramp(1, 100_000)
    const b = [...nothing(1_000), ...new Array<number>(99_000).fill(0.5)]
    const heard = run(make(), a, b, 900, 60_000)
    expect(heard.at(-1)).not.toBe(Math.floor(heard.at(-1) ?? 0))
  })

  it('holds a second time after a join', () => {
    const joint = make()
    const first = run(joint, ramp(1, 4_000), [...nothing(2_500), ...ramp(4_001, 9_000)], 2_400, 16_384)
    expect(first.filter(Boolean).slice(0, 9_000)).toEqual(ramp(1, 9_000))
    const again = run(joint, ramp(1, 6_000), [...nothing(5_000), ...ramp(6_001, 9_000)], 4_900, 20_480)
    expect(again.filter(Boolean).slice(0, 12_000)).toEqual(ramp(1, 12_000))
  })
})
