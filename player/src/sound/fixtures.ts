/** For tests of pages: a real server on loopback that answers in the shapes of `/api`, and what jsdom lacks. */
import { configure } from '@testing-library/react'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, vi } from 'vitest'
import type { AnalysisStatus, Session } from '../api/types'

// A busy machine renders slowly.
configure({ asyncUtilTimeout: 20_000 })
vi.setConfig({ testTimeout: 60_000 })

export interface Asked {
  method: string
  /** Without `/api/`. */
  path: string
  params: URLSearchParams
  body: unknown
}

/** `answer` gives, by path, what is answered with 200; other paths are not found. */
export function server(answer: (asked: Asked) => Record<string, unknown>): void {
  const network = globalThis.fetch
  let running: Server
  beforeAll(async () => {
    globalThis.ResizeObserver = class {
      observe() {}
      unobserve() {}
      disconnect() {}
    }
    globalThis.matchMedia = (() => ({ matches: false, addEventListener() {}, removeEventListener() {} })) as never
    HTMLDialogElement.prototype.showModal = function () {
      this.open = true
    }
    HTMLDialogElement.prototype.close = function () {
      this.open = false
    }
    HTMLCanvasElement.prototype.getContext = (() => null) as never
    running = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const url = new URL(request.url ?? '/', 'http://segue.test')
      const path = url.pathname.replace('/api/', '')
      const found = answer({ method: request.method ?? '', path, params: url.searchParams, body: body ? JSON.parse(body) : null })[path]
      const missing = { error: { code: 'not_found', message: 'No such thing.' } }
      response
        .writeHead(found === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(found ?? missing))
    })
    await new Promise<void>((done) => running.listen(0, '127.0.0.1', done))
    const { port } = running.address() as AddressInfo
    globalThis.fetch = (path, init) => {
      const { signal: _, ...rest } = init ?? {}
      return network(`http://127.0.0.1:${port}${String(path)}`, rest)
    }
  })
  afterAll(() => {
    globalThis.fetch = network
    running.close()
  })
}

export function session(admin: boolean): Session {
  return { user: { id: 'me', name: 'me', admin }, csrf: 'x', server: { name: 'Segue', version: '0' } }
}

export const status: AnalysisStatus = {
  state: 'running',
  total: 10,
  done: 4,
  failed: 1,
  left: 6,
  tracks_per_hour: 60,
  left_s: 360,
  encoder: 'descriptor',
  serving: null,
  note: '',
}
