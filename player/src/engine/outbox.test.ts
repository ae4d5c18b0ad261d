import { IDBFactory } from 'fake-indexeddb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../api/client'
import type { PlayerEvent } from '../api/types'
import { Memory, openTable, type Table } from './database'
import { Outbox, type Send } from './outbox'

const event = (id: string): PlayerEvent => ({ event_id: id, kind: 'liked', at: '2026-01-01T00:00:00.000Z', subject: { type: 'track', id: 't' } })

/** A server that takes everything unless told otherwise. */
function server() {
  const calls: { ids: string[]; keepalive: boolean }[] = []
  let answer: Send = async (events) => ({ accepted: events.map((each) => each.event_id), rejected: [] })
  const send: Send = (events, keepalive) => {
    calls.push({ ids: events.map((each) => each.event_id), keepalive })
    return answer(events, keepalive)
  }
  return { calls, send, answers: (next: Send) => (answer = next) }
}

let table: Table
const boxes: Outbox[] = []
const open = (send: Send) => {
  const outbox = new Outbox(async () => table, send, () => 0.5)
  boxes.push(outbox)
  return outbox
}
const stored = async () => (await table.all<{ event_id: string }>('outbox')).map((each) => each.event_id).sort()

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  table = await openTable(new IDBFactory())
})
afterEach(() => {
  for (const outbox of boxes.splice(0)) outbox.stop()
  vi.useRealTimers()
})

describe('the outbox', () => {
  it('is really in the browser’s store', () => {
    expect(table).not.toBeInstanceOf(Memory)
  })

  it('keeps an event until it is acknowledged', async () => {
    const there = server()
    const outbox = open(there.send)
    await outbox.start('u')
    outbox.add(event('1'))
    await outbox.written()
    expect(await stored()).toEqual(['1'])
    await outbox.flush()
    expect(await stored()).toEqual([])
    expect(there.calls).toEqual([{ ids: ['1'], keepalive: false }])
  })

  it('sends by itself soon after', async () => {
    const there = server()
    const outbox = open(there.send)
    await outbox.start('u')
    outbox.add(event('1'))
    outbox.add(event('2'))
    await vi.advanceTimersByTimeAsync(300)
    expect(there.calls.map((call) => call.ids)).toEqual([['1', '2']])
  })

  it('finds after a reload what was not acknowledged, in order', async () => {
    const dead = server()
    dead.answers(async () => {
      throw new ApiError(0, 'network', 'gone')
    })
    const before = open(dead.send)
    await before.start('u')
    for (const id of ['9', '1', '5']) before.add(event(id))
    await before.written()
    before.stop()

    const there = server()
    const after = open(there.send)
    await after.start('u')
    expect(after.size).toBe(3)
    await after.flush()
    expect(there.calls[0]?.ids).toEqual(['9', '1', '5'])
  })

  it('does not send one listener’s events as another’s', async () => {
    const there = server()
    const first = open(there.send)
    await first.start('u')
    first.add(event('1'))
    await first.written()
    first.stop()
    const second = open(there.send)
    await second.start('other')
    await second.flush()
    expect(there.calls).toEqual([])
    expect(await stored()).toEqual(['1'])
  })

  it('drops and counts what is rejected', async () => {
    const there = server()
    there.answers(async (events) => ({
      accepted: events.filter((each) => each.event_id !== 'bad').map((each) => each.event_id),
      rejected: [{ event_id: 'bad', error: 'no such track' }],
    }))
    const outbox = open(there.send)
    await outbox.start('u')
    outbox.add(event('good'))
    outbox.add(event('bad'))
    await outbox.flush()
    expect([outbox.size, outbox.rejected, await stored()]).toEqual([0, 1, []])
  })

  it('waits longer after each failure, and as long as the server says', async () => {
    const there = server()
    there.answers(async () => {
      throw new ApiError(503, 'unavailable', 'busy')
    })
    const outbox = open(there.send)
    await outbox.start('u')
    outbox.add(event('1'))
    await vi.advanceTimersByTimeAsync(250)
    expect(there.calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(there.calls).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(3_999)
    expect(there.calls).toHaveLength(2)
    there.answers(async () => {
      throw new ApiError(429, 'throttled', 'slow down', 60)
    })
    await vi.advanceTimersByTimeAsync(1)
    expect(there.calls).toHaveLength(3)
    await vi.advanceTimersByTimeAsync(59_000)
    expect(there.calls).toHaveLength(3)
    there.answers(async (events) => ({ accepted: events.map((each) => each.event_id), rejected: [] }))
    await vi.advanceTimersByTimeAsync(1_000)
    expect([there.calls.length, outbox.size]).toEqual([4, 0])
  })

  it('goes at once when the network is back', async () => {
    const there = server()
    there.answers(async () => {
      throw new ApiError(0, 'network', 'gone')
    })
    const outbox = open(there.send)
    await outbox.start('u')
    outbox.add(event('1'))
    await outbox.flush()
    there.answers(async (events) => ({ accepted: events.map((each) => each.event_id), rejected: [] }))
    outbox.nudge()
    await vi.advanceTimersByTimeAsync(0)
    await vi.waitFor(() => expect(outbox.size).toBe(0))
  })

  it('finds the one event that spoils a call', async () => {
    const there = server()
    there.answers(async (events) => {
      if (events.some((each) => each.event_id === 'bad')) throw new ApiError(400, 'bad_request', 'malformed')
      return { accepted: events.map((each) => each.event_id), rejected: [] }
    })
    const outbox = open(there.send)
    await outbox.start('u')
    for (const id of ['1', '2', 'bad', '4', '5']) outbox.add(event(id))
    await outbox.flush()
    expect([outbox.size, outbox.rejected]).toEqual([0, 1])
  })

  it('stops asking when nobody is signed in, and loses nothing', async () => {
    const there = server()
    there.answers(async () => {
      throw new ApiError(401, 'unauthenticated', 'sign in')
    })
    const outbox = open(there.send)
    await outbox.start('u')
    outbox.add(event('1'))
    await outbox.flush()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(there.calls).toHaveLength(1)
    expect(await stored()).toEqual(['1'])
  })

  it('does not trust an answer that acknowledges nothing', async () => {
    const there = server()
    there.answers(async () => ({ accepted: [], rejected: [] }))
    const outbox = open(there.send)
    await outbox.start('u')
    outbox.add(event('1'))
    await outbox.flush()
    expect([there.calls.length, outbox.size]).toEqual([1, 1])
  })

  it('sends what fits as the page goes, the latest first of all', async () => {
    const there = server()
    const outbox = open(there.send)
    await outbox.start('u')
    for (let n = 0; n < 1_000; n += 1) outbox.add(event(`event-number-${n}`))
    outbox.flushOnLeave()
    const [call] = there.calls
    expect(call?.keepalive).toBe(true)
    expect(call?.ids.at(-1)).toBe('event-number-999')
    expect(call?.ids.length).toBeLessThan(1_000)
    expect(call?.ids.length).toBeGreaterThan(300)
  })

  it('sends a thousand in batches', async () => {
    const there = server()
    const outbox = open(there.send)
    await outbox.start('u')
    for (let n = 0; n < 1_000; n += 1) outbox.add(event(String(n)))
    await outbox.flush()
    expect(there.calls.map((call) => call.ids.length)).toEqual([400, 400, 200])
  })
})
