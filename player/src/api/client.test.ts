import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { api, ApiError, apiUrl, artUrl, setCsrf, whenSignedOut } from './client'

// A real server on loopback; only the origin is added, since a page's relative address has none here.
let server: Server
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void
const seen: { method: string | undefined; url: string | undefined; csrf: unknown; body: string }[] = []
const network = globalThis.fetch

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    seen.push({ method: request.method, url: request.url, csrf: request.headers['x-segue-csrf'], body })
    answer(request, response, body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  globalThis.fetch = (path, init) => {
    const { signal: _, ...rest } = init ?? {}
    return network(`http://127.0.0.1:${port}${String(path)}`, rest)
  }
})
afterAll(() => {
  globalThis.fetch = network
  server.close()
})
beforeEach(() => {
  seen.length = 0
})
afterEach(() => {
  setCsrf(null)
  whenSignedOut(null)
})

const json = (status: number, value: unknown, headers = {}) => {
  answer = (_, response) =>
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value))
}

async function failure(run: Promise<unknown>): Promise<ApiError> {
  const error = await run.then(
    () => null,
    (each: unknown) => each,
  )
  expect(error).toBeInstanceOf(ApiError)
  return error as ApiError
}

describe('addresses', () => {
  it('leave out what is absent and escape the rest', () => {
    expect(apiUrl('tracks', { genre: 'Drum & bass', library: null, liked: undefined, offset: 0, q: '' })).toBe(
      '/api/tracks?genre=Drum+%26+bass&offset=0',
    )
    expect(artUrl(null, 64)).toBeNull()
    expect(artUrl('a/b', 64)).toBe('/api/art/a%2Fb?size=64')
  })
})

describe('requests', () => {
  it('carry the CSRF value only when they change something', async () => {
    setCsrf('token')
    json(200, { items: [], total: 0 })
    await api.get('tracks', { limit: 1 })
    await api.put('queue', { track_ids: [] })
    expect(seen.map((each) => each.csrf)).toEqual([undefined, 'token'])
    expect(seen[1]?.body).toBe('{"track_ids":[]}')
  })
  it('give nothing for an empty answer', async () => {
    answer = (_, response) => response.writeHead(204).end()
    expect(await api.del('playlists/x')).toBeUndefined()
  })
})

describe('failures', () => {
  it('keep the server’s code and words', async () => {
    json(404, { error: { code: 'not_found', message: 'No such release.' } })
    expect(await failure(api.get('releases/x'))).toMatchObject({
      status: 404,
      code: 'not_found',
      message: 'No such release.',
      transient: false,
    })
  })
  it('say how long to wait', async () => {
    json(429, { error: { code: 'throttled', message: 'Slowly.' } }, { 'Retry-After': '7' })
    expect(await failure(api.post('session', {}))).toMatchObject({ retryAfterS: 7, transient: true })
  })
  it('name the status when something else answered', async () => {
    answer = (_, response) => response.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad gateway</h1>')
    expect(await failure(api.get('home'))).toMatchObject({ status: 502, code: 'bad_answer', transient: true })
    answer = (_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>Log in to the hotel</h1>')
    expect(await failure(api.get('home'))).toMatchObject({ code: 'bad_answer' })
  })
  it('tell a lost connection from an answer', async () => {
    answer = (_, response) => response.destroy()
    expect(await failure(api.get('home'))).toMatchObject({ status: 0, code: 'network', transient: true })
  })
  it('say once that the session ended, but not on trying to sign in', async () => {
    let ended = 0
    whenSignedOut(() => (ended += 1))
    json(401, { error: { code: 'unauthenticated', message: 'Sign in.' } })
    await failure(api.post('session', {}))
    expect(ended).toBe(0)
    await failure(api.get('home'))
    expect(ended).toBe(1)
  })
})
