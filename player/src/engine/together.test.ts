import { beforeEach, describe, expect, it, vi } from 'vitest'
import { track } from './fixtures'
import { elsewhere } from './keep'
import { itemsOf } from './queue'
import { getState } from './store'
import { player } from './together'

describe('a device that shows what another one plays', () => {
  beforeEach(() => {
    elsewhere.active = true
    elsewhere.edited = vi.fn()
    player.adopt(itemsOf([track('a'), track('b')]), 0, 5_000, null)
  })

  it('tells the other one of each change of the queue, and keeps what plays there', () => {
    player.enqueue([track('c')])
    expect(elsewhere.edited).toHaveBeenCalledTimes(1)
    player.move(2, 1)
    expect(getState().queue.map((item) => item.track.id)).toEqual(['a', 'c', 'b'])
    player.clear()
    expect(elsewhere.edited).toHaveBeenCalledTimes(3)
    expect(getState().queue.map((item) => item.track.id)).toEqual(['a'])
    expect(getState().status).toBe('paused')
  })

  it('takes up a change while it plays itself, and tells nobody to do so', () => {
    elsewhere.active = false
    player.rearrange(['x', 'a'], 0, [track('x')])
    expect(getState().queue.map((item) => item.track.id)).toEqual(['x', 'a'])
    expect(getState().current?.track.id).toBe('a')
    expect(elsewhere.edited).not.toHaveBeenCalled()
  })
})
