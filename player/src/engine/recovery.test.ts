import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Recovery } from './recovery'

describe('recovery', () => {
  let up = false
  let asked = 0
  let again = 0
  const recovery = new Recovery({
    reachable: async () => {
      asked += 1
      return up
    },
    again: () => {
      again += 1
    },
  })

  beforeEach(() => {
    vi.useFakeTimers()
    up = false
    asked = again = 0
  })
  afterEach(() => {
    recovery.stop()
    vi.useRealTimers()
  })

  it('goes on once, when the server answers', async () => {
    recovery.start()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(asked).toBeGreaterThan(3)
    expect(again).toBe(0)
    up = true
    await vi.advanceTimersByTimeAsync(60_000)
    expect(again).toBe(1)
  })

  it('does not go on after it was stopped, not even by an answer under way', async () => {
    up = true
    recovery.start()
    vi.advanceTimersByTime(2_000)
    recovery.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toBe(1)
    expect(again).toBe(0)
  })

  it('gives up after ten minutes', async () => {
    recovery.start()
    await vi.advanceTimersByTimeAsync(11 * 60_000)
    const before = asked
    up = true
    await vi.advanceTimersByTimeAsync(60 * 60_000)
    expect(asked).toBe(before)
    expect(again).toBe(0)
  })
})
