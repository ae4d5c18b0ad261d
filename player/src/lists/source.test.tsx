import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, renderHook, waitFor } from '@testing-library/react'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ReactNode } from 'react'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { usePagedSource } from './source'

// A real server on loopback with a list of 100,000 rows.
const TOTAL = 100_000
let server: Server
const network = globalThis.fetch
const asked: string[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://segue.test')
    const offset = Number(searchParams.get('offset'))
    const limit = Number(searchParams.get('limit'))
    asked.push(`${searchParams.get('sort')} ${offset}`)
    const items = Array.from({ length: Math.min(limit, TOTAL - offset) }, (_, at) => ({
      id: `${searchParams.get('sort')}${offset + at}`,
    }))
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ items, total: TOTAL }))
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
  asked.length = 0
})

function render(sort: string) {
  const client = new QueryClient()
  const wrapper = ({ children }: { children: ReactNode }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>
  return renderHook(({ by }) => usePagedSource<{ id: string }>('tracks', { sort: by }), { wrapper, initialProps: { by: sort } })
}

it('reads the first window, then only the one that is looked at', async () => {
  const { result } = render('title')
  expect(result.current.total).toBeNull()
  await waitFor(() => expect(result.current.total).toBe(TOTAL))
  expect(result.current.get(0)?.id).toBe('title0')
  act(() => result.current.look(99_950, 99_990))
  await waitFor(() => expect(result.current.get(99_960)?.id).toBe('title99960'))
  expect(asked).toEqual(['title 0', 'title 99900'])
})

it('does not ask for what is flown over', async () => {
  const { result } = render('title')
  await waitFor(() => expect(result.current.total).toBe(TOTAL))
  act(() => {
    for (let row = 0; row < 60_000; row += 500) result.current.look(row, row + 20)
  })
  await waitFor(() => expect(result.current.get(59_510)?.id).toBe('title59510'))
  expect(asked).toEqual(['title 0', 'title 59500'])
})

it('brings whole rows for an act, each window once', async () => {
  const { result } = render('title')
  await waitFor(() => expect(result.current.total).toBe(TOTAL))
  const rows = await result.current.load([5, 250, 3, 99])
  expect(rows.map((row) => row.id)).toEqual(['title3', 'title5', 'title99', 'title250'])
  expect(asked).toEqual(['title 0', 'title 200'])
})

it('starts again when it becomes another list', async () => {
  const { result, rerender } = render('title')
  await waitFor(() => expect(result.current.total).toBe(TOTAL))
  act(() => result.current.look(5_000, 5_020))
  await waitFor(() => expect(result.current.get(5_000)?.id).toBe('title5000'))
  rerender({ by: 'artist' })
  await waitFor(() => expect(result.current.get(0)?.id).toBe('artist0'))
  act(() => result.current.look(5_000, 5_020))
  await waitFor(() => expect(result.current.get(5_000)?.id).toBe('artist5000'))
})
