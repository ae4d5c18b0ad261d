import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PlayerEvent } from '../api/types'
import { track } from './fixtures'
import { Meter } from './meter'
import { Playing } from './playing'

describe('what was heard', () => {
  it('does not count jumps, pauses or waiting', () => {
    const meter = new Meter()
    meter.run(0)
    meter.observe(10_000)
    meter.jump(12_000, 100_000)
    meter.observe(105_000)
    meter.halt(106_000)
    meter.observe(170_000)
    meter.run(106_000)
    meter.observe(108_000)
    expect(meter.playedMs).toBe(12_000 + 6_000 + 2_000)
  })

  it('counts what is heard twice twice', () => {
    const meter = new Meter()
    meter.run(0)
    meter.jump(30_000, 0)
    meter.halt(30_000)
    expect(meter.playedMs).toBe(60_000)
  })

  it('ignores a jump while nothing sounds', () => {
    const meter = new Meter(5_000)
    meter.jump(0, 90_000)
    meter.run(90_000)
    meter.observe(91_000)
    expect(meter.playedMs).toBe(6_000)
  })
})

describe('a playing', () => {
  let told: Partial<PlayerEvent>[] = []
  const item = { key: 'k', track: track('t'), context: { release_id: 'r' } }
  const make = (before?: { playId: string; playedMs: number; lent?: boolean }) => new Playing(item, (event) => told.push(event), before)
  const kinds = () => told.map((event) => event.kind)

  beforeEach(() => {
    vi.useFakeTimers()
    told = []
  })
  afterEach(() => vi.useRealTimers())

  it('tells its life with one play_id', () => {
    const playing = make()
    playing.sounding(0)
    playing.pause(4_000)
    playing.sounding(4_000)
    playing.end(9_000, 'skipped', 'next')
    expect(kinds()).toEqual(['started', 'paused', 'resumed', 'ended'])
    expect(new Set(told.map((event) => event.play_id))).toEqual(new Set([playing.playId]))
    expect(told.at(-1)).toMatchObject({
      outcome: 'skipped',
      reason: 'next',
      played_ms: 9_000,
      position_ms: 9_000,
      subject: { type: 'track', id: 't' },
      context: { release_id: 'r' },
    })
  })

  it('reports every thirty seconds heard', () => {
    const playing = make()
    playing.sounding(0)
    for (let at = 0; at <= 95_000; at += 250) playing.tick(at)
    expect(kinds()).toEqual(['started', 'progressed', 'progressed', 'progressed'])
    expect(told.map((event) => event.played_ms)).toEqual([0, 30_000, 60_000, 90_000])
  })

  it('makes one jump of many in a row', () => {
    const playing = make()
    playing.sounding(0)
    playing.seek(1_000, 6_000)
    vi.advanceTimersByTime(100)
    playing.seek(6_100, 11_000)
    vi.advanceTimersByTime(1_000)
    expect(kinds()).toEqual(['started', 'seeked'])
    expect(told[1]).toMatchObject({ position_ms: 11_000, played_ms: 1_100 })
  })

  it('does not say that it waits', () => {
    const playing = make()
    playing.sounding(0)
    playing.waiting(2_000)
    playing.sounding(2_000)
    playing.end(5_000, 'finished')
    expect(kinds()).toEqual(['started', 'ended'])
    expect(told[1]?.played_ms).toBe(5_000)
  })

  it('goes on after a reload', () => {
    const playing = make({ playId: 'p', playedMs: 40_000 })
    playing.sounding(50_000)
    playing.end(60_000, 'finished')
    expect(kinds()).toEqual(['resumed', 'ended'])
    expect(told[1]).toMatchObject({ play_id: 'p', played_ms: 50_000 })
  })

  it('goes on with what another device began, and tells nothing of it before it sounds here', () => {
    const never = make({ playId: 'p', playedMs: 40_000, lent: true })
    expect(never.begun).toBe(false)
    never.seek(40_000, 50_000)
    never.end(50_000, 'error', 'refused')
    expect(told).toEqual([])
    const playing = make({ playId: 'p', playedMs: 40_000, lent: true })
    playing.sounding(40_000)
    expect(playing.begun).toBe(true)
    playing.end(45_000, 'skipped', 'next')
    expect(kinds()).toEqual(['resumed', 'ended'])
    expect(told[1]).toMatchObject({ play_id: 'p', played_ms: 45_000 })
  })

  it('ends once, and not at all if it never sounded', () => {
    make().end(0, 'skipped')
    expect(told).toEqual([])
    const playing = make()
    playing.end(0, 'error', 'broken')
    playing.end(0, 'finished')
    expect(kinds()).toEqual(['ended'])
  })
})
