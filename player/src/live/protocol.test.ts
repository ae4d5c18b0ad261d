import { describe, expect, it } from 'vitest'
import { backoffMs, deviceKind, deviceName, nearest } from './protocol'

const AGENTS: [string, string, string][] = [
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', 'Chrome on Linux', 'computer'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0', 'Edge on Windows', 'computer'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Mac', 'computer'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1', 'Safari on iPhone', 'phone'],
  ['Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36', 'Chrome on Android', 'phone'],
  ['something else', 'Browser', 'computer'],
]

describe('a device', () => {
  it.each(AGENTS)('%s', (agent, name, kind) => {
    expect(deviceName(agent)).toBe(name)
    expect(deviceKind(agent)).toBe(kind)
  })
})

describe('connecting again', () => {
  it('waits twice as long each time, up to a minute, and never all at once', () => {
    expect(backoffMs(0, () => 0)).toBe(500)
    expect(backoffMs(0, () => 1)).toBe(1_000)
    expect(backoffMs(3, () => 1)).toBe(8_000)
    expect(backoffMs(50, () => 0)).toBe(30_000)
    expect(backoffMs(50, () => 1)).toBe(60_000)
  })
})

describe('a track that is in the queue twice', () => {
  it('is found where it is nearest', () => {
    const ids = ['a', 'b', 'a', 'c']
    expect(nearest(ids, 'a', 2)).toBe(2)
    expect(nearest(ids, 'a', 0)).toBe(0)
    expect(nearest(ids, 'c', 0)).toBe(3)
    expect(nearest(ids, 'x', 0)).toBe(-1)
  })
})
