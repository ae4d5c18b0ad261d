import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ApiError, setCsrf } from '../api/client'
import { failure, ownZone, upload, zones } from './upload'

// A real server on loopback; only the origin is added, since a page's relative address has none here.
let server: Server
let seen: { url: string | undefined; headers: IncomingMessage['headers']; body: string }[]
let answer: [number, string]

beforeEach(async () => {
  seen = []
  server = createServer(async (request, response) => {
    const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' }
    if (request.method === 'OPTIONS') return response.writeHead(204, cors).end()
    let body = ''
    for await (const chunk of request) body += String(chunk)
    seen.push({ url: request.url, headers: request.headers, body })
    return response.writeHead(answer[0], { ...cors, 'Content-Type': 'application/json' }).end(answer[1])
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const open = XMLHttpRequest.prototype.open
  vi.spyOn(XMLHttpRequest.prototype, 'open').mockImplementation(function (this: XMLHttpRequest, method: string, url: string | URL) {
    open.call(this, method, `http://127.0.0.1:${port}${String(url)}`, true)
  })
})
afterEach(() => {
  setCsrf(null)
  server.close()
})

it('sends the file as it is and gives the import', async () => {
  setCsrf('token')
  answer = [202, '{"id":"one","state":"waiting"}']
  const one = await upload('listenbrainz', 'Europe/Berlin', new Blob(['x'.repeat(100_000)]), () => undefined).done
  expect(one).toMatchObject({ id: 'one', state: 'waiting' })
  expect(seen[0]?.url).toBe('/api/me/imports?service=listenbrainz&timezone=Europe%2FBerlin')
  expect(seen[0]?.body).toHaveLength(100_000)
  expect(seen[0]?.headers).toMatchObject({ 'x-segue-csrf': 'token', 'content-type': 'application/octet-stream' })
})

it('fails with the server’s words, or with the status of whatever answered', async () => {
  answer = [413, '{"error":{"code":"too_large","message":"At most 1 GiB."}}']
  const error = await upload('spotify', 'UTC', new Blob(['x']), () => undefined).done.catch((each: unknown) => each)
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({ status: 413, code: 'too_large', message: 'At most 1 GiB.' })
  expect(failure(502, '<h1>Bad gateway</h1>')).toMatchObject({ status: 502, code: 'bad_answer' })
})

it('can be stopped', async () => {
  answer = [202, '{}']
  const going = upload('lastfm', 'UTC', new Blob(['x']), () => undefined)
  going.cancel()
  await expect(going.done).rejects.toMatchObject({ code: 'cancelled' })
})

it('offers the clock of this browser first of all', () => {
  expect(zones()).toContain(ownZone())
  expect(zones()).toContain('UTC')
})
